//go:build unix

package production_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// drivers make a cache on servers.
var drivers = map[string]func(t *testing.T, servers []string) *cache.Cache{
	"gomemcache": func(t *testing.T, servers []string) *cache.Cache {
		return made(t)(gomemcache.New(gomemcache.Config{Servers: servers, Timeout: time.Minute}))
	},
	"ketama": func(t *testing.T, servers []string) *cache.Cache {
		return made(t)(ketama.New(ketama.Config{Servers: servers, Timeout: time.Minute}))
	},
}

// The share of the keys that a fifth server takes away from four: nearly all in a list, a
// fifth on a ring.
func TestKeysMoveToNewServer(t *testing.T) {
	addrs := memcachedtest.Addrs(memcachedtest.StartN(t, 5, "tcp"))
	for name, want := range map[string]float64{"gomemcache": 0.80, "ketama": 0.20} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			before, after := drivers[name](t, addrs[:4]), drivers[name](t, addrs)
			if err := before.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			values := map[string][]byte{}
			var keys []string
			for i := range 4000 {
				key := fmt.Sprintf("page:%d", i)
				keys, values[key] = append(keys, key), []byte("before")
			}
			if err := before.SetMulti(ctx, values, time.Minute); err != nil {
				t.Fatal(err)
			}
			found, err := after.GetMulti(ctx, keys)
			if err != nil {
				t.Fatal(err)
			}
			moved := 1 - float64(len(found))/float64(len(keys))
			if math.Abs(moved-want) > 0.08 {
				t.Errorf("%.0f %% of the keys moved, want some %.0f", 100*moved, 100*want)
			}
		})
	}
}

// A server that returns to the list still holds what was changed meanwhile. A prefix that
// was never used before keeps the old values out.
func TestServerReturnsWithOldValues(t *testing.T) {
	ctx := t.Context()
	addrs := memcachedtest.Addrs(memcachedtest.StartN(t, 2, "tcp"))
	both, one := drivers["gomemcache"](t, addrs), drivers["gomemcache"](t, addrs[:1])

	// Keys that are on the second server as long as it is in the list.
	moved := 0
	for i := range 20 {
		key := fmt.Sprintf("page:%d", i)
		if err := both.Set(ctx, key, []byte("old"), time.Minute); err != nil {
			t.Fatal(err)
		}
		err := one.Delete(ctx, key) // a change is announced while the list is shorter
		if errors.Is(err, cache.ErrMiss) {
			moved++
			err = nil
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	old := 0
	for i := range 20 {
		key := fmt.Sprintf("page:%d", i)
		if _, err := both.Get(ctx, key); err == nil {
			old++
		} else if !errors.Is(err, cache.ErrMiss) {
			t.Fatal(err)
		}
		if _, err := both.WithPrefix("g2/").Get(ctx, key); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("with a new prefix: %v", err)
		}
	}
	if moved == 0 || old != moved {
		t.Errorf("%d keys were on the second server, %d old values were found", moved, old)
	}
}

// A server that was restarted has forgotten wires whose items are on another server.
func TestRestartForgetsWires(t *testing.T) {
	ctx := t.Context()
	servers := memcachedtest.StartN(t, 2, "tcp")
	c := drivers["gomemcache"](t, memcachedtest.Addrs(servers))
	wires, err := dependency.New(c, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		key := fmt.Sprintf("page:%d", i)
		if err := c.Set(ctx, key, []byte("old"), time.Minute); err != nil {
			t.Fatal(err)
		}
		if err := wires.Add(ctx, fmt.Sprintf("order:%d:", i), key); err != nil {
			t.Fatal(err)
		}
	}
	servers[1].Restart()
	stale := 0
	for i := range 20 {
		master := fmt.Sprintf("order:%d:", i)
		err := wires.Delete(ctx, master)
		for errors.Is(err, cache.ErrUnavailable) { // a connection from before the restart
			err = wires.Delete(ctx, master)
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Get(ctx, fmt.Sprintf("page:%d", i)); err == nil {
			stale++
		}
	}
	if stale == 0 {
		t.Error("no page outlived its wire: the page on running larder says that some do")
	}
	t.Logf("%d of 20 pages outlived their wires", stale)

	// The remedy that the page advises.
	if err := c.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := c.Get(ctx, fmt.Sprintf("page:%d", i)); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("after Flush: %v", err)
		}
	}
}

// The number of connections in the table on pools: each driver keeps no more than it says
// after 64 callers at once.
func TestConnectionsKept(t *testing.T) {
	for name, open := range map[string]func(servers []string) (*cache.Cache, error){
		"gomemcache": func(servers []string) (*cache.Cache, error) {
			return gomemcache.New(gomemcache.Config{Servers: servers, MaxIdleConns: 8, Timeout: time.Minute})
		},
		"ketama": func(servers []string) (*cache.Cache, error) {
			return ketama.New(ketama.Config{Servers: servers, PoolSize: 4, Timeout: time.Minute})
		},
	} {
		t.Run(name, func(t *testing.T) {
			server := memcachedtest.Start(t, "tcp")
			c := made(t)(open([]string{server.Addr()}))
			errs := make(chan error)
			const callers = 64
			for i := range callers {
				go func() {
					key := fmt.Sprintf("page:%d", i)
					errs <- errors.Join(
						c.Set(t.Context(), key, make([]byte, 10_000), 0),
						c.Replace(t.Context(), key, nil, 0),
					)
				}()
			}
			for range callers {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
			memcachedtest.Eventually(t, "at most 8 connections", func() bool {
				n := server.Connections()
				return 0 < n && n <= 8
			})
		})
	}
}
