package gomemcache_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

var names = memcachedtest.ReplaceResolver()

func TestNameMoves(t *testing.T) {
	memcachedtest.NameMoves(t, names, func(t *testing.T, server string) *cache.Cache {
		return open(t, gomemcache.Config{Servers: []string{server}, Timeout: patient, MaxIdleConns: 64})
	})
}
