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
			t.Parallel()
			conformance(t, config(valkeytest.Start(t, b, "tcp")))
		})
		t.Run("unix", func(t *testing.T) {
			t.Parallel()
			cfg := config(valkeytest.Start(t, b, "unix"))
			cfg.FlushDatabase, cfg.Prefix, cfg.DB = false, "a[*b:", 3
			conformance(t, cfg)
		})
		t.Run("cluster", func(t *testing.T) {
			t.Parallel()
			cfg := valkey.Config{Cluster: true, FlushDatabase: true, Timeout: patient}
			cfg.Servers = valkeytest.StartCluster(t, b, 3).Addrs()
			conformance(t, cfg)
		})
		t.Run("sentinel", func(t *testing.T) {
			t.Parallel()
			w := valkeytest.StartWatched(t, b)
			cfg := valkey.Config{Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName}
			cfg.FlushDatabase, cfg.Timeout = true, patient
			conformance(t, cfg)
		})
	})
}

func conformance(t *testing.T, cfg valkey.Config) {
	outage := func(t *testing.T) *cache.Cache {
		down := cfg
		down.Servers = []string{memcachedtest.FreeAddr(t)}
		return open(t, down)
	}
	cachetest.Run(t, func(t *testing.T) *cache.Cache { return empty(t, cfg) },
		cachetest.Options{Granularity: time.Millisecond, Outage: outage})
}
