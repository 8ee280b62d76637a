package valkey_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

func keys(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = "key:" + strconv.Itoa(i)
	}
	return list
}

func valueOf(key string) []byte { return []byte("value of " + key) }

func valuesOf(keys []string) map[string][]byte {
	values := map[string][]byte{}
	for _, k := range keys {
		values[k] = valueOf(k)
	}
	return values
}

// ownedBy returns which of the keys a node has.
func ownedBy(c *valkeytest.Cluster, node int, keys []string) map[string]bool {
	owned := map[string]bool{}
	for _, k := range keys {
		if c.Owner(k) == node {
			owned[k] = true
		}
	}
	return owned
}

// failedFor checks that err names exactly the keys of a server that has failed.
func failedFor(t *testing.T, what string, err error, owned map[string]bool, addr string) {
	t.Helper()
	var m *cache.MultiError
	if !errors.As(err, &m) {
		t.Errorf("%s: error %v, want one for each key of the server", what, err)
		return
	}
	if len(m.Errors) != len(owned) {
		t.Errorf("%s: %d keys failed, want %d", what, len(m.Errors), len(owned))
	}
	for k, err := range m.Errors {
		if !owned[k] {
			t.Errorf("%s: %q failed, which is on another server: %v", what, k, err)
		}
		memcachedtest.IsOutage(t, err, "valkey", m.Op, addr)
	}
}

// partial checks every batch while a node has failed, and that each is bounded.
func partial(t *testing.T, c *cache.Cache, all []string, owned map[string]bool, addr string, bound time.Duration) {
	t.Helper()
	ctx := t.Context()
	values := valuesOf(all)
	failed := func(what string, f func() error) {
		t.Helper()
		start := time.Now()
		failedFor(t, what, f(), owned, addr)
		memcachedtest.Bounded(t, start, bound)
	}
	rest := len(all) - len(owned)
	count := func(what string, n int) {
		t.Helper()
		if n != rest {
			t.Errorf("%s returned %d keys, want the %d of the other servers", what, n, rest)
		}
	}
	failed("SetMulti", func() error { return c.SetMulti(ctx, values, 0) })
	failed("GetMulti", func() error {
		found, err := c.GetMulti(ctx, all)
		count("GetMulti", len(found))
		return err
	})
	failed("ReplaceMulti", func() error { return c.ReplaceMulti(ctx, values, 0) })
	var items map[string]cache.Item
	failed("GetItemMulti", func() (err error) {
		items, err = c.GetItemMulti(ctx, all)
		count("GetItemMulti", len(items))
		return err
	})
	var swaps []cache.Swap
	for k, it := range items {
		swaps = append(swaps, cache.Swap{Old: it, Value: valueOf(k)})
	}
	if err := c.CompareAndSwapMulti(ctx, swaps); err != nil {
		t.Errorf("CompareAndSwapMulti on the other servers: %v", err)
	}
	failed("GetOrAddMulti", func() error {
		items, _, err := c.GetOrAddMulti(ctx, values, 0)
		count("GetOrAddMulti", len(items))
		return err
	})
	failed("DeleteMulti", func() error { return c.DeleteMulti(ctx, all) })
	failed("AddMulti", func() error { return c.AddMulti(ctx, values, 0) })
	start := time.Now()
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() {
			v, err := c.Get(ctx, k)
			switch {
			case owned[k]:
				memcachedtest.IsOutage(t, err, "valkey", cache.OpGet, addr)
			case err != nil || string(v) != string(valueOf(k)):
				t.Errorf("Get of %q, which is on another server: %q, %v", k, v, err)
			}
		})
	}
	wg.Wait()
	memcachedtest.Bounded(t, start, bound)
	memcachedtest.IsOutage(t, c.Ping(ctx), "valkey", cache.OpPing, addr)
	memcachedtest.IsOutage(t, c.Flush(ctx), "valkey", cache.OpFlush, addr)
}

// TestClusterNodeFails: of three nodes one is killed, or frozen, and the others notice. In
// each state the keys of that node fail, and no others.
func TestClusterNodeFails(t *testing.T) {
	t.Parallel()
	const timeout = 2 * time.Second // the servers that work reply by then on a busy machine
	all := keys(100)
	for name, fail := range map[string]func(s *valkeytest.Server){
		"killed": (*valkeytest.Server).Kill, "frozen": (*valkeytest.Server).Pause,
	} {
		t.Run(name, func(t *testing.T) {
			eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
				t.Parallel()
				cl := valkeytest.StartCluster(t, b, 3)
				c := open(t, valkey.Config{Servers: cl.Addrs(), Cluster: true, FlushDatabase: true, Timeout: timeout})
				memcachedtest.Eventually(t, "all keys are stored", func() bool { return c.SetMulti(t.Context(), valuesOf(all), 0) == nil })
				const sick = 1
				owned, addr := ownedBy(cl, sick, all), cl.Servers[sick].Addr()
				fail(cl.Servers[sick])
				partial(t, c, all, owned, addr, 2*timeout)
				cl.WaitFailed(sick)
				memcachedtest.Eventually(t, "the library has learned of it", func() bool {
					partial(t, c, all, owned, addr, 2*timeout)
					_, err := c.Get(t.Context(), slices.Sorted(maps.Keys(owned))[0])
					if strings.HasPrefix(b.Name, "redis-7.") {
						// The library asks these for CLUSTER SLOTS, which does not tell.
						return true
					}
					return t.Failed() || err != nil && strings.Contains(err.Error(), "no other has taken over")
				})
				partial(t, c, all, owned, addr, 2*timeout)
				cl.Servers[sick].Restart()
				cl.WaitServed()
				memcachedtest.Eventually(t, "all keys can be stored again", func() bool {
					return c.SetMulti(t.Context(), valuesOf(all), 0) == nil
				})
				if found, err := c.GetMulti(t.Context(), all); err != nil || len(found) != len(all) {
					t.Errorf("afterwards GetMulti returned %d keys, %v", len(found), err)
				}
				if err := c.Ping(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestClusterFullCoverage: with the setting that servers have by default, one dead shard
// takes all keys with it. That is an outage, and no miss.
func TestClusterFullCoverage(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		cl := valkeytest.StartCluster(t, b, 3, "--cluster-require-full-coverage", "yes")
		c := open(t, valkey.Config{Servers: cl.Addrs()[:1], Cluster: true, Timeout: patient})
		all := keys(50)
		if err := c.SetMulti(t.Context(), valuesOf(all), 0); err != nil {
			t.Fatal(err)
		}
		cl.Servers[2].Kill()
		cl.WaitFailed(2)
		for _, k := range all {
			if _, err := c.Get(t.Context(), k); !errors.Is(err, cache.ErrUnavailable) || errors.Is(err, cache.ErrMiss) {
				t.Errorf("Get of %q: %v", k, err)
			}
		}
		_, err := c.GetMulti(t.Context(), all)
		var m *cache.MultiError
		if !errors.As(err, &m) || len(m.Errors) != len(all) {
			t.Errorf("GetMulti: %v, want an error for all keys", err)
		}
	})
}

// TestSlotMoves: while a slot moves from one node to another, key by key, no call fails and
// no value is lost. The new node does not know the scripts.
func TestSlotMoves(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		cl := valkeytest.StartCluster(t, b, 3)
		c := open(t, valkey.Config{Servers: cl.Addrs(), Cluster: true, FlushDatabase: true, Timeout: patient})
		ctx := t.Context()
		// Keys with a hash tag are in one slot.
		const tag = "{moving}"
		all := make([]string, 40)
		for i := range all {
			all[i] = tag + strconv.Itoa(i)
		}
		if err := c.SetMulti(ctx, valuesOf(all), time.Hour); err != nil {
			t.Fatal(err)
		}
		slot := fmt.Sprint(cl.Servers[0].Do("CLUSTER", "KEYSLOT", tag))
		from := cl.Servers[cl.Owner(tag)]
		to := cl.Servers[(cl.Owner(tag)+1)%3]
		id := func(s *valkeytest.Server) string { return fmt.Sprint(s.Do("CLUSTER", "MYID")) }

		var stop atomic.Bool
		var rounds atomic.Int64
		var wg sync.WaitGroup
		for g := range 4 {
			wg.Go(func() {
				for i := g; !stop.Load(); i++ {
					k := all[i%len(all)]
					v, err := c.Get(ctx, k)
					if err != nil || string(v) != string(valueOf(k)) {
						t.Errorf("Get: %q, %v", v, err)
					}
					it, err := c.GetItem(ctx, k)
					if err != nil || string(it.Value) != string(valueOf(k)) {
						t.Errorf("GetItem: %q, %v", it.Value, err)
					} else if err := c.CompareAndSwap(ctx, it, valueOf(k), time.Hour); err != nil && !errors.Is(err, cache.ErrConflict) {
						t.Errorf("CompareAndSwap: %v", err)
					}
					found, err := c.GetMulti(ctx, all)
					if err != nil || len(found) != len(all) {
						t.Errorf("GetMulti: %d of %d keys, %v", len(found), len(all), err)
					}
					items, err := c.GetItemMulti(ctx, all[:5])
					if err != nil || len(items) != 5 {
						t.Errorf("GetItemMulti: %d of 5 keys, %v", len(items), err)
					}
					rounds.Add(1)
				}
			})
		}
		proceed := func() {
			n := rounds.Load()
			memcachedtest.Eventually(t, "there is traffic", func() bool { return t.Failed() || rounds.Load() > n+4 })
		}
		proceed()
		to.Do("CLUSTER", "SETSLOT", slot, "IMPORTING", id(from))
		from.Do("CLUSTER", "SETSLOT", slot, "MIGRATING", id(to))
		host, port, _ := strings.Cut(to.Addr(), ":")
		for i := 0; i < len(all); i += 10 {
			proceed()
			args := []string{"MIGRATE", host, port, "", "0", "5000", "KEYS"}
			from.Do(append(args, all[i:i+10]...)...)
		}
		proceed()
		for _, s := range []*valkeytest.Server{to, from, cl.Servers[(cl.Owner(tag)+2)%3]} {
			s.Do("CLUSTER", "SETSLOT", slot, "NODE", id(to))
		}
		proceed()
		stop.Store(true)
		wg.Wait()
	})
}

// TestWrongMode: a cluster and a server alone are told apart by the configuration, and what
// is wrong is said.
func TestWrongMode(t *testing.T) {
	t.Parallel()
	b := valkeytest.Any(t)
	alone := valkeytest.Start(t, b, "tcp")
	c := open(t, valkey.Config{Servers: []string{alone.Addr()}, Cluster: true, Timeout: patient})
	if err := c.Set(t.Context(), "k", nil, 0); err == nil || !strings.Contains(err.Error(), "want no cluster=true") {
		t.Errorf("a server alone as a cluster: %v", err)
	}
	cl := valkeytest.StartCluster(t, b, 3)
	c = open(t, valkey.Config{Servers: cl.Addrs()[:1], Timeout: patient})
	err := c.SetMulti(t.Context(), valuesOf(keys(20)), 0)
	if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "needs cluster=true") {
		t.Errorf("a node of a cluster as a server alone: %v", err)
	}
	if err := c.Ping(t.Context()); err != nil {
		t.Errorf("Ping: %v", err)
	}
}
