package memory

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/internal/race"
)

// A store allocates a slab now and then, which an average over many does not show.
func TestAllocs(t *testing.T) {
	cachetest.Allocs(t, func(t *testing.T) *cache.Cache { return newCache(t, Config{}) }, cachetest.Allocations{})
}

// The operations that not every cache has allocate nothing either, and a get takes nothing
// from the set that follows it.
func TestAllocsOfItems(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	m := newCache(t, Config{})
	value := make([]byte, 128)
	check := func(op string, err error) {
		if err != nil {
			t.Errorf("%s: %v", op, err)
		}
	}
	for i := range 1000 {
		check("Set", m.Set(ctx, fmt.Sprint("key", i), value, time.Hour))
	}
	for name, f := range map[string]func() error{
		"GetItem":     func() error { _, err := m.GetItem(ctx, "key2"); return err },
		"Touch":       func() error { return m.Touch(ctx, "key3", time.Hour) },
		"GetAndTouch": func() error { _, err := m.GetAndTouch(ctx, "key4", time.Hour); return err },
		"CompareAndSwap": func() error {
			it, err := m.GetItem(ctx, "key5")
			if err != nil {
				return err
			}
			return m.CompareAndSwap(ctx, it, value, time.Hour)
		},
		"Set and CompareAndDelete": func() error {
			if err := m.Set(ctx, "new", value, time.Hour); err != nil {
				return err
			}
			it, err := m.GetItem(ctx, "new")
			if err != nil {
				return err
			}
			return m.CompareAndDelete(ctx, it)
		},
		"Set and Get": func() error {
			if err := m.Set(ctx, "key1", value, time.Hour); err != nil {
				return err
			}
			_, err := m.Get(ctx, "key1")
			return err
		},
	} {
		if n := testing.AllocsPerRun(2000, func() { check(name, f()) }); n != 0 {
			t.Errorf("%s: %v allocations, want none", name, n)
		}
	}
}

func BenchmarkCache(b *testing.B) {
	cachetest.Bench(b, func(b *testing.B) *cache.Cache {
		m, err := New(Config{})
		if err != nil {
			b.Fatal(err)
		}
		return m
	})
}
