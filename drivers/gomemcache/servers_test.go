package gomemcache_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest/servertest"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestServers runs the suite for servers that fail.
func TestServers(t *testing.T) {
	t.Parallel()
	servertest.Run(t, memcachedtest.Faults(t, func(t *testing.T, c servertest.Config) *cache.Cache {
		k, err := gomemcache.New(gomemcache.Config{Servers: c.Servers, Timeout: c.Timeout, MaxIdleConns: c.Conns})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}))
}
