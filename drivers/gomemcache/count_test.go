package gomemcache_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestLargeCounters(t *testing.T) {
	memcachedtest.LargeCounters(t, func(t *testing.T, server string) *cache.Cache {
		return open(t, gomemcache.Config{Servers: []string{server}})
	})
}
