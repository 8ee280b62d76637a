package valkey_test

import (
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/cache/cachetest/servertest"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// near returns a near view of c.
func near(t testing.TB, c *cache.Cache, cfg valkey.NearConfig) *cache.Cache {
	t.Helper()
	n, err := valkey.Near(c, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNearConformance runs the contract on near views, and with -every in each way to reach
// servers.
func TestNearConformance(t *testing.T) {
	t.Parallel()
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		for _, w := range ways {
			if w.name == "tcp" || *every {
				t.Run(w.name, func(t *testing.T) {
					t.Parallel()
					cfg, servers := w.config(t, b)
					cfg.MaxValue = 1 << 20
					o := cachetest.Options{Granularity: time.Millisecond, DriverOnly: !*every || w.name != "tcp", MaxValue: 1 << 20, Unreadable: spoil(cfg, servers)}
					o.Outage = func(t *testing.T) *cache.Cache {
						down := cfg
						down.Servers = []string{memcachedtest.FreeAddr(t)}
						return near(t, open(t, down), valkey.NearConfig{})
					}
					cachetest.Run(t, func(t *testing.T) *cache.Cache {
						return near(t, empty(t, cfg), valkey.NearConfig{})
					}, o)
				})
			}
		}
	})
}

// TestNearServers runs the fault suite on near views that keep nothing, so that a tracker serves every read. The cases about replies are left out: they change the first
// reply on any connection, and a view has two.
func TestNearServers(t *testing.T) {
	if !*every {
		t.Skip("left to make test-long") // TestServers runs it on what is below the view
	}
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		h := &harness{binary: b, servers: map[string]*server{}}
		servertest.Run(t, servertest.Options{
			Start: func(t *testing.T) servertest.Server { return h.start(t) },
			Open: func(t *testing.T, c servertest.Config) *cache.Cache {
				k := h.open(t, c)
				if k.Driver() == "alone" || strings.Contains(t.Name(), "/replies/") {
					return k
				}
				n, err := valkey.NearKeepingNothing(k)
				if err != nil {
					t.Fatal(err)
				}
				return n
			},
			TooLarge: maxValue + 1,
		})
	})
}
