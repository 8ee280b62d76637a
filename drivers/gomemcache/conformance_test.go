package gomemcache_test

import (
	"flag"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func options(c gomemcache.Config) cachetest.Options {
	return cachetest.Options{
		KeyEncoding: c.KeyEncoding,
		Granularity: time.Second,
		MaxValue:    1 << 19,
		Outage: func(t *testing.T) *cache.Cache {
			return open(t, gomemcache.Config{
				Servers:     append([]string{memcachedtest.FreeAddr(t)}, c.Servers[1:]...),
				KeyEncoding: c.KeyEncoding,
			})
		},
	}
}

// long runs the whole suite in each configuration: go test -long. Without it, one runs the
// whole, and another the cases that depend on the driver.
var long = flag.Bool("long", false, "run the whole contract in every configuration, and hammer for longer")

func TestConformance(t *testing.T) {
	t.Parallel()
	clusters := map[string]int{"unix": 5}
	if *long {
		clusters["tcp"] = 1
		if memcachedtest.HasIPv6() {
			clusters["tcp6"] = 2
		}
	}
	for network, n := range clusters {
		t.Run(network, func(t *testing.T) {
			t.Parallel()
			c := gomemcache.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, n, network))}
			cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, c) }, options(c))
		})
	}
}

func TestConformanceOfEncodings(t *testing.T) {
	t.Parallel()
	names := []string{"sha1,base64"}
	if *long {
		names = append(names, "base64")
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			servers := memcachedtest.Addrs(memcachedtest.StartN(t, 2, "tcp"))
			e, err := encoding.ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			c := gomemcache.Config{Servers: servers, KeyEncoding: e}
			o := options(c)
			o.DriverOnly = !*long
			cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, c) }, o)
		})
	}
}

// TestConformanceOfClient runs the suite on a client. Without -long that is left to the tests
// of package client: it does not depend on the driver.
func TestConformanceOfClient(t *testing.T) {
	if !*long {
		t.Skip("left to make test-long")
	}
	t.Parallel()
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 5, "unix"))
	c := gomemcache.Config{Servers: servers, Distribution: gomemcache.DistributionPythonMemcached}
	o := options(c)
	o.Namespaces = []string{"default", "other"}
	o.KeyPrefix = "p:"
	cachetest.Run(t, func(t *testing.T) *cache.Cache {
		k, err := client.New(client.Config{
			Caches:   map[string]*cache.Cache{"default": empty(t, c), "other": open(t, c)},
			Prefixes: map[string]string{"default": "p:", "other": "o:"},
		})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}, o)
}
