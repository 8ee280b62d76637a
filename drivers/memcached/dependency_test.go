package memcached_test

import (
	"testing"

	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestDependencyHammer(t *testing.T) {
	for name, n := range map[string]int{"one server": 1, "five": 5} {
		t.Run(name, func(t *testing.T) {
			c := memcached.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, n, "unix")), Timeout: patient}
			dependencytest.Hammer(t, open(t, c), open(t, c))
		})
	}
}
