package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// The greeting of a connection without a user, and replies to it.
const (
	greeting     = "version\r\nmn\r\nmg larder-probe v f c t O2\r\n"
	greetingBack = "VERSION 1.6.18\r\nMN\r\nEN O2\r\n"
)

var greets = memcachedtest.Step{Expect: greeting, Reply: greetingBack}

// fake starts a server whose connections follow the given steps after the greeting, one
// after the other. More connections are not expected.
func fake(t *testing.T, conns ...[]memcachedtest.Step) *memcachedtest.Fake {
	return memcachedtest.StartFake(t, func(n int) []memcachedtest.Step {
		if n >= len(conns) {
			t.Errorf("connection number %d", n)
			return nil
		}
		return append([]memcachedtest.Step{greets}, conns[n]...)
	})
}

// whileSent is the time that a call has on a server that does not reply. A request is sent by then,
// also on a machine that stands still for a while.
const whileSent = 3 * time.Second

// write is a call of OnWriteFailure.
type write struct {
	op        cache.Op
	ambiguous bool
}

// recorder records the calls of OnWriteFailure.
type recorder struct {
	mu     sync.Mutex
	writes map[string]write // by key
}

func (r *recorder) record(key string, op cache.Op, ambiguous bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.writes == nil {
		r.writes = map[string]write{}
	}
	r.writes[key] = write{op, ambiguous}
}

// is checks what was recorded since the last time.
func (r *recorder) is(t *testing.T, what string, want map[string]write) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !maps.Equal(r.writes, want) {
		t.Errorf("%s: OnWriteFailure was told %v, want %v", what, r.writes, want)
	}
	r.writes = nil
}

// Each key of a write that failed is reported, with whether it may have taken effect. The
// error says the same. Reads, and writes that the server refused, are not.
func TestOnWriteFailure(t *testing.T) {
	t.Parallel()
	s := memcachedtest.Start(t, "tcp")
	var r recorder
	c := open(t, memcached.Config{Servers: []string{s.Addr()}, Timeout: patient, OnWriteFailure: r.record})
	ctx := t.Context()
	values := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	if err := c.SetMulti(ctx, values, 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Add(ctx, "a", nil, 0); !errors.Is(err, cache.ErrNotStored) {
		t.Fatal(err)
	}
	r.is(t, "a server that works", nil)

	s.Freeze()
	hasty, cancel := context.WithTimeout(ctx, whileSent)
	defer cancel()
	if _, err := c.Get(hasty, "a"); !errors.Is(err, context.DeadlineExceeded) || memcached.NotSent(err) {
		t.Errorf("Get: %v, NotSent %v", err, memcached.NotSent(err))
	}
	r.is(t, "a read", nil)
	hasty, cancel = context.WithTimeout(ctx, whileSent)
	defer cancel()
	err := c.Set(hasty, "a", []byte("3"), 0)
	if !errors.Is(err, context.DeadlineExceeded) || memcached.NotSent(err) || !strings.Contains(err.Error(), "may have taken effect") {
		t.Errorf("Set: %v, NotSent %v", err, memcached.NotSent(err))
	}
	r.is(t, "a write that was sent", map[string]write{"a": {cache.OpSet, true}})
	ended, cancel := context.WithTimeout(ctx, whileSent)
	defer cancel()
	if err := c.SetMulti(ended, values, 0); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("SetMulti: %v", err)
	}
	r.is(t, "a batch", map[string]write{"a": {cache.OpSetMulti, true}, "b": {cache.OpSetMulti, true}})

	s.Kill()
	err = c.Delete(ctx, "b")
	for errors.Is(err, context.DeadlineExceeded) || err != nil && !memcached.NotSent(err) {
		err = c.Delete(ctx, "b") // the connection was lost with the call
	}
	if !errors.Is(err, cache.ErrUnavailable) || !memcached.NotSent(err) || !strings.Contains(err.Error(), "not sent") {
		t.Errorf("Delete on a server that is down: %v, NotSent %v", err, memcached.NotSent(err))
	}
	r.is(t, "a server that is down", map[string]write{"b": {cache.OpDelete, false}})
}

// Deletes that failed are sent before anything else on the next connection, no more of them
// than Config.ReplayDeletes, until one is known to have worked.
func TestReplayDeletes(t *testing.T) {
	lost := memcachedtest.Step{Expect: "md a O0\r\n", Close: true}
	f := fake(t,
		[]memcachedtest.Step{lost}, // Delete of a
		[]memcachedtest.Step{lost}, // Delete of b, for which a is deleted first
		[]memcachedtest.Step{
			{Expect: "md a O0\r\n", Reply: "HD O0\r\n"},
			{Expect: "mg k v f O1\r\n", Reply: "EN O1\r\n"},
			{Expect: "mg k v f O2\r\n", Reply: "EN O2\r\n", Close: true},
		},
		[]memcachedtest.Step{{Expect: "mg k v f O0\r\n", Reply: "EN O0\r\n"}}, // no replay any more
	)
	c := open(t, memcached.Config{Servers: []string{f.Addr()}, Timeout: patient, ReplayDeletes: 1})
	ctx := t.Context()
	for _, k := range []string{"a", "b"} {
		if err := c.Delete(ctx, k); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("Delete of %s: %v", k, err)
		}
	}
	memcachedtest.Eventually(t, "the replayed delete has worked, and is not sent again", func() bool {
		_, err := c.Get(ctx, "k")
		return errors.Is(err, cache.ErrMiss) && f.Accepted() == 4
	})
}

// A delete whose context ended is repeated on the same connection, as it may not have been
// sent.
func TestReplayAfterTheContext(t *testing.T) {
	t.Parallel()
	wait := make(chan struct{})
	f := fake(t, []memcachedtest.Step{
		{Expect: "md a O0\r\n", Wait: wait, Reply: "NF O0\r\n"},
		{Expect: "md a O1\r\n", Reply: "HD O1\r\n", Close: true},
	})
	c := open(t, memcached.Config{Servers: []string{f.Addr()}, Timeout: patient, ReplayDeletes: 10})
	ctx, cancel := context.WithTimeout(t.Context(), whileSent)
	defer cancel()
	if err := c.Delete(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatal(err)
	}
	close(wait)
	memcachedtest.Eventually(t, "the delete was repeated", func() bool { return f.Open() == 0 })
}

// The error for a server that is not suitable names it, and the driver to use for it.
func TestUnsuitableServers(t *testing.T) {
	for name, tt := range map[string]struct{ reply, want string }{
		"no meta commands": {"VERSION 1.5.16\r\nERROR\r\nERROR\r\n", "version 1.5.16; want memcached 1.6.13 or later"},
		"too old":          {"VERSION 1.6.12\r\nMN\r\nEN O2\r\n", "drivers/gomemcache"},
		"a proxy":          {"VERSION mcrouter 1.0\r\nERROR\r\nERROR\r\n", "does not know the meta protocol"},
		"not memcached":    {"HTTP/1.1 400 Bad Request\r\n\r\n\r\n", "the server is not memcached"},
		"wants a password": {"CLIENT_ERROR unauthenticated\r\n", "-Y"},
		"too many":         {"ERROR Too many open connections\r\n", "-c"},
		"more than asked":  {greetingBack + "EN\r\n", "more than replies"},
	} {
		t.Run(name, func(t *testing.T) {
			f := memcachedtest.StartFake(t, func(int) []memcachedtest.Step {
				return []memcachedtest.Step{{Expect: greeting, Reply: tt.reply}}
			})
			c := open(t, memcached.Config{Servers: []string{f.Addr()}, Timeout: patient})
			err := c.Ping(t.Context())
			memcachedtest.IsOutage(t, err, "memcached", cache.OpPing, f.Addr())
			if err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v; want it to say %q", err, tt.want)
			}
			memcachedtest.Eventually(t, "the connection is closed", func() bool { return f.Open() == 0 })
		})
	}
}

func TestServerWithoutCAS(t *testing.T) {
	memcachedtest.WithoutCAS(t, "memcached", func(t *testing.T, server string) *cache.Cache {
		return open(t, memcached.Config{Servers: []string{server}, Timeout: patient})
	})
}

// Keys do not move when a server is down: those of the others work, and its are errors.
func TestKeysDoNotMove(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "tcp")
	for _, name := range []string{
		memcached.DistributionKetama, memcached.DistributionKetamaWeighted, memcached.DistributionKetamaMD5,
		memcached.DistributionPythonMemcached, memcached.DistributionGomemcache,
	} {
		t.Run(name, func(t *testing.T) {
			addrs := memcachedtest.Addrs(servers)
			addrs[0] += ":1" // the others have twice its weight
			addrs[1] += ":2"
			addrs[2] += ":2"
			c := empty(t, memcached.Config{Servers: addrs, Distribution: name, Timeout: patient})
			ctx := t.Context()
			var all []string
			for i := range 500 {
				all = append(all, fmt.Sprint("key:", i))
			}
			if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
				t.Fatal(err)
			}
			on := map[string]bool{}
			for _, k := range all {
				on[k] = servers[1].Command("mg "+k, "HD", "EN")[0] == "HD"
			}
			servers[1].Kill()
			found, err := c.GetMulti(ctx, all)
			if !errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("GetMulti: %v", err)
			}
			for _, k := range all {
				if _, ok := found[k]; ok == on[k] {
					t.Errorf("%s: found %v, on the server that is down %v", k, ok, on[k])
				}
			}
			if n := len(all) - len(found); n == 0 || n == len(all) {
				t.Errorf("%d keys on the server that is down", n)
			}
			servers[1].Restart()
			memcachedtest.Eventually(t, "the server is back", func() bool { return c.Set(ctx, slices.Min(all), nil, 0) == nil && c.Ping(ctx) == nil })
		})
	}
}

func TestLargeValues(t *testing.T) {
	memcachedtest.LargeValues(t, func(t *testing.T, server string) *cache.Cache {
		return open(t, memcached.Config{Servers: []string{server}, Timeout: patient})
	})
}
