package ketama_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// conform runs the suite on n servers of its own, beside the others.
func conform(t *testing.T, name, network string, n int, cfg ketama.Config) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		cfg.Servers = memcachedtest.Addrs(memcachedtest.StartN(t, n, network))
		cfg.Timeout = patient
		cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, options(cfg))
	})
}

func options(cfg ketama.Config) cachetest.Options {
	return cachetest.Options{
		KeyEncoding: cfg.KeyEncoding,
		Granularity: time.Second,
		MaxValue:    1 << 19,
		Outage: func(t *testing.T) *cache.Cache {
			cfg := cfg
			cfg.Servers = append([]string{memcachedtest.FreeAddr(t)}, cfg.Servers[1:]...)
			return open(t, cfg)
		},
	}
}

func TestConformance(t *testing.T) {
	conform(t, "tcp", "tcp", 1, ketama.Config{})
	conform(t, "unix", "unix", 5, ketama.Config{})
	if memcachedtest.HasIPv6() {
		conform(t, "tcp6", "tcp6", 2, ketama.Config{})
	}
	e, err := encoding.ByName("sha1,base64")
	if err != nil {
		t.Fatal(err)
	}
	conform(t, "encoding", "unix", 2, ketama.Config{KeyEncoding: e})
	conform(t, "weighted", "tcp", 3, ketama.Config{Distribution: ketama.DistributionKetamaWeighted})
	conform(t, "small pool", "tcp", 2, ketama.Config{PoolSize: 1, NumberFlags: ketama.FlagsPythonMemcached})
}

func TestConformanceOfClient(t *testing.T) {
	t.Parallel()
	cfg := ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 5, "unix")), Timeout: patient}
	o := options(cfg)
	o.Namespaces = []string{"default", "other"}
	o.KeyPrefix = "p:"
	cachetest.Run(t, func(t *testing.T) *cache.Cache {
		k, err := client.New(client.Config{
			Caches:   map[string]*cache.Cache{"default": empty(t, cfg), "other": open(t, cfg)},
			Prefixes: map[string]string{"default": "p:", "other": "o:"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}, o)
}
