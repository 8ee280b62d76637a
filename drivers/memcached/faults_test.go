package memcached_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest/servertest"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestFaults(t *testing.T) {
	t.Parallel()
	servertest.Run(t, memcachedtest.Faults(t, func(t *testing.T, c servertest.Config) *cache.Cache {
		k, err := memcached.New(memcached.Config{Servers: c.Servers, Timeout: c.Timeout})
		if err != nil {
			t.Fatal(err)
		}
		return k
	}))
}
