package ketama_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load/loadtest"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg := ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix")), Timeout: patient}
	loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t, cfg) }, loadtest.Options{
		Granularity: time.Second, TooLarge: 2 << 20,
		Outage: func(t *testing.T) *cache.Cache {
			return open(t, ketama.Config{Servers: []string{memcachedtest.FreeAddr(t)}, Timeout: time.Second})
		},
	})
}

// TestLoadHammer tests the promise of package load where items and records are evicted
// throughout. If long is set it reads more of them, and also where there is room.
func TestLoadHammer(t *testing.T) {
	for name, args := range map[string][]string{
		"room":          nil,
		"little memory": {"-m", "2", "-o", "slab_reassign"},
	} {
		if args == nil && !*long {
			continue
		}
		t.Run(name, func(t *testing.T) {
			cfg := ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix", args...)), Timeout: patient}
			o := loadtest.HammerOptions{Gets: 2000}
			if *long {
				o.Gets = 100_000
			}
			if args != nil {
				o.ValueSize, o.Keys = 10_000, 5_000
			}
			loadtest.Hammer(t, o, open(t, cfg), open(t, cfg))
		})
	}
}
