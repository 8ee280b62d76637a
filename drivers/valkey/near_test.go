package valkey_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

// kept waits until a Get of key is served by the view and not by the server.
func kept(t *testing.T, c *cache.Cache, key string) {
	t.Helper()
	memcachedtest.Eventually(t, key+" is kept", func() bool {
		before := nearHits(t, c)
		if _, err := c.Get(t.Context(), key); err != nil {
			t.Fatal(err)
		}
		return nearHits(t, c) > before
	})
}

func nearHits(t *testing.T, c *cache.Cache) uint64 {
	t.Helper()
	st, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return st.Hits
}

// A near view sees changes by the process at once, through the view or through the cache that it
// is a view of.
func TestNearOwnWrites(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	c := open(t, config(s))
	n := near(t, c, valkey.NearConfig{MaxAge: time.Hour})
	ctx := t.Context()
	item := func(c *cache.Cache) cache.Item {
		it, err := c.GetItem(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	many := map[string][]byte{"k": []byte("new")}
	for _, op := range []struct {
		name   string
		want   string // "" is a miss
		change func(c *cache.Cache) error
	}{
		{"Set", "new", func(c *cache.Cache) error { return c.Set(ctx, "k", []byte("new"), 0) }},
		{"Replace", "new", func(c *cache.Cache) error { return c.Replace(ctx, "k", []byte("new"), 0) }},
		{"SetMulti", "new", func(c *cache.Cache) error { return c.SetMulti(ctx, many, 0) }},
		{"Delete", "", func(c *cache.Cache) error { return c.Delete(ctx, "k") }},
		{"DeleteMulti", "", func(c *cache.Cache) error { return c.DeleteMulti(ctx, []string{"k"}) }},
		{"CompareAndSwap", "new", func(c *cache.Cache) error { return c.CompareAndSwap(ctx, item(c), []byte("new"), 0) }},
		{"CompareAndDelete", "", func(c *cache.Cache) error { return c.CompareAndDelete(ctx, item(c)) }},
		{"CompareAndSwapMulti", "new", func(c *cache.Cache) error {
			return c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: item(c), Value: []byte("new")}})
		}},
		{"Flush", "", func(c *cache.Cache) error { return c.Flush(ctx) }},
	} {
		for what, writer := range map[string]*cache.Cache{"the view": n, "the cache": c} {
			for range 20 {
				if err := c.Set(ctx, "k", []byte("old"), 0); err != nil {
					t.Fatal(err)
				}
				if v, err := n.Get(ctx, "k"); err != nil || string(v) != "old" {
					t.Fatalf("Get: %q, error %v; want the old value", v, err)
				}
				if err := op.change(writer); err != nil {
					t.Fatalf("%s: %v", op.name, err)
				}
				v, err := n.Get(ctx, "k")
				if op.want == "" && !errors.Is(err, cache.ErrMiss) || op.want != "" && (err != nil || string(v) != op.want) {
					t.Errorf("Get after %s through %s: %q, %v; want %q", op.name, what, v, err, op.want)
				}
			}
		}
	}
}

// A near view drops values that another program changes, long before MaxAge, values that expire,
// and all values after a flush.
func TestNearForeignWrites(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "unix")
		cfg := config(s)
		cfg.FlushDatabase, cfg.Prefix = false, "p:"
		n := near(t, open(t, cfg), valkey.NearConfig{MaxAge: time.Hour})
		ctx := t.Context()
		for name, change := range map[string]func() any{
			"SET":      func() any { return s.Do("SET", "p:k", "new") },
			"APPEND":   func() any { return s.Do("APPEND", "p:k", "new") },
			"DEL":      func() any { return s.Do("DEL", "p:k") },
			"PEXPIRE":  func() any { return s.Do("PEXPIRE", "p:k", "1") },
			"FLUSHDB":  func() any { return s.Do("FLUSHDB") },
			"FLUSHALL": func() any { return s.Do("FLUSHALL", "ASYNC") },
		} {
			if err := n.Set(ctx, "k", []byte("old"), 0); err != nil {
				t.Fatal(err)
			}
			kept(t, n, "k")
			change()
			memcachedtest.Eventually(t, "the old value is dropped after "+name, func() bool {
				v, err := n.Get(ctx, "k")
				if err != nil && !errors.Is(err, cache.ErrMiss) {
					t.Fatal(err)
				}
				return string(v) != "old"
			})
		}
		s.Do("SET", "p:short", "v", "PX", "150")
		end := time.Now().Add(151 * time.Millisecond)
		for {
			began := time.Now()
			_, err := n.Get(ctx, "short")
			if errors.Is(err, cache.ErrMiss) {
				break
			}
			if err != nil || began.After(end) {
				t.Fatalf("Get after the TTL: %v; want a miss", err)
			}
		}
	})
}

// A near view keeps values, the largest that fit and the empty one too, but neither misses nor
// values that may be counters. Its statistics and hooks have the same counts.
func TestNearKeeps(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	c := open(t, config(s))
	var hook gets
	n := near(t, c.WithPrefix("a").WithHook(&hook), valkey.NearConfig{MaxAge: time.Hour, MaxBytes: 8 << 20})
	ctx := t.Context()
	values := map[string][]byte{
		"empty": {}, "text": []byte("v"), "large": bytes.Repeat([]byte("x"), 1<<20), "mark": []byte("0123456789ab\xfeLR\xff"),
		"counter": []byte("17"), "huge": bytes.Repeat([]byte("x"), 8<<20),
	}
	if err := n.SetMulti(ctx, values, time.Hour); err != nil {
		t.Fatal(err)
	}
	all := []string{"empty", "text", "large", "mark", "counter", "huge", "absent"}
	for range 3 {
		for _, k := range all {
			if v, err := n.Get(ctx, k); !bytes.Equal(v, values[k]) || err != nil && !errors.Is(err, cache.ErrMiss) {
				t.Errorf("Get of %s: %d bytes, %v", k, len(v), err)
			}
		}
		found, err := n.GetMulti(ctx, all)
		if err != nil || len(found) != len(values) {
			t.Errorf("GetMulti: %d values, %v", len(found), err)
		}
		for k, v := range found {
			if !bytes.Equal(v, values[k]) {
				t.Errorf("GetMulti of %s: %d bytes", k, len(v))
			}
		}
	}
	st, err := n.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	// Of 6 reads of 7 keys, the first of four keys, and each of the others, asks the server.
	if st.Misses != 4+3*6 || st.Hits != 4*5 || st.Entries != 4 || len(st.Servers) != 1 || st.Servers[0].Open != 2 {
		t.Errorf("statistics: %+v", st)
	}
	if keys := hook.keys; uint64(keys) != st.Hits+st.Misses {
		t.Errorf("the hook saw gets of %d keys, the statistics %d", keys, st.Hits+st.Misses)
	}
	if st, err := c.Stats(ctx); err != nil || st.Hits != 0 {
		t.Errorf("statistics of the cache: %+v, %v", st, err)
	}
}

// A get of a value that is kept and older than MaxAge asks the server, and is a miss.
func TestNearStatsOfOldValues(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	n, err := valkey.NearKeepingNothing(open(t, config(s)))
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := n.Set(ctx, "k", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if v, err := n.Get(ctx, "k"); string(v) != "v" || err != nil {
			t.Fatalf("Get: %q, %v", v, err)
		}
	}
	if st, err := n.Stats(ctx); err != nil || st.Hits != 0 || st.Misses != 5 || st.Entries != 1 {
		t.Errorf("statistics: %+v, %v, want 5 misses of one entry", st, err)
	}
}

// gets is a hook that counts the keys of gets.
type gets struct{ keys int }

func (g *gets) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (g *gets) End(_ context.Context, c cache.Call, _ cache.Result) {
	if c.Op == cache.OpGet || c.Op == cache.OpGetMulti {
		g.keys += max(1, c.Keys)
	}
}

// A loader on a near view reads leases, values and tags from the server.
func TestNearLoad(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	n := near(t, open(t, config(s)), valkey.NearConfig{MaxAge: time.Hour})
	other := open(t, config(s))
	ctx := t.Context()
	loader := func(c *cache.Cache) *load.Loader[[]byte] {
		l, err := load.New(c, load.Config[[]byte]{TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	here, there := loader(n), loader(other)
	for i := range byte(100) {
		v, err := here.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte{i}, nil }, "tag")
		if err != nil || v[0] != i {
			t.Fatalf("Get after %d invalidations: %d, %v", i, v, err)
		}
		if err := there.Invalidate(ctx, "tag"); err != nil {
			t.Fatal(err)
		}
	}
	if st, err := n.Stats(ctx); err != nil || st.Hits+st.Misses != 0 {
		t.Errorf("the loader read through the view: %+v, %v", st, err)
	}
}

// If a server reports no changes, or the user may not ask for reports, Get and Ping of a near view
// return an error that says so, and the cache works.
func TestNearRefused(t *testing.T) {
	b := valkeytest.Any(t)
	forbids := valkeytest.Start(t, b, "unix")
	addUser(forbids, "*", "-client|tracking")
	cfg := config(forbids)
	cfg.User, cfg.Password = appUser, appPassword
	old := valkeytest.Start(t, b, "unix", "--rename-command", "HELLO", "")
	for name, test := range map[string]struct {
		cfg  valkey.Config
		want string
	}{
		"user":  {cfg, "NOPERM"},
		"RESP2": {config(old), "RESP2"},
	} {
		c := open(t, test.cfg)
		n := near(t, c, valkey.NearConfig{})
		_, err := n.Get(t.Context(), "k")
		_, many := n.GetMulti(t.Context(), []string{"k"})
		for op, err := range map[string]error{"Get": err, "GetMulti": many, "Ping": n.Ping(t.Context())} {
			if err == nil || errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), test.want) ||
				!strings.Contains(err.Error(), "+client|tracking") {
				t.Errorf("%s, %s: %v; want an error that names %s and says what is needed", name, op, err, test.want)
			}
		}
		if err := errors.Join(c.Set(t.Context(), "k", nil, 0), n.Delete(t.Context(), "k")); err != nil {
			t.Errorf("%s: the cache itself: %v", name, err)
		}
	}
}

// Near returns an error for a cache or a configuration that it cannot use.
func TestNearInvalid(t *testing.T) {
	c := open(t, valkey.Config{})
	elsewhere, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	parts, err := cache.Partitioned("a", map[string]*cache.Cache{"a": c})
	if err != nil {
		t.Fatal(err)
	}
	for want, try := range map[string]struct {
		c   *cache.Cache
		cfg valkey.NearConfig
	}{
		"MaxAge -1ns":                       {c, valkey.NearConfig{MaxAge: -1}},
		"MaxAge 300ns must be at least 1ms": {c, valkey.NearConfig{MaxAge: 300}},
		"MaxBytes 1":                        {c, valkey.NearConfig{MaxBytes: 1}},
		"nil":                               {nil, valkey.NearConfig{}},
		`the driver of the cache is "memory"; want "valkey"`: {elsewhere, valkey.NearConfig{}},
		"namespaces":        {parts, valkey.NearConfig{}},
		"near view already": {near(t, c, valkey.NearConfig{}), valkey.NearConfig{}},
	} {
		if _, err := valkey.Near(try.c, try.cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want one that names %q", err, want)
		}
	}
}
