package valkey_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestConformance runs the contract on each server, in each way to reach it.
func TestConformance(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		t.Run("tcp", func(t *testing.T) {
			conformance(t, config(valkeytest.Start(t, b, "tcp")), nil)
		})
		t.Run("unix", func(t *testing.T) {
			cfg := config(valkeytest.Start(t, b, "unix"))
			cfg.FlushDatabase, cfg.Prefix, cfg.DB = false, "a[*b:", 3
			conformance(t, cfg, nil)
		})
		t.Run("cluster", func(t *testing.T) {
			c := valkeytest.StartCluster(t, b, 3)
			conformance(t, valkey.Config{Servers: c.Addrs(), Cluster: true, FlushDatabase: true, Timeout: patient}, nil)
		})
	})
}

func conformance(t *testing.T, cfg valkey.Config, outage func(t *testing.T) *cache.Cache) {
	if outage == nil {
		outage = func(t *testing.T) *cache.Cache {
			down := cfg
			down.Servers = []string{memcachedtest.FreeAddr(t)}
			return open(t, down)
		}
	}
	cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) },
		cachetest.Options{Granularity: time.Millisecond, Outage: outage})
}
