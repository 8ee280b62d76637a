package cache_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/race"
)

// weightless is a driver that allocates nothing, so that all allocations are those of package cache.
type weightless struct{ value []byte }

func (w *weightless) Get(_ context.Context, key string) ([]byte, error) {
	if key == "absent" {
		return nil, driver.ErrMiss
	}
	return w.value, nil
}

func (w *weightless) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	if mode == driver.Add && e.Key == "k" {
		return driver.ErrNotStored
	}
	return nil
}

func (w *weightless) Delete(_ context.Context, key string) error {
	if key == "absent" {
		return driver.ErrMiss
	}
	return nil
}

func (w *weightless) Increment(context.Context, string, uint64) (uint64, error) { return 1, nil }
func (w *weightless) Decrement(context.Context, string, uint64) (uint64, error) { return 1, nil }
func (w *weightless) Touch(context.Context, string, time.Duration) error        { return nil }
func (w *weightless) GetAndTouch(context.Context, string, time.Duration) ([]byte, error) {
	return w.value, nil
}
func (w *weightless) Flush(context.Context) error                             { return nil }
func (w *weightless) Close() error                                            { return nil }
func (w *weightless) CompareAndSwap(context.Context, any, driver.Entry) error { return nil }
func (w *weightless) CompareAndDelete(context.Context, string, any) error     { return nil }
func (w *weightless) GetItem(context.Context, string) (driver.Item, error) {
	return driver.Item{Value: w.value, Token: w}, nil
}

// Package cache adds no allocation.
func TestAllocs(t *testing.T) {
	cachetest.Allocs(t, func(*testing.T) *cache.Cache { return open(&weightless{[]byte("value")}) }, cachetest.Allocations{})
}

// Nor does it for the rest of the operations on one key, or in a view.
func TestAllocsOfTheRest(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	ctx := t.Context()
	plain := open(&weightless{[]byte("value")})
	for name, c := range map[string]*cache.Cache{
		"plain":      plain,
		"safe keys":  cache.New(&weightless{[]byte("value")}, cache.Options{Name: "stub", KeyEncoding: encoding.Safe()}),
		"of numbers": plain.WithKind(cache.Number),
		"namespace":  namespace(t, plain, "any"),
		"hooked":     plain.WithHook(&hitRatio{}),
	} {
		item, err := c.GetItem(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		v := []byte("value")
		for _, op := range []struct {
			name string
			want error
			do   func() error
		}{
			{"Get", nil, func() error { _, err := c.Get(ctx, "k"); return err }},
			{"Get of an absent key", cache.ErrMiss, func() error { _, err := c.Get(ctx, "absent"); return err }},
			{"Set", nil, func() error { return c.Set(ctx, "k", v, time.Minute) }},
			{"Add of a present key", cache.ErrNotStored, func() error { return c.Add(ctx, "k", v, 0) }},
			{"Replace", nil, func() error { return c.Replace(ctx, "k", v, 0) }},
			{"Delete", nil, func() error { return c.Delete(ctx, "k") }},
			{"Increment", nil, func() error { _, err := c.Increment(ctx, "k", 1); return err }},
			{"Decrement", nil, func() error { _, err := c.Decrement(ctx, "k", 1); return err }},
			{"IncrementFrom", nil, func() error { _, err := c.IncrementFrom(ctx, "k", 1, 1, 0); return err }},
			{"GetItem", nil, func() error { _, err := c.GetItem(ctx, "k"); return err }},
			{"CompareAndSwap", nil, func() error { return c.CompareAndSwap(ctx, item, v, 0) }},
			{"CompareAndDelete", nil, func() error { return c.CompareAndDelete(ctx, item) }},
			{"Touch", nil, func() error { return c.Touch(ctx, "k", 0) }},
			{"GetAndTouch", nil, func() error { _, err := c.GetAndTouch(ctx, "k", 0); return err }},
		} {
			var got error
			if n := testing.AllocsPerRun(100, func() { got = op.do() }); n != 0 {
				t.Errorf("%s: %s: %v allocations, want none", name, op.name, n)
			}
			if got != op.want {
				t.Errorf("%s: %s: error %v, want %v", name, op.name, got, op.want)
			}
		}
	}
}
