package gomemcache_test

import (
	"context"
	"fmt"
	"syscall"
	"testing"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func Benchmark(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		b.Run(network, func(b *testing.B) {
			s := memcachedtest.Start(b, network)
			cachetest.Bench(b, func(b *testing.B) *cache.Cache {
				return empty(b, gomemcache.Config{Servers: []string{s.Addr()}})
			})
		})
	}
}

// BenchmarkOverLibrary runs the same operation on the library and on the driver, one
// after the other, for a comparison within one run.
func BenchmarkOverLibrary(b *testing.B) {
	for _, network := range []string{"unix", "tcp"} {
		b.Run(network, func(b *testing.B) { overLibrary(b, network) })
	}
}

func overLibrary(b *testing.B, network string) {
	s := memcachedtest.Start(b, network)
	bare := memcache.New(s.Addr())
	bare.Timeout = patient
	bare.MaxIdleConns = gomemcache.DefaultMaxIdleConns
	defer bare.Close()
	c := open(b, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := context.Background()
	cancellable, cancel := context.WithCancel(ctx)
	defer cancel()
	value := make([]byte, 128)
	values := map[string][]byte{}
	var keys []string
	for i := range 10_000 {
		keys = append(keys, fmt.Sprintf("bench:key:%d", i))
		values[keys[i]] = value
	}
	if err := c.SetMulti(ctx, values, 0); err != nil {
		b.Fatal(err)
	}
	if err := c.Set(ctx, "n", []byte("0"), 0); err != nil {
		b.Fatal(err)
	}
	run := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/op")
		})
	}
	k := keys[0]
	run("get/library", func() error { _, err := bare.Get(k); return err })
	run("get/driver", func() error { _, err := c.Get(ctx, k); return err })
	run("get/driver-cancellable", func() error { _, err := c.Get(cancellable, k); return err })
	run("set/library", func() error { return bare.Set(&memcache.Item{Key: k, Value: value}) })
	run("set/driver", func() error { return c.Set(ctx, k, value, 0) })
	run("increment/library", func() error { _, err := bare.Increment("n", 1); return err })
	run("increment/driver", func() error { _, err := c.Increment(ctx, "n", 1); return err })
	for _, n := range []int{100, 1000, 10_000} {
		run(fmt.Sprintf("getmulti-%d/library", n), func() error { _, err := bare.GetMulti(keys[:n]); return err })
		run(fmt.Sprintf("getmulti-%d/driver", n), func() error { _, err := c.GetMulti(ctx, keys[:n]); return err })
	}
	parallel := func(name string, f func() error) {
		b.Run(name, func(b *testing.B) {
			b.SetParallelism(32)
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := f(); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
	parallel("parallel-get/library", func() error { _, err := bare.Get(k); return err })
	parallel("parallel-get/driver", func() error { _, err := c.Get(ctx, k); return err })
}

// cpu returns the time that processors spent on this process, which says more than the
// time of a clock where others use the machine.
func cpu(b *testing.B) int64 {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		b.Fatal(err)
	}
	return r.Utime.Nano() + r.Stime.Nano()
}

func BenchmarkDependency(b *testing.B) {
	s := memcachedtest.Start(b, "unix")
	dependencytest.Bench(b, open(b, gomemcache.Config{Servers: []string{s.Addr()}}))
}
