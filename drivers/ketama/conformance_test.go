package ketama_test

import (
	"flag"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// long runs the whole suite in each configuration: go test -long. Without it, one runs the
// whole, and one, which has what the others are about, the cases that depend on the driver.
var long = flag.Bool("long", false, "run the whole contract in every configuration")

// conform runs the suite on n servers that no other test uses, beside the other tests.
func conform(t *testing.T, name, network string, n int, cfg ketama.Config, driverOnly bool) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		cfg.Servers = memcachedtest.Addrs(memcachedtest.StartN(t, n, network))
		cfg.Timeout = patient
		o := options(cfg)
		o.DriverOnly = driverOnly
		cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, o)
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
	t.Parallel()
	e, err := encoding.ByName("sha1,base64")
	if err != nil {
		t.Fatal(err)
	}
	conform(t, "unix", "unix", 5, ketama.Config{}, false)
	conform(t, "weighted, encoded, small pool", "tcp", 3, ketama.Config{
		Distribution: ketama.DistributionKetamaWeighted, KeyEncoding: e, PoolSize: 1, NumberFlags: ketama.FlagsPythonMemcached,
	}, !*long)
	if !*long {
		return
	}
	conform(t, "tcp", "tcp", 1, ketama.Config{}, false)
	if memcachedtest.HasIPv6() {
		conform(t, "tcp6", "tcp6", 2, ketama.Config{}, false)
	}
}

// TestConformanceOfClient runs the suite on a client. Without -long that is left to the tests
// of package client: it does not depend on the driver.
func TestConformanceOfClient(t *testing.T) {
	if !*long {
		t.Skip("left to make test-long")
	}
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
