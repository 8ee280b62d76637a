package valkey_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
	"github.com/larder-go/larder/load/loadtest"
)

// TestLoad runs the suite of package load.
func TestLoad(t *testing.T) {
	t.Parallel()
	cfg := config(valkeytest.Start(t, valkeytest.Any(t), "unix"))
	cfg.MaxValue = 1 << 20
	loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t, cfg) }, loadtest.Options{
		Granularity: time.Millisecond, TooLarge: 2 << 20, Outage: func(t *testing.T) *cache.Cache {
			return open(t, valkey.Config{Servers: []string{memcachedtest.FreeAddr(t)}, Timeout: time.Second})
		},
	})
}

// TestLoadHammer tests the promise of package load on one server. If every is set it also
// does so on a cluster, and for longer.
func TestLoadHammer(t *testing.T) {
	cfg := config(valkeytest.Start(t, valkeytest.Any(t), "unix"))
	o := loadtest.HammerOptions{Gets: 3000}
	if *every {
		o.Gets = 100_000
		cluster := valkey.Config{Servers: valkeytest.StartCluster(t, valkeytest.Any(t), 3).Addrs(), Cluster: true, Timeout: patient}
		loadtest.Hammer(t, o, open(t, cluster), open(t, cluster))
	}
	loadtest.Hammer(t, o, open(t, cfg), open(t, cfg))
}
