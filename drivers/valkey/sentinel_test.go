package valkey_test

import (
	"errors"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestFailover: the primary is killed in traffic, and the replica takes over. Meanwhile
// calls return right values or ErrUnavailable; then they work, on the new primary.
func TestFailover(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Parallel()
		w := valkeytest.StartWatched(t, b)
		cfg := valkey.Config{
			Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName, FlushDatabase: true, Timeout: 500 * time.Millisecond,
		}
		c := open(t, cfg)
		ctx := t.Context()
		all := keys(50)
		var stop atomic.Bool
		var worked, failed atomic.Int64
		check := func(what string, err error) {
			switch {
			case err == nil, errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrConflict):
				worked.Add(1)
			case errors.Is(err, cache.ErrUnavailable):
				failed.Add(1)
			default:
				t.Errorf("%s: %v", what, err)
			}
		}
		var wg sync.WaitGroup
		defer wg.Wait()
		defer stop.Store(true)
		for g := range 4 {
			wg.Go(func() {
				for i := g; !stop.Load(); i++ {
					k := all[i%len(all)]
					check("Set", c.Set(ctx, k, valueOf(k), 0))
					v, err := c.Get(ctx, k)
					check("Get", err)
					if err == nil && string(v) != string(valueOf(k)) {
						t.Errorf("Get of %q: %q", k, v)
					}
					it, err := c.GetItem(ctx, k)
					check("GetItem", err)
					if err == nil {
						check("CompareAndSwap", c.CompareAndSwap(ctx, it, valueOf(k), 0))
					}
					found, err := c.GetMulti(ctx, all)
					check("GetMulti", err)
					for k, v := range found {
						if string(v) != string(valueOf(k)) {
							t.Errorf("GetMulti of %q: %q", k, v)
						}
					}
				}
			})
		}
		more := func(what string, n *atomic.Int64) {
			t.Helper()
			before := n.Load()
			memcachedtest.Eventually(t, what, func() bool { return t.Failed() || n.Load() > before+100 })
		}
		more("calls succeed", &worked)
		w.Servers[0].Kill()
		w.WaitPrimary(1)
		t.Logf("%d calls failed until there was a primary again", failed.Load())
		more("calls succeed on the new primary", &worked)
		stop.Store(true)
		wg.Wait()
		// No call waits for a dead primary any more.
		cfg.Timeout = patient
		c = open(t, cfg)
		if err := c.Set(ctx, "k", []byte("v"), 0); err != nil {
			t.Errorf("Set on the new primary: %v", err)
		}
		if got := raw(t, w.Servers[1], "k"); got != "v" {
			t.Errorf("the new primary has %q", got)
		}
		// The old one comes back as a replica.
		host, port, _ := cutAddr(w.Servers[1].Addr())
		w.Servers[0].Restart()
		w.Servers[0].Do("REPLICAOF", host, port)
		for i := range 50 {
			if err := c.Set(ctx, strconv.Itoa(i), nil, 0); err != nil {
				t.Errorf("Set beside the old primary: %v", err)
			}
		}
	})
}

// TestHandover: the primary gives its role away and lives on as a replica. Calls fail until
// the library has learned of it, and never write to the replica.
func TestHandover(t *testing.T) {
	w := valkeytest.StartWatched(t, valkeytest.Any(t))
	c := open(t, valkey.Config{Servers: []string{w.Sentinel.Addr()}, Sentinel: valkeytest.PrimaryName, Timeout: patient})
	ctx := t.Context()
	if err := c.Set(ctx, "k", []byte("before"), 0); err != nil {
		t.Fatal(err)
	}
	w.Sentinel.Do("SENTINEL", "FAILOVER", valkeytest.PrimaryName)
	w.WaitPrimary(1)
	memcachedtest.Eventually(t, "calls work on the new primary", func() bool {
		err := c.Set(ctx, "k", []byte("after"), 0)
		if err != nil && !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Set while the role moves: %v", err)
		}
		return err == nil && w.Servers[1].Do("GET", "k") == "after"
	})
}

// TestSentinelDown: without a Sentinel nothing is known of a primary, and a cache that was
// opened then works once there is one.
func TestSentinelDown(t *testing.T) {
	w := valkeytest.StartWatched(t, valkeytest.Any(t))
	addr := w.Sentinel.Addr()
	w.Sentinel.Kill()
	c := open(t, valkey.Config{Servers: []string{addr}, Sentinel: valkeytest.PrimaryName, Timeout: patient})
	memcachedtest.IsOutage(t, c.Set(t.Context(), "k", nil, 0), "valkey", cache.OpSet, addr)
	w.Sentinel.Restart()
	memcachedtest.Eventually(t, "calls work", func() bool { return c.Set(t.Context(), "k", nil, 0) == nil })
	// The Sentinel is not needed for calls.
	w.Sentinel.Kill()
	for range 100 {
		if err := c.Set(t.Context(), "k", nil, 0); err != nil {
			t.Errorf("Set without a Sentinel: %v", err)
		}
	}
}
