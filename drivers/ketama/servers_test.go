package ketama_test

import (
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest/servertest"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestServers runs the suite for servers that fail.
func TestServers(t *testing.T) {
	t.Parallel()
	o := memcachedtest.Faults(t, func(t *testing.T, c servertest.Config) *cache.Cache {
		k, err := ketama.New(ketama.Config{Servers: c.Servers, Timeout: c.Timeout, PoolSize: c.Conns})
		if err != nil {
			t.Fatal(err)
		}
		return k
	})
	// They go through rainycape/memcache, which knows no context.
	o.IgnoresCancel = func(op cache.Op) bool {
		return slices.Contains([]cache.Op{cache.OpSet, cache.OpAdd, cache.OpDelete, cache.OpIncrement, cache.OpDecrement}, op)
	}
	servertest.Run(t, o)
}
