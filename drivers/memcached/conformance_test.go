package memcached_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// conform runs the suite on n servers that no other test uses, beside the other tests. Without
// -all, the cases that do not depend on the driver run on one server only.
func conform(t *testing.T, name, network string, n int, cfg memcached.Config) {
	t.Run(name, func(t *testing.T) {
		t.Parallel()
		cfg.Servers = memcachedtest.Addrs(memcachedtest.StartN(t, n, network))
		cfg.Timeout = patient
		o := options(cfg)
		o.DriverOnly = !*all && n > 1
		cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) }, o)
	})
}

func options(cfg memcached.Config) cachetest.Options {
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

// all says to run the suites in every combination, and to hammer for longer, which takes
// minutes of processor time. Without it the suite runs on one server, on several with other
// options, and over TLS.
var all = flag.Bool("all", false, "run the suites in every combination, and hammer for longer")

func TestConformance(t *testing.T) {
	t.Parallel()
	networks := []string{"tcp", "unix"}
	if memcachedtest.HasIPv6() {
		networks = append(networks, "tcp6")
	}
	last := networks[len(networks)-1]
	conform(t, "unix/1", "unix", 1, memcached.Config{})
	conform(t, "several connections", last, 3, memcached.Config{
		Conns: 3, NumberFlags: memcached.FlagsPythonMemcached,
		Distribution: memcached.DistributionKetamaWeighted, KeyEncoding: named(t, "safe"),
	})
	if !*all {
		return
	}
	for _, network := range networks {
		for _, n := range []int{1, 5} {
			if network != "unix" || n > 1 {
				conform(t, fmt.Sprintf("%s/%d", network, n), network, n, memcached.Config{})
			}
		}
	}
	for _, name := range []string{"base64", "sha1,base64", "safe"} {
		conform(t, "encoding/"+name, "unix", 2, memcached.Config{KeyEncoding: named(t, name)})
	}
	for _, name := range []string{
		memcached.DistributionKetamaWeighted, memcached.DistributionKetamaMD5,
		memcached.DistributionPythonMemcached, memcached.DistributionGomemcache,
	} {
		conform(t, "distribution/"+name, "tcp", 3, memcached.Config{Distribution: name})
	}
}

// TestConformanceOfClient runs the suite on a client. Without -all that is left to the tests
// of package client: it does not depend on the driver.
func TestConformanceOfClient(t *testing.T) {
	if !*all {
		t.Skip("left to make test-long")
	}
	t.Parallel()
	cfg := memcached.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 5, "unix")), Timeout: patient}
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
