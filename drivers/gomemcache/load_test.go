package gomemcache_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load/loadtest"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	c := gomemcache.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix"))}
	loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t, c) }, loadtest.Options{
		Granularity: time.Second, TooLarge: 2 << 20, Outage: func(t *testing.T) *cache.Cache {
			return open(t, gomemcache.Config{Servers: []string{memcachedtest.FreeAddr(t)}, Timeout: time.Second})
		},
	})
}

func TestLoadHammer(t *testing.T) {
	for name, args := range map[string][]string{
		"room":          nil,
		"little memory": {"-m", "2", "-o", "slab_reassign"},
	} {
		t.Run(name, func(t *testing.T) {
			c := gomemcache.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 2, "unix", args...))}
			o := loadtest.HammerOptions{Gets: 3_000}
			if *long {
				o.Gets = 100_000
			}
			if args != nil {
				o.ValueSize, o.Keys = 10_000, 5_000
			}
			loadtest.Hammer(t, o, open(t, c), open(t, c))
		})
	}
}
