package ketama_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// keys returns n keys.
func keys(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("key:%d", i)
	}
	return list
}

// valueOf is the value that tests store for a key: it tells whose it is.
func valueOf(key string) []byte { return []byte("value of " + key) }

func valuesOf(keys []string) map[string][]byte {
	values := make(map[string][]byte, len(keys))
	for _, k := range keys {
		values[k] = valueOf(k)
	}
	return values
}

// held returns which of the keys a server holds.
func held(t *testing.T, s *memcachedtest.Server, keys []string) map[string]bool {
	t.Helper()
	on := map[string]bool{}
	for _, k := range keys {
		if len(s.Command("get "+k, "END")) > 1 {
			on[k] = true
		}
	}
	return on
}

func TestDownAtStart(t *testing.T) {
	addr := memcachedtest.FreeAddr(t)
	c := open(t, ketama.Config{Servers: []string{addr}})
	for _, a := range actions {
		start := time.Now()
		isOutage(t, a.run(t.Context(), c), a.op, addr)
		bounded(t, start)
	}
}

func TestUnknownName(t *testing.T) {
	const addr = "no-such-host.invalid:11211"
	c := open(t, ketama.Config{Servers: []string{"no-such-host.invalid"}})
	for _, a := range actions {
		isOutage(t, a.run(t.Context(), c), a.op, addr)
	}
}

// TestOneOfThree: whatever ails one server, its keys give errors that name it, and
// those of the others work. Keys do not move. Once it is well, so is everything.
func TestOneOfThree(t *testing.T) {
	const timeout = 300 * time.Millisecond
	for name, ail := range map[string]struct{ begin, end func(*memcachedtest.Server) }{
		"stopped": {(*memcachedtest.Server).Stop, (*memcachedtest.Server).Restart},
		"killed":  {(*memcachedtest.Server).Kill, (*memcachedtest.Server).Restart},
		"paused":  {(*memcachedtest.Server).Freeze, (*memcachedtest.Server).Thaw},
	} {
		t.Run(name, func(t *testing.T) {
			servers := memcachedtest.StartN(t, 3, "tcp")
			c := open(t, ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: timeout, PoolSize: 4})
			all := keys(100)
			values := valuesOf(all)
			if err := c.SetMulti(t.Context(), values, 0); err != nil {
				t.Fatal(err)
			}
			for i, k := range all {
				if v, err := c.Get(t.Context(), k); err != nil || !bytes.Equal(v, valueOf(k)) {
					t.Fatalf("key %d: %q, %v", i, v, err)
				}
			}
			sick := servers[1]
			on := held(t, sick, all)
			if len(on) == 0 || len(on) == len(all) {
				t.Fatalf("%d keys of %d are on one server", len(on), len(all))
			}
			ail.begin(sick)

			start := time.Now()
			found, err := c.GetMulti(t.Context(), all)
			isOutage(t, err, cache.OpGetMulti, sick.Addr())
			for _, k := range all {
				if v, ok := found[k]; ok == on[k] || ok && !bytes.Equal(v, valueOf(k)) {
					t.Errorf("GetMulti: %s: %q, %v", k, v, ok)
				}
			}
			for op, err := range map[cache.Op]error{
				cache.OpSetMulti:    c.SetMulti(t.Context(), values, 0),
				cache.OpDeleteMulti: c.DeleteMulti(t.Context(), all),
				cache.OpAddMulti:    c.AddMulti(t.Context(), values, 0),
			} {
				var m *cache.MultiError
				if !errors.As(err, &m) {
					t.Errorf("%v: %v", op, err)
					continue
				}
				for _, k := range all {
					if err := m.Errors[k]; (err != nil) != on[k] && op != cache.OpAddMulti {
						t.Errorf("%v: %s: %v", op, k, err)
					} else if on[k] {
						isOutage(t, err, op, sick.Addr())
					}
				}
			}
			bounded(t, start)
			// Again with a pool whose clients all had their share of the trouble.
			var wg sync.WaitGroup
			for _, k := range all {
				wg.Go(func() {
					_, err := c.Get(t.Context(), k)
					if on[k] != errors.Is(err, cache.ErrUnavailable) || !on[k] && err != nil && !errors.Is(err, cache.ErrMiss) {
						t.Errorf("Get of %s: %v", k, err)
					}
				})
			}
			wg.Wait()
			isOutage(t, c.Ping(t.Context()), cache.OpPing, sick.Addr())
			isOutage(t, c.Flush(t.Context()), cache.OpFlush, sick.Addr())
			bounded(t, start)

			ail.end(sick)
			if err := c.Ping(t.Context()); err != nil {
				t.Errorf("Ping after recovery: %v", err)
			}
			if err := c.SetMulti(t.Context(), values, 0); err != nil {
				t.Errorf("SetMulti after recovery: %v", err)
			}
			if found, err := c.GetMulti(t.Context(), all); err != nil || len(found) != len(all) {
				t.Errorf("GetMulti after recovery: %d of %d, %v", len(found), len(all), err)
			}
			if now := held(t, sick, all); len(now) != len(on) {
				t.Errorf("%d keys on the server after its recovery, %d before", len(now), len(on))
			}
		})
	}
}

// TestRestarted: connections that were idle meanwhile do no harm where a second try
// does none, and a little where it would.
func TestRestarted(t *testing.T) {
	const clients = 8
	s := memcachedtest.Start(t, "tcp")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient, PoolSize: clients})
	ctx := t.Context()
	none := stat(t, s, "curr_connections")
	// warm leaves idle connections with several clients, some to each of the two
	// ways of talking.
	warm := func() {
		t.Helper()
		for i, f := range []func() error{
			func() error { return c.Set(ctx, "k", []byte("1"), 0) },
			func() error { _, err := c.Get(ctx, "k"); return err },
		} {
			memcachedtest.Eventually(t, "several clients are connected", func() bool {
				var wg sync.WaitGroup
				for range clients {
					wg.Go(func() {
						for range 20 {
							if err := f(); err != nil {
								t.Error(err)
							}
						}
					})
				}
				wg.Wait()
				return stat(t, s, "curr_connections") >= none+(i+1)*clients/2
			})
		}
	}
	for range 3 {
		warm()
		s.Restart()
		for i := range 2 * clients {
			k := strconv.Itoa(i)
			if err := c.Set(ctx, k, []byte("1"), 0); err != nil {
				t.Errorf("Set: %v", err)
			}
			if v, err := c.Get(ctx, k); err != nil || string(v) != "1" {
				t.Errorf("Get: %q, %v", v, err)
			}
			if err := c.Delete(ctx, k); err != nil {
				t.Errorf("Delete: %v", err)
			}
		}
		warm()
		s.Restart()
		failed := 0
		for range 2 {
			if _, err := c.IncrementFrom(ctx, "n", 1, 0, 0); err != nil {
				failed++
				isOutage(t, err, cache.OpIncrement, s.Addr())
			}
		}
		if failed != 1 {
			t.Errorf("%d of two increments after a restart failed, want the first", failed)
		}
		// One loss was enough to drop the idle connections of all clients.
		var wg sync.WaitGroup
		for range clients {
			wg.Go(func() {
				for range 20 {
					if _, err := c.Increment(ctx, "n", 1); err != nil {
						t.Errorf("Increment: %v", err)
					}
				}
			})
		}
		wg.Wait()
		if n, err := c.Increment(ctx, "n", 0); err != nil || n != 20*clients+1 {
			t.Errorf("the counter is %d, %v; want %d", n, err, 20*clients+1)
		}
	}
}

// TestKilledInTraffic: while a server dies and comes back, there are right answers and
// errors that say so, and nothing else.
func TestKilledInTraffic(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "tcp")
	c := open(t, ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: 500 * time.Millisecond, PoolSize: 16})
	all := keys(50)
	ctx := t.Context()
	var stop atomic.Bool
	var failed, worked atomic.Int64
	check := func(err error) {
		switch {
		case errors.Is(err, cache.ErrUnavailable):
			failed.Add(1)
			isServer(t, err, servers[0].Addr())
		case err == nil, errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrNotStored):
			worked.Add(1)
		default:
			t.Errorf("unexpected: %v", err)
		}
	}
	var wg sync.WaitGroup
	for seed := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 0))
			for !stop.Load() {
				k := all[r.IntN(len(all))]
				switch r.IntN(5) {
				case 0:
					check(c.Set(ctx, k, valueOf(k), 0))
				case 1:
					check(c.Add(ctx, k, valueOf(k), 0))
				case 2:
					check(c.Delete(ctx, k))
				case 3:
					v, err := c.Get(ctx, k)
					check(err)
					if err == nil && !bytes.Equal(v, valueOf(k)) {
						t.Errorf("%s has %q", k, v)
					}
				case 4:
					found, err := c.GetMulti(ctx, all)
					check(err)
					for k, v := range found {
						if !bytes.Equal(v, valueOf(k)) {
							t.Errorf("%s has %q", k, v)
						}
					}
				}
			}
		})
	}
	for range 3 {
		base := worked.Load()
		memcachedtest.Eventually(t, "operations succeed", func() bool { return worked.Load() > base+200 })
		base = failed.Load()
		servers[0].Kill()
		memcachedtest.Eventually(t, "operations fail", func() bool { return failed.Load() > base+20 })
		servers[0].Restart()
	}
	stop.Store(true)
	wg.Wait()
	if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
		t.Errorf("after it all: %v", err)
	}
}

func isServer(t *testing.T, err error, addr string) {
	t.Helper()
	var e *cache.Error
	if !errors.As(err, &e) || e.Server != addr {
		t.Errorf("%v does not name %s", err, addr)
	}
}

func TestTooLarge(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	ctx := t.Context()
	large := make([]byte, 2<<20)
	if err := c.Set(ctx, "k", []byte("old"), 0); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"Set":     func() error { return c.Set(ctx, "k", large, 0) },
		"Add":     func() error { return c.Add(ctx, "new", large, 0) },
		"Replace": func() error { c.Set(ctx, "k", nil, 0); return c.Replace(ctx, "k", large, 0) },
		"CompareAndSwap": func() error {
			if err := c.Set(ctx, "k", []byte("old"), 0); err != nil {
				return err
			}
			it, err := c.GetItem(ctx, "k")
			if err != nil {
				return err
			}
			return c.CompareAndSwap(ctx, it, large, 0)
		},
	} {
		if err := f(); !errors.Is(err, cache.ErrTooLarge) {
			t.Errorf("%s: %v", name, err)
		}
		if err := c.Set(ctx, "next", []byte("x"), 0); err != nil {
			t.Errorf("after %s: %v", name, err)
		}
	}
	err := c.SetMulti(ctx, map[string][]byte{"a": []byte("x"), "b": large, "c": []byte("y")}, 0)
	var m *cache.MultiError
	if !errors.As(err, &m) || len(m.Errors) != 1 || !errors.Is(m.Errors["b"], cache.ErrTooLarge) {
		t.Errorf("SetMulti: %v", err)
	}
	for _, k := range []string{"a", "c"} {
		if _, err := c.Get(ctx, k); err != nil {
			t.Errorf("%s, beside the large one: %v", k, err)
		}
	}
}

// TestNoCAS: a server without CAS ids must not turn a swap into a store.
func TestNoCAS(t *testing.T) {
	s := memcachedtest.Start(t, "tcp", "-C")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	if err := c.Set(t.Context(), "k", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	if v, err := c.Get(t.Context(), "k"); err != nil || string(v) != "v" {
		t.Errorf("Get: %q, %v", v, err)
	}
	_, err := c.GetItem(t.Context(), "k")
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "-C") {
		t.Errorf("GetItem: %v", err)
	}
	if _, err := c.GetItemMulti(t.Context(), []string{"k"}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("GetItemMulti: %v", err)
	}
}

// TestPickle: what only Python can read is an error, and no value.
func TestPickle(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	s.Command("set k 1 0 2\r\nN.", "STORED")
	_, err := c.Get(t.Context(), "k")
	isNamed(t, err, cache.OpGet, s.Addr())
	if errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), "pickle") {
		t.Errorf("Get: %v", err)
	}
	if err := c.Set(t.Context(), "l", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	found, err := c.GetMulti(t.Context(), []string{"k", "l"})
	isNamed(t, err, cache.OpGetMulti, s.Addr())
	if len(found) != 1 || string(found["l"]) != "x" {
		t.Errorf("GetMulti: %q", found)
	}
}

// TestNothingIsLeft: after Close there is no connection and no goroutine.
func TestNothingIsLeft(t *testing.T) {
	// The garbage collector closes connections that were forgotten.
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	before := runtime.NumGoroutine()
	servers := memcachedtest.StartN(t, 2, "unix")
	goroutines := runtime.NumGoroutine()
	connections := func() int {
		return stat(t, servers[0], "curr_connections") + stat(t, servers[1], "curr_connections")
	}
	idle := connections()
	c, err := ketama.New(ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	memcachedtest.Eventually(t, "no connection before the first operation", func() bool { return connections() <= idle })
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			all := keys(100)
			if err := c.SetMulti(t.Context(), valuesOf(all), 0); err != nil {
				t.Error(err)
			}
			for _, k := range all {
				if err := c.Set(t.Context(), k, valueOf(k), 0); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if n := connections(); n < idle+2 {
		t.Errorf("%d connections are kept", n-idle)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	memcachedtest.Eventually(t, "all connections are closed", func() bool { return connections() <= idle })
	memcachedtest.Eventually(t, "all goroutines have ended", func() bool { return runtime.NumGoroutine() <= max(goroutines, before) })
}

// TestCloseInTraffic: operations that run while the cache is closed succeed or say
// that it is.
func TestCloseInTraffic(t *testing.T) {
	servers := memcachedtest.StartN(t, 2, "unix")
	c, err := ketama.New(ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient, PoolSize: 3})
	if err != nil {
		t.Fatal(err)
	}
	all := keys(3000)
	values := valuesOf(all)
	var working, closed atomic.Int64
	var wg sync.WaitGroup
	for i := range 10 {
		wg.Go(func() {
			for {
				var err error
				switch i % 3 {
				case 0:
					err = c.SetMulti(t.Context(), values, 0)
				case 1:
					_, err = c.GetMulti(t.Context(), all)
				default:
					err = c.Set(t.Context(), all[i], values[all[i]], 0)
				}
				working.Add(1)
				if errors.Is(err, cache.ErrClosed) {
					closed.Add(1)
					return
				}
				if err != nil {
					t.Errorf("neither done nor closed: %v", err)
					return
				}
			}
		})
	}
	memcachedtest.Eventually(t, "there is traffic", func() bool { return working.Load() > 20 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if n := closed.Load(); n != 10 {
		t.Errorf("%d of 10 saw ErrClosed", n)
	}
	if err := c.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
}
