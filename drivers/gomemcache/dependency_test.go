package gomemcache_test

import (
	"testing"

	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestDependencyHammer(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "three": 3} {
		t.Run(name, func(t *testing.T) {
			c := gomemcache.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, n, "unix"))}
			dependencytest.Hammer(t, open(t, c), open(t, c))
		})
	}
}
