package promhook_test

import (
	"context"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/memory"
)

// BenchmarkCost measures operations on memory without and with the hook.
func BenchmarkCost(b *testing.B) {
	ctx := context.Background()
	bare, err := memory.New(memory.Config{})
	if err != nil {
		b.Fatal(err)
	}
	value := make([]byte, 128)
	for _, which := range []struct {
		name string
		c    *cache.Cache
	}{
		{"none", bare},
		{"prometheus", promhook.New(promhook.Config{}).Watch(bare)},
	} {
		for _, op := range []struct {
			name string
			do   func(c *cache.Cache)
		}{
			{"get", func(c *cache.Cache) { c.Get(ctx, "key") }},
			{"get, absent", func(c *cache.Cache) { c.Get(ctx, "absent") }},
			{"set", func(c *cache.Cache) { c.Set(ctx, "key", value, 0) }},
		} {
			bare.Set(ctx, "key", value, 0)
			b.Run(op.name+"/"+which.name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					op.do(which.c)
				}
			})
			b.Run(op.name+", parallel/"+which.name, func(b *testing.B) {
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						op.do(which.c)
					}
				})
			})
		}
	}
}
