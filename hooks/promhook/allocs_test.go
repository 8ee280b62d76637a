package promhook_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/memory"
)

// The hook adds no allocation to an operation.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	bare, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer bare.Close()
	watched := promhook.New(promhook.Config{}).Watch(bare)
	inNamespace, err := watched.Namespace("users")
	if err != nil {
		t.Fatal(err)
	}
	value, batch := make([]byte, 100), map[string][]byte{"a": nil, "b": nil}
	for _, op := range []struct {
		name string
		do   func(c *cache.Cache) error
		want error
	}{
		{"Get", func(c *cache.Cache) error { return last(c.Get(ctx, "k")) }, nil},
		{"Get, absent", func(c *cache.Cache) error { return last(c.Get(ctx, "absent")) }, cache.ErrMiss},
		{"Set", func(c *cache.Cache) error { return c.Set(ctx, "k", value, time.Minute) }, nil},
		{"Add", func(c *cache.Cache) error { return c.Add(ctx, "k", value, time.Minute) }, cache.ErrNotStored},
		{"Replace", func(c *cache.Cache) error { return c.Replace(ctx, "k", value, 0) }, nil},
		{"Increment", func(c *cache.Cache) error { return last(c.Increment(ctx, "n", 1)) }, nil},
		{"Delete", func(c *cache.Cache) error { return c.Delete(ctx, "absent") }, cache.ErrMiss},
		{"GetItem", func(c *cache.Cache) error { return last(c.GetItem(ctx, "k")) }, nil},
		{"SetMulti", func(c *cache.Cache) error { return c.SetMulti(ctx, batch, 0) }, nil},
		{"GetMulti", func(c *cache.Cache) error { return last(c.GetMulti(ctx, []string{"k", "absent"})) }, nil},
	} {
		bare.Set(ctx, "k", value, 0)
		bare.Set(ctx, "n", []byte("0"), 0)
		do := func(c *cache.Cache) func() {
			return func() {
				if err := op.do(c); err != op.want {
					t.Errorf("%s: error %v, want %v", op.name, err, op.want)
				}
			}
		}
		want := testing.AllocsPerRun(200, do(bare))
		for view, c := range map[string]*cache.Cache{"watched": watched, "in a namespace": inNamespace} {
			if n := testing.AllocsPerRun(200, do(c)); n != want {
				t.Errorf("%s, %s: %v allocations, want %v as without the hook", op.name, view, n, want)
			}
		}
	}
}

// last returns the error of a call with a result.
func last[T any](_ T, err error) error { return err }
