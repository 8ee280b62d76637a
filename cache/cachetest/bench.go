package cachetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/larder-go/larder/cache"
)

// valueSize is the length in bytes of the values that Bench and Allocs store.
const valueSize = 128

// Bench measures the operations of a cache with values of 128 bytes, in the same way for
// every driver. Each operation is a sub-benchmark on a new cache. Run it with several
// counts, and compare with benchstat.
func Bench(b *testing.B, open func(b *testing.B) *cache.Cache) {
	ctx := context.Background()
	v := fill(valueSize, 'v')
	const n = 100
	keys := make([]string, n)
	values := map[string][]byte{}
	for i := range keys {
		keys[i] = fmt.Sprintf("bench:key:%d", i)
		values[keys[i]] = v
	}
	// run measures op on a cache that holds the 100 keys and a counter.
	run := func(name string, op func(b *testing.B, c *cache.Cache)) {
		b.Run(name, func(b *testing.B) {
			c := open(b)
			defer func() { must(b, c.Close()) }()
			must(b, c.SetMulti(ctx, values, 0))
			must(b, c.Set(ctx, "bench:counter", []byte("0"), 0))
			b.ReportAllocs()
			op(b, c)
		})
	}
	// each measures an operation that must return no error.
	each := func(name string, op func(c *cache.Cache, key string) error) {
		run(name, func(b *testing.B, c *cache.Cache) {
			for i := 0; b.Loop(); i++ {
				if err := op(c, keys[i%n]); err != nil && !(c.Discards() && err == cache.ErrMiss) {
					b.Fatal(err)
				}
			}
		})
	}
	each("get/hit", func(c *cache.Cache, key string) error { _, err := c.Get(ctx, key); return err })
	each("get/miss", func(c *cache.Cache, _ string) error {
		_, err := c.Get(ctx, "bench:absent")
		return except(err, cache.ErrMiss)
	})
	each("set", func(c *cache.Cache, key string) error { return c.Set(ctx, key, v, 0) })
	each("add/present", func(c *cache.Cache, key string) error {
		return except(c.Add(ctx, key, v, 0), cache.ErrNotStored)
	})
	each("increment", func(c *cache.Cache, _ string) error { _, err := c.Increment(ctx, "bench:counter", 1); return err })
	each("set and delete", func(c *cache.Cache, _ string) error {
		if err := c.Set(ctx, "bench:deleted", v, 0); err != nil {
			return err
		}
		return c.Delete(ctx, "bench:deleted")
	})
	each("get multi/100", func(c *cache.Cache, _ string) error { _, err := c.GetMulti(ctx, keys); return err })
	each("set multi/100", func(c *cache.Cache, _ string) error { return c.SetMulti(ctx, values, 0) })
	each("set and delete multi/100", func(c *cache.Cache, _ string) error {
		if err := c.SetMulti(ctx, values, 0); err != nil {
			return err
		}
		return c.DeleteMulti(ctx, keys)
	})

	// In parallel: nine gets to a set, and gets alone.
	parallel := func(name string, everySet int) {
		run(name, func(b *testing.B, c *cache.Cache) {
			var worker atomic.Int64
			b.RunParallel(func(pb *testing.PB) {
				for i := int(worker.Add(1)) * 7; pb.Next(); i++ {
					key := keys[i%n]
					var err error
					if everySet > 0 && i%everySet == 0 {
						err = c.Set(ctx, key, v, 0)
					} else {
						_, err = c.Get(ctx, key)
					}
					if err != nil && !(c.Discards() && err == cache.ErrMiss) {
						b.Error(err)
						return
					}
				}
			})
		})
	}
	parallel("parallel/get", 0)
	parallel("parallel/get and set", 10)
}

func must(tb testing.TB, err error) {
	if err != nil {
		tb.Helper()
		tb.Fatal(err)
	}
}
