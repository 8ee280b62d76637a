package gomemcache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// short is the timeout of tests in which a server does not answer.
const short = 100 * time.Millisecond

func keyNumber(i int) string { return fmt.Sprintf("key:%d", i) }

// keysOf returns the keys of a map of n of them that are on the i-th server, seen by
// asking that server.
func keysOf(t *testing.T, s *memcachedtest.Server, keys []string) []string {
	t.Helper()
	alone := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	m, err := alone.GetMulti(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Sorted(maps.Keys(m))
}

func fill(t *testing.T, c *cache.Cache, n int) (keys []string, values map[string][]byte) {
	t.Helper()
	values = make(map[string][]byte, n)
	for i := range n {
		keys = append(keys, keyNumber(i))
		values[keyNumber(i)] = []byte("value of " + keyNumber(i))
	}
	if err := c.SetMulti(t.Context(), values, 0); err != nil {
		t.Fatal(err)
	}
	return keys, values
}

func TestServerDownAtStart(t *testing.T) {
	addr := memcachedtest.FreeAddr(t)
	for _, server := range []string{addr, "/tmp/larder-no-such-socket"} {
		c := open(t, gomemcache.Config{Servers: []string{server}})
		for _, a := range actions() {
			isOutage(t, a.run(t.Context(), c), a.op, server)
		}
	}
}

func TestNameThatDoesNotResolve(t *testing.T) {
	const server = "no-such-host.invalid:11211"
	up := memcachedtest.Start(t, "tcp")
	c := open(t, gomemcache.Config{Servers: []string{server, up.Addr()}})
	isOutage(t, c.Ping(t.Context()), cache.OpPing, server)
	keys := []string{keyNumber(0), keyNumber(1), keyNumber(2), keyNumber(3), keyNumber(4), keyNumber(5), keyNumber(6)}
	failed := 0
	for _, k := range keys {
		if err := c.Set(t.Context(), k, nil, 0); err != nil {
			isOutage(t, err, cache.OpSet, server)
			failed++
		}
	}
	if failed == 0 || failed == len(keys) {
		t.Errorf("%d of %d keys failed; a lost server keeps its share", failed, len(keys))
	}
}

func TestKilledInTraffic(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			s := memcachedtest.Start(t, network)
			c := open(t, gomemcache.Config{Servers: []string{s.Addr()}, Timeout: time.Second})
			ctx := t.Context()
			var wg sync.WaitGroup
			stop := make(chan struct{})
			started := make(chan struct{}, 8)
			for g := range 8 {
				wg.Go(func() {
					key := keyNumber(g)
					want := []byte("value of " + key)
					for i := 0; ; i++ {
						select {
						case <-stop:
							return
						default:
						}
						start := time.Now()
						err := c.Set(ctx, key, want, 0)
						var v []byte
						if err == nil {
							v, err = c.Get(ctx, key)
							if err == nil && !bytes.Equal(v, want) {
								t.Errorf("%s: %q", key, v)
							}
						}
						// After the restart the key is missing until it is set.
						if err != nil && !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, cache.ErrMiss) {
							t.Errorf("%s: %v", key, err)
						}
						bounded(t, start, 3*time.Second) // Set and Get, and one of them twice
						if i == 10 {
							started <- struct{}{}
						}
					}
				})
			}
			for range 8 {
				<-started
			}
			s.Kill()
			isOutage(t, c.Ping(ctx), cache.OpPing, s.Addr())
			s.Restart()
			if err := c.Set(ctx, "k", []byte("v"), 0); err != nil {
				t.Errorf("Set after the restart: %v", err)
			}
			close(stop)
			wg.Wait()
			if v, err := c.Get(ctx, "k"); err != nil || string(v) != "v" {
				t.Errorf("Get after the restart: %q, %v", v, err)
			}
		})
	}
}

func TestPaused(t *testing.T) {
	servers := memcachedtest.StartN(t, 2, "tcp")
	c := open(t, gomemcache.Config{Servers: memcachedtest.Addrs(servers), Timeout: short})
	keys, _ := fill(t, open(t, gomemcache.Config{Servers: memcachedtest.Addrs(servers)}), 200)
	up, down := keysOf(t, servers[0], keys), keysOf(t, servers[1], keys)
	silent := servers[1]
	silent.Freeze()

	// A call, and a batch of many keys as well, ends after one timeout or two.
	start := time.Now()
	_, err := c.Get(t.Context(), down[0])
	isOutage(t, err, cache.OpGet, silent.Addr())
	bounded(t, start, short)

	start = time.Now()
	values, err := c.GetMulti(t.Context(), keys)
	isOutage(t, err, cache.OpGetMulti, silent.Addr())
	if got := slices.Sorted(maps.Keys(values)); !slices.Equal(got, up) {
		t.Errorf("GetMulti gave %d keys, want the %d of the other server", len(got), len(up))
	}
	bounded(t, start, short)

	start = time.Now()
	var multi *cache.MultiError
	// All but one: what the server received it may still do when it goes on.
	some := slices.DeleteFunc(slices.Clone(keys), func(k string) bool { return k == down[0] })
	if err := c.DeleteMulti(t.Context(), some); !errors.As(err, &multi) {
		t.Errorf("DeleteMulti: %v", err)
	} else if !slices.Equal(multi.Keys(), down[1:]) {
		t.Errorf("DeleteMulti failed for %d keys, want the %d of the silent server", len(multi.Keys()), len(down)-1)
	}
	bounded(t, start, short)

	silent.Thaw()
	if err := c.Set(t.Context(), down[0], []byte("x"), 0); err != nil {
		t.Errorf("Set after the pause: %v", err)
	}
	if v, err := c.Get(t.Context(), down[0]); err != nil || string(v) != "x" {
		t.Errorf("Get after the pause: %q, %v", v, err)
	}
}

func TestRestarted(t *testing.T) {
	for _, network := range []string{"tcp", "unix"} {
		t.Run(network, func(t *testing.T) {
			s := memcachedtest.Start(t, network)
			c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
			for _, a := range actions() {
				fill(t, c, 100) // leaves several connections
				s.Restart()
				err := a.run(t.Context(), c)
				var want error
				switch a.op {
				case cache.OpGet, cache.OpGetItem, cache.OpDelete, cache.OpTouch, cache.OpIncrement, cache.OpDecrement:
					want = cache.ErrMiss
				case cache.OpReplace, cache.OpReplaceMulti:
					want = cache.ErrNotStored
				case cache.OpGetMulti:
					m, errMulti := c.GetMulti(t.Context(), []string{"k", keyNumber(1)})
					if err = errMulti; len(m) != 0 {
						t.Errorf("%v: %q", a.op, m)
					}
				}
				if !errors.Is(err, want) {
					t.Errorf("%v: %v, want %v", a.op, err, want)
				}
			}
		})
	}
}

func TestOneOfThreeDown(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "tcp")
	c := open(t, gomemcache.Config{Servers: memcachedtest.Addrs(servers)})
	keys, values := fill(t, c, 300)
	down := keysOf(t, servers[1], keys)
	servers[1].Kill()

	got, err := c.GetMulti(t.Context(), keys)
	isOutage(t, err, cache.OpGetMulti, servers[1].Addr())
	for _, k := range keys {
		v, ok := got[k]
		if slices.Contains(down, k) {
			if ok {
				t.Errorf("%s: %q from a dead server", k, v)
			}
		} else if !bytes.Equal(v, values[k]) {
			t.Errorf("%s: %q", k, v)
		}
	}
	for op, err := range map[cache.Op]error{
		cache.OpSetMulti:     c.SetMulti(t.Context(), values, 0),
		cache.OpReplaceMulti: c.ReplaceMulti(t.Context(), values, 0),
		cache.OpDeleteMulti:  c.DeleteMulti(t.Context(), keys),
		cache.OpAddMulti:     c.AddMulti(t.Context(), values, 0),
	} {
		var multi *cache.MultiError
		if !errors.As(err, &multi) {
			t.Errorf("%v: %v", op, err)
			continue
		}
		if op == cache.OpReplaceMulti || op == cache.OpAddMulti {
			continue // the order of a map decides what these find
		}
		if !slices.Equal(multi.Keys(), down) {
			t.Errorf("%v failed for %d keys, want the %d of the dead server", op, len(multi.Errors), len(down))
		}
		for _, err := range multi.Errors {
			isOutage(t, err, op, servers[1].Addr())
		}
	}
	isOutage(t, c.Ping(t.Context()), cache.OpPing, servers[1].Addr())
	isOutage(t, c.Flush(t.Context()), cache.OpFlush, servers[1].Addr())
	servers[0].Kill()
	if err := c.Ping(t.Context()); !errors.Is(err, cache.ErrUnavailable) ||
		!strings.Contains(err.Error(), servers[0].Addr()) || !strings.Contains(err.Error(), servers[1].Addr()) {
		t.Errorf("two dead servers: %v", err)
	}
	servers[0].Restart()
	servers[1].Restart()
	if err := c.SetMulti(t.Context(), values, 0); err != nil {
		t.Errorf("after recovery: %v", err)
	}
	if got, err := c.GetMulti(t.Context(), keys); err != nil || len(got) != len(keys) {
		t.Errorf("after recovery: %d values, %v", len(got), err)
	}
}

func TestTooLarge(t *testing.T) {
	s := memcachedtest.Start(t, "tcp", "-I", "1m")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	big, small := make([]byte, 1<<20), []byte("small")
	for range 3 {
		if err := c.Set(ctx, "k", big, 0); err != cache.ErrTooLarge {
			t.Errorf("Set: %v", err)
		}
		if err := c.Set(ctx, "k", small, 0); err != nil {
			t.Errorf("Set after it: %v", err)
		}
	}
	if err := c.Add(ctx, "new", big, 0); err != cache.ErrTooLarge {
		t.Errorf("Add: %v", err)
	}
	if err := c.Replace(ctx, "k", big, 0); err != cache.ErrTooLarge {
		t.Errorf("Replace: %v", err)
	}
	it, err := c.GetItem(ctx, "k")
	if err == nil {
		err = c.CompareAndSwap(ctx, it, big, 0)
	}
	if err != cache.ErrTooLarge {
		t.Errorf("CompareAndSwap: %v", err)
	}
	err = c.SetMulti(ctx, map[string][]byte{"a": small, "b": big, "c": small}, 0)
	var multi *cache.MultiError
	if !errors.As(err, &multi) || len(multi.Errors) != 1 || multi.Errors["b"] != cache.ErrTooLarge {
		t.Errorf("SetMulti: %v", err)
	}
	if m, err := c.GetMulti(ctx, []string{"a", "b", "c"}); err != nil || len(m) != 2 {
		t.Errorf("GetMulti: %d values, %v", len(m), err)
	}
	most := make([]byte, 1048516-3) // the limit less the rest of the item
	if err := c.Set(ctx, "most", most, 0); err != nil {
		t.Errorf("%d bytes: %v", len(most), err)
	}
	if v, err := c.Get(ctx, "most"); err != nil || len(v) != len(most) {
		t.Errorf("%d bytes, %v; want %d", len(v), err, len(most))
	}
}

// A server that has no room for one value may have it for the next.
func TestOutOfMemory(t *testing.T) {
	const n, size = 40, 100 << 10
	s := memcachedtest.Start(t, "unix", "-M", "-m", "2")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	values := map[string][]byte{}
	for i := range n {
		values[keyNumber(i)] = make([]byte, size)
	}
	var multi *cache.MultiError
	if err := c.SetMulti(t.Context(), values, 0); !errors.As(err, &multi) {
		t.Fatalf("SetMulti of %d bytes: %v", n*size, err)
	}
	got, err := c.GetMulti(t.Context(), slices.Collect(maps.Keys(values)))
	if err != nil || len(got) == 0 || len(got)+len(multi.Errors) != n {
		t.Errorf("%d are there and %d failed of %d, %v", len(got), len(multi.Errors), n, err)
	}
	for _, err := range multi.Errors {
		isOutage(t, err, cache.OpSetMulti, s.Addr())
	}
	isOutage(t, c.Add(t.Context(), "another", make([]byte, size), 0), cache.OpAdd, s.Addr())
}

func TestNothingIsLeftBehind(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	before := runtime.NumGoroutine()
	connections := func() int {
		for _, line := range s.Command("stats", "END") {
			if n, ok := strings.CutPrefix(line, "STAT curr_connections "); ok {
				n, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				return n
			}
		}
		t.Fatal("no curr_connections")
		return 0
	}
	base := connections()
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{s.Addr()}, MaxIdleConns: 5, Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for g := range 32 {
		wg.Go(func() {
			for i := range 20 {
				if err := c.Set(t.Context(), keyNumber(g), []byte("x"), 0); err != nil {
					t.Error(err)
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i)*10*time.Microsecond)
				if _, err := c.Get(ctx, keyNumber(g)); err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wg.Wait()
	memcachedtest.Eventually(t, "no more than MaxIdleConns connections", func() bool { return connections() <= base+5 })
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	memcachedtest.Eventually(t, "no connections", func() bool { return connections() <= base })
	memcachedtest.Eventually(t, "no goroutines", func() bool { return runtime.NumGoroutine() <= before })
}

// held is a cache of which n calls wait for their answers, each on a connection of its
// own, until answer is called.
func held(t *testing.T, n, maxIdle int) (c *cache.Cache, f *memcachedtest.Fake, answer func()) {
	t.Helper()
	wait := make(chan struct{})
	f = memcachedtest.StartFake(t, script(memcachedtest.Step{Expect: "delete k\r\n", Wait: wait, Reply: "DELETED\r\n"}))
	c = open(t, gomemcache.Config{Servers: []string{f.Addr()}, MaxIdleConns: maxIdle})
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			if err := c.Delete(t.Context(), "k"); err != nil {
				t.Error(err)
			}
		})
	}
	memcachedtest.Eventually(t, "all calls are under way", func() bool { return f.Accepted() == n })
	return c, f, func() { close(wait); calls.Wait() }
}

func TestMaxIdle(t *testing.T) {
	for _, tt := range []struct{ calls, maxIdle, kept int }{{20, 5, 5}, {20, 0, 20}, {gomemcache.DefaultMaxIdleConns + 3, 0, gomemcache.DefaultMaxIdleConns}} {
		_, f, answer := held(t, tt.calls, tt.maxIdle)
		answer()
		memcachedtest.Eventually(t, fmt.Sprintf("%d connections are kept", tt.kept), func() bool { return f.Open() == tt.kept })
	}
}

// Calls that run during Close end well, and leave no connection.
func TestCloseDuringCalls(t *testing.T) {
	c, f, answer := held(t, 8, 0)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	answer()
	memcachedtest.Eventually(t, "no connection is left", func() bool { return f.Open() == 0 })
	if err := c.Delete(t.Context(), "k"); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("a call after Close: %v", err)
	}
}

// No value belongs to another key, whatever happens to the connections.
func TestValuesKeepToTheirKeys(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}, Timeout: short})
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				key := keyNumber((g*7 + i) % 50)
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i%20)*20*time.Microsecond+10*time.Microsecond)
				if err := c.Set(ctx, key, []byte("value of "+key), 0); err != nil && !expected(err) {
					t.Error(err)
				}
				if v, err := c.Get(ctx, key); err == nil && string(v) != "value of "+key {
					t.Errorf("%s: %q", key, v)
				} else if err != nil && !expected(err) {
					t.Error(err)
				}
				m, err := c.GetMulti(ctx, []string{key, keyNumber(g)})
				if err != nil && !expected(err) {
					t.Error(err)
				}
				for k, v := range m {
					if string(v) != "value of "+k {
						t.Errorf("%s: %q", k, v)
					}
				}
				cancel()
			}
		})
	}
	for range 5 {
		s.Freeze()
		if err := c.Ping(t.Context()); err == nil {
			t.Error("Ping of a paused server")
		}
		s.Thaw()
		s.Restart()
		if err := c.Ping(t.Context()); err != nil && !expected(err) {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func expected(err error) bool {
	return errors.Is(err, cache.ErrMiss) || errors.Is(err, cache.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}
