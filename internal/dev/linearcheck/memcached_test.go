package linearcheck

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestLinearMemcached does the same on servers, for one program and for two that share them,
// each with separate connections. There are no TTLs, which are whole seconds there.
func TestLinearMemcached(t *testing.T) {
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 2, "unix"))
	for conns := 1; conns <= 2; conns++ {
		for programs := 1; programs <= 2; programs++ {
			t.Run(fmt.Sprintf("%d programs, %d connections", programs, conns), func(t *testing.T) {
				var caches []*cache.Cache
				for range programs {
					c, err := memcached.New(memcached.Config{Servers: servers, Conns: conns, Timeout: time.Minute})
					if err != nil {
						t.Fatal(err)
					}
					defer c.Close()
					caches = append(caches, c)
				}
				for round := range many(4) {
					if err := caches[0].Flush(ctx); err != nil {
						t.Fatal(err)
					}
					check(t, model(false, 0), round, run(caches[0], round, 0, caches[1:]...))
				}
			})
		}
	}
}
