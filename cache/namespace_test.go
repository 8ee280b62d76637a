package cache_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

// parted returns a cache with the namespaces default and users, and session, which
// shares the cache of users.
func parted(t *testing.T) (c *cache.Cache, def, users *stub) {
	t.Helper()
	def, users = newStub(), newStub()
	shared := open(users)
	c, err := cache.Partitioned("default", map[string]*cache.Cache{
		"default": open(def), "users": shared, "sessions": shared.WithPrefix("s:"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, def, users
}

func namespace(t *testing.T, c *cache.Cache, name string) *cache.Cache {
	t.Helper()
	ns, err := c.Namespace(name)
	if err != nil {
		t.Fatal(err)
	}
	return ns
}

func TestPartitioned(t *testing.T) {
	ctx := t.Context()
	c, def, users := parted(t)
	for v, view := range map[string]*cache.Cache{"1": c, "2": namespace(t, c, "users"), "3": namespace(t, c, "sessions")} {
		if err := view.Set(ctx, "k", []byte(v), 0); err != nil {
			t.Fatal(err)
		}
	}
	if want := map[string]string{"k": "1"}; !reflect.DeepEqual(def.items, want) {
		t.Errorf("default holds %v, want %v", def.items, want)
	}
	if want := map[string]string{"k": "2", "s:k": "3"}; !reflect.DeepEqual(users.items, want) {
		t.Errorf("users holds %v, want %v", users.items, want)
	}
	if v, err := namespace(t, c, "default").Get(ctx, "k"); err != nil || string(v) != "1" {
		t.Errorf("Get in the default namespace by its name: %q and error %v, want 1", v, err)
	}
}

// Flush, Ping and Close reach each distinct cache once.
func TestPartitionedAsAWhole(t *testing.T) {
	ctx := t.Context()
	c, def, users := parted(t)
	for name, test := range map[string]struct {
		do   func() error
		want string
	}{
		"Flush": {func() error { return c.Flush(ctx) }, "flush"},
		"Ping":  {func() error { return c.Ping(ctx) }, "get larder-ping"},
	} {
		if err := test.do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if a, b := def.calls(), users.calls(); a != test.want || b != test.want {
			t.Errorf("%s did %q and %q, want %q on each", name, a, b, test.want)
		}
	}
	// A namespace is flushed alone.
	if err := namespace(t, c, "sessions").Flush(ctx); err != nil || def.calls() != "" || users.calls() != "flush" {
		t.Errorf("Flush of a namespace reached others (error %v)", err)
	}
	for range 2 {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if a, b := def.calls(), users.calls(); a != "close" || b != "close" {
		t.Errorf("Close did %q and %q, want one close on each", a, b)
	}
	if err := namespace(t, c, "sessions").Set(ctx, "k", nil, 0); err != cache.ErrClosed {
		t.Errorf("Set in a namespace after Close: %v", err)
	}
	if err := c.Flush(ctx); !errors.Is(err, cache.ErrClosed) {
		t.Errorf("Flush after Close: %v", err)
	}
}

// An operation on all caches reaches those after one that fails, and the error names the
// namespace.
func TestPartitionedErrors(t *testing.T) {
	ctx := t.Context()
	c, def, users := parted(t)
	users.fail[""] = errDown
	err := c.Flush(ctx)
	if !errors.Is(err, cache.ErrUnavailable) || !strings.Contains(err.Error(), `"sessions"`) {
		t.Errorf("Flush: error %v, want the outage with a namespace", err)
	}
	if def.calls() != "flush" {
		t.Error("Flush left out the cache that works")
	}
	def.fail[""] = cache.ErrTooLarge
	if err := c.Close(); !errors.Is(err, cache.ErrUnavailable) || !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("Close: error %v, want those of both", err)
	}
	// Flush returns the error of a namespace that was closed alone.
	c, def, _ = parted(t)
	if err := namespace(t, c, "users").Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Flush(ctx); !errors.Is(err, cache.ErrClosed) || def.calls() != "flush" {
		t.Errorf("Flush with one closed: %v", err)
	}
}

func TestUnknownNamespace(t *testing.T) {
	c, _, _ := parted(t)
	_, err := c.Namespace("user")
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{`"user"`, `"default", "sessions", "users"`} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error %q does not contain %s", err, part)
		}
	}
	if _, err := c.Namespace(strings.Repeat("x", 1000)); len(err.Error()) > 300 {
		t.Errorf("a long name is repeated: %d bytes", len(err.Error()))
	}
	// Without partitions, a cache is its own for every name.
	plain := open(newStub())
	if ns, err := plain.Namespace("anything"); err != nil || ns.Set(t.Context(), "shared", nil, 0) != nil || last(plain.Get(t.Context(), "shared")) != nil {
		t.Errorf("a plain cache: its namespace has other keys, or error %v", err)
	}
}

func TestPartitionedIsStrict(t *testing.T) {
	c := open(newStub())
	for name, test := range map[string]struct {
		def  string
		ns   map[string]*cache.Cache
		part string
	}{
		"no namespaces":      {"default", nil, "no namespaces"},
		"no default":         {"default", map[string]*cache.Cache{"users": c}, `"users"`},
		"a nil cache":        {"default", map[string]*cache.Cache{"default": c, "users": nil}, `"users"`},
		"the default is nil": {"default", map[string]*cache.Cache{"default": nil}, `"default"`},
	} {
		if _, err := cache.Partitioned(test.def, test.ns); err == nil || !strings.Contains(err.Error(), test.part) {
			t.Errorf("%s: error %v, want one with %s", name, err, test.part)
		}
	}
}

// Partitioned copies the map.
func TestPartitionedCopiesTheTable(t *testing.T) {
	ns := map[string]*cache.Cache{"default": open(newStub()), "users": open(newStub())}
	c, err := cache.Partitioned("default", ns)
	if err != nil {
		t.Fatal(err)
	}
	delete(ns, "users")
	namespace(t, c, "users")
}

// A namespace may have partitions itself.
func TestPartitionedNests(t *testing.T) {
	inner, def, users := parted(t)
	other := newStub()
	c, err := cache.Partitioned("other", map[string]*cache.Cache{"other": open(other), "inner": inner, "def": namespace(t, inner, "default")})
	if err != nil {
		t.Fatal(err)
	}
	if err := namespace(t, namespace(t, c, "inner"), "users").Set(t.Context(), "k", nil, 0); err != nil || users.calls() != "set k" {
		t.Errorf("Set in a namespace of a namespace: %v", err)
	}
	if err := c.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if a, b, o := def.calls(), users.calls(), other.calls(); a != "flush" || b != "flush" || o != "flush" {
		t.Errorf("Flush did %q, %q and %q, want one on each", a, b, o)
	}
}

// A hook of the whole sees all namespaces, and that of a namespace sees that one.
func TestPartitionedHooks(t *testing.T) {
	var whole, part, def []string
	shared := open(newStub()).WithHook(&watcher{t: t, name: "part", log: &part})
	c, err := cache.Partitioned("default", map[string]*cache.Cache{
		"default": open(newStub()).WithHook(&watcher{t: t, name: "def", log: &def}), "users": shared,
	})
	if err != nil {
		t.Fatal(err)
	}
	c = c.WithHook(&watcher{t: t, name: "whole", log: &whole})
	for _, test := range []struct {
		do                 func()
		whole, part, deflt int
	}{
		{func() { c.Get(t.Context(), "k") }, 2, 0, 2},
		{func() { namespace(t, c, "users").Get(t.Context(), "k") }, 2, 2, 0},
		{func() { namespace(t, c, "default").Get(t.Context(), "k") }, 2, 0, 2},
		{func() { c.Flush(t.Context()) }, 2, 0, 2},
	} {
		whole, part, def = nil, nil, nil
		test.do()
		if len(whole) != test.whole || len(part) != test.part || len(def) != test.deflt {
			t.Errorf("the hooks saw %q, %q and %q; want %d, %d and %d entries", whole, part, def, test.whole, test.part, test.deflt)
		}
	}
}

// Partitions gives each cache once, whatever the view, and none of what views add.
func TestPartitions(t *testing.T) {
	ctx := t.Context()
	c, def, users := parted(t)
	watched, log := watch(t, c.WithPrefix("p:"))
	seen := map[string]*cache.Cache{}
	for name, part := range watched.Partitions() {
		seen[name] = part
		if err := part.Set(ctx, "k", []byte(name), 0); err != nil {
			t.Error(err)
		}
	}
	if len(seen) != 2 || def.items["k"] != "default" || users.items["k"] != "sessions" {
		t.Errorf("partitions %v, stored %v and %v, want one for default and one for sessions and users", seen, def.items, users.items)
	}
	if got := log(); len(got) != 0 {
		t.Errorf("the hook saw %q of the partitions", got)
	}
	for name, part := range namespace(t, watched, "users").Partitions() {
		if name != "users" || part != seen["sessions"] {
			t.Errorf("the namespace users is %q at %p, want users at %p", name, part, seen["sessions"])
		}
	}
	for range c.Partitions() {
		break // stopping early is fine
	}

	// A cache without partitions, whose driver encodes keys.
	s := newStub()
	plain := cache.New(s, cache.Options{Name: "stub", KeyEncoding: encoding.Base64()})
	for name, part := range namespace(t, plain, "any").WithKind(cache.Text).Partitions() {
		if err := part.Set(ctx, "key", []byte("v"), 0); err != nil {
			t.Error(err)
		}
		if name != "any" || part != plain || s.items["a2V5"] != "v" || s.kinds["a2V5"] != cache.Bytes {
			t.Errorf("partition %q at %p stored %v of kind %v, want any at %p with an encoded key", name, part, s.items, s.kinds, plain)
		}
	}
}
