package memcached_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load/loadtest"
)

// TestLoad runs the suite of package load on one server and on five.
func TestLoad(t *testing.T) {
	for _, n := range []int{1, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			c := memcached.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, n, "unix")), Timeout: patient}
			loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t, c) }, loadtest.Options{
				Granularity: time.Second, TooLarge: 2 << 20, Outage: func(t *testing.T) *cache.Cache {
					return open(t, memcached.Config{Servers: []string{memcachedtest.FreeAddr(t)}, Timeout: time.Second})
				},
			})
		})
	}
}

// TestLoadHammer tests the promise of package load, with room for all values and without.
// If all is set it reads more of them, tries each number of servers with each, and restarts
// a server now and then.
func TestLoadHammer(t *testing.T) {
	for _, tt := range []struct {
		name    string
		n       int
		always  bool // and not only if all is set
		args    []string
		restart bool
	}{
		{name: "room", n: 1},
		{name: "room", n: 5, always: true},
		{name: "little memory", n: 1, always: true, args: []string{"-m", "2", "-o", "slab_reassign"}},
		{name: "little memory", n: 5, args: []string{"-m", "2", "-o", "slab_reassign"}},
		{name: "restarts", n: 5, restart: true},
	} {
		if !tt.always && !*all {
			continue
		}
		t.Run(fmt.Sprintf("%s/%d", tt.name, tt.n), func(t *testing.T) {
			servers := memcachedtest.StartN(t, tt.n, "unix", tt.args...)
			c := memcached.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient}
			var o loadtest.HammerOptions
			if tt.restart {
				o.Disturb = func() { servers[rand.IntN(tt.n)].Restart() }
			}
			if tt.args != nil {
				o.ValueSize, o.Keys = 10_000, 5_000
			}
			if !*all {
				o.Gets = 3_000
			}
			loadtest.Hammer(t, o, open(t, c), open(t, c))
		})
	}
}
