package ketama_test

import (
	"fmt"
	"testing"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func Benchmark(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		b.Run(network, func(b *testing.B) {
			s := memcachedtest.Start(b, network)
			cachetest.Bench(b, func(b *testing.B) *cache.Cache {
				return empty(b, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
			})
		})
	}
}

// BenchmarkOverLibrary does the same with rainycape/memcache and with the driver, one
// after the other, for a comparison within one run. Pin it and the server to one
// processor (taskset -c 0) for steady figures of single operations.
func BenchmarkOverLibrary(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		b.Run(network, func(b *testing.B) { overLibrary(b, memcachedtest.Start(b, network)) })
	}
}

func overLibrary(b *testing.B, s *memcachedtest.Server) {
	bare, err := memcache.New(s.Addr())
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	bare.SetTimeout(patient)
	c := open(b, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	ctx := b.Context()
	value := make([]byte, 128)
	all := make([]string, 10_000)
	values := make(map[string][]byte, len(all))
	for i := range all {
		all[i] = fmt.Sprintf("bench:key:%d", i)
		values[all[i]] = value
	}
	must := func(err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	must(c.SetMulti(ctx, values, 0))
	must(c.Set(ctx, "n", []byte("0"), 0))
	k := all[0]
	first := make(map[string][]byte)
	for _, k := range all[:100] {
		first[k] = value
	}
	for _, op := range []struct {
		name            string
		library, driver func() error
	}{
		{"get", func() error { _, err := bare.Get(k); return err }, func() error { _, err := c.Get(ctx, k); return err }},
		{"set", func() error { return bare.Set(&memcache.Item{Key: k, Value: value}) }, func() error { return c.Set(ctx, k, value, 0) }},
		{"increment", func() error { _, err := bare.Increment("n", 1); return err }, func() error { _, err := c.Increment(ctx, "n", 1); return err }},
		{"get 100", func() error { _, err := bare.GetMulti(all[:100]); return err }, func() error { _, err := c.GetMulti(ctx, all[:100]); return err }},
		{"set 100", func() error {
			for _, k := range all[:100] {
				if err := bare.Set(&memcache.Item{Key: k, Value: value}); err != nil {
					return err
				}
			}
			return nil
		}, func() error { return c.SetMulti(ctx, first, 0) }},
	} {
		measure := func(name string, f func() error) {
			b.Run(op.name+"/"+name, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					must(f())
				}
			})
		}
		measure("library", op.library)
		measure("driver", op.driver)
	}
}

func BenchmarkDependency(b *testing.B) {
	s := memcachedtest.Start(b, "unix")
	dependencytest.Bench(b, open(b, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient}))
}
