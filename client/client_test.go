package client_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

var ctx = context.Background()

// application is code that names namespaces and does not know where they are stored.
func application(c *cache.Cache) error {
	sessions, err := c.Namespace("sessions")
	if err != nil {
		return err
	}
	pages, err := c.Namespace("pages")
	if err != nil {
		return err
	}
	if err := sessions.Set(ctx, "session:7", []byte("ann"), time.Hour); err != nil {
		return err
	}
	if err := pages.Set(ctx, "page:/", []byte("<html>"), time.Hour); err != nil {
		return err
	}
	if err := c.Set(ctx, "motd", []byte("hello"), time.Hour); err != nil {
		return err
	}
	for _, look := range []struct {
		in        *cache.Cache
		key, want string
	}{{sessions, "session:7", "ann"}, {pages, "page:/", "<html>"}, {c, "motd", "hello"}} {
		v, err := look.in.Get(ctx, look.key)
		if err != nil || string(v) != look.want {
			return fmt.Errorf("%s: %q and error %v, want %q", look.key, v, err, look.want)
		}
	}
	return nil
}

// The same code runs on three layouts, which differ in their configuration.
func TestLayouts(t *testing.T) {
	layouts := map[string]client.Config{
		"one cache for all": {DSNs: map[string]string{
			"default": "memory://", "sessions": "memory://", "pages": "memory://",
		}},
		"sessions apart": {DSNs: map[string]string{
			"default": "memory://", "sessions": "memory://?buckets=120", "pages": "memory://",
		}},
		"one each, with prefixes": {
			Default: "main",
			DSNs: map[string]string{
				"main": "memory://", "sessions": "memory://?buckets=120", "pages": "memory://?buckets=30&key_encoding=sha1",
			},
			Prefixes: map[string]string{"sessions": "app1:", "pages": "app1:"},
		},
	}
	for name, config := range layouts {
		t.Run(name, func(t *testing.T) {
			c, err := client.New(config)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := application(c); err != nil {
				t.Fatal(err)
			}
			if err := c.Flush(ctx); err != nil {
				t.Fatal(err)
			}
			for _, ns := range []string{"sessions", "pages"} {
				part, err := c.Namespace(ns)
				if err != nil {
					t.Fatal(err)
				}
				st, err := part.Stats(ctx)
				if err != nil || st.Entries != 0 {
					t.Errorf("%s after Flush: %d entries and error %v, want none", ns, st.Entries, err)
				}
			}
		})
	}
}

func TestEqualDSNsShareOneCache(t *testing.T) {
	c, err := client.New(client.Config{DSNs: map[string]string{
		"default": "memory://", "a": "memory://", "b": "memory://?buckets=10",
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, _ := c.Namespace("a")
	b, _ := c.Namespace("b")
	if err := c.Set(ctx, "k", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Get(ctx, "k"); err != nil {
		t.Errorf("a namespace with the same DSN: Get returned error %v, want the key of the default namespace", err)
	}
	if _, err := b.Get(ctx, "k"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("a namespace with another DSN: Get returned error %v, want ErrMiss", err)
	}
}

func TestPrefixesKeepKeysApart(t *testing.T) {
	one := mustMemory(t)
	c, err := client.New(client.Config{
		Caches:   map[string]*cache.Cache{"default": one, "a": one, "b": one},
		Prefixes: map[string]string{"a": "a:", "b": "b:"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	a, _ := c.Namespace("a")
	b, _ := c.Namespace("b")
	if err := a.Set(ctx, "k", []byte("of a"), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Get(ctx, "k"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("Get of the key of a in b: error %v, want ErrMiss", err)
	}
	if v, err := c.Get(ctx, "a:k"); err != nil || string(v) != "of a" {
		t.Errorf("Get of the prefixed key in the cache itself: %q and error %v, want the value", v, err)
	}
	values, err := a.GetMulti(ctx, []string{"k", "absent"})
	if err != nil || string(values["k"]) != "of a" || len(values) != 1 {
		t.Errorf("GetMulti: %q and error %v, want the key without its prefix", values, err)
	}
}

func TestCloseClosesEveryCache(t *testing.T) {
	one, two := mustMemory(t), mustMemory(t)
	c, err := client.New(client.Config{Caches: map[string]*cache.Cache{"default": one, "other": two}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close for the second time: error %v, want none", err)
	}
	for name, part := range map[string]*cache.Cache{"client": c, "one": one, "two": two} {
		if _, err := part.Get(ctx, "k"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%s: Get after Close: error %v, want ErrClosed", name, err)
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	n := null.New(null.Config{})
	for _, tc := range []struct {
		name   string
		config client.Config
		want   string
	}{
		{"nothing", client.Config{}, `there are no namespaces; want at least the default one, "default", in Caches or DSNs`},
		{"no default", client.Config{DSNs: map[string]string{"b": "null://", "a": "null://"}},
			`the default namespace "default" is in neither Caches nor DSNs; add it, or set Default to one of "a", "b"`},
		{"unknown default", client.Config{Default: "user", DSNs: map[string]string{"users": "null://"}},
			`the default namespace "user" is in neither Caches nor DSNs; add it, or set Default to one of "users"`},
		{"nil default", client.Config{Caches: map[string]*cache.Cache{"default": nil}}, `namespace "default" has no cache`},
		{"twice", client.Config{Caches: map[string]*cache.Cache{"default": n}, DSNs: map[string]string{"default": "null://"}}, `"default" is in both Caches and DSNs`},
		{"prefix of nothing", client.Config{DSNs: map[string]string{"default": "null://"}, Prefixes: map[string]string{"x": "x:"}}, `Prefixes has namespace "x"`},
		{"unknown driver", client.Config{DSNs: map[string]string{"default": "null://", "x": "redis://u:secret@h"}}, `namespace "x": cache: unknown driver "redis"`},
		{"bad parameter", client.Config{DSNs: map[string]string{"default": "null://?a=b"}}, `namespace "default": null: dsn: unknown parameter "a"`},
		{"nil cache", client.Config{Caches: map[string]*cache.Cache{"default": n, "x": nil}}, `namespace "x" has no cache`},
	} {
		c, err := client.New(tc.config)
		if err == nil {
			c.Close()
			t.Errorf("%s: no error, want one that says %q", tc.name, tc.want)
			continue
		}
		if !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: error %q, want one that says %q and no secret", tc.name, err, tc.want)
		}
	}
}

func TestUnknownNamespaceListsTheKnown(t *testing.T) {
	c, err := client.New(client.Config{DSNs: map[string]string{"default": "null://", "users": "null://"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_, err = c.Namespace("user")
	if err == nil || !strings.Contains(err.Error(), `"user"`) || !strings.Contains(err.Error(), `"default", "users"`) {
		t.Errorf("error %v, want one that names the namespace and the known ones", err)
	}
}

func mustMemory(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// New closes what it opened if it fails, and not what it was given.
func TestFailedNewLeavesCachesOpen(t *testing.T) {
	given := mustMemory(t)
	defer given.Close()
	_, err := client.New(client.Config{
		Caches: map[string]*cache.Cache{"default": given},
		DSNs:   map[string]string{"a": "memory://", "b": "memory://?max_bytes=x"},
	})
	if err == nil {
		t.Fatal("New: no error, want one about max_bytes")
	}
	if err := given.Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set in a cache that was given to New: %v", err)
	}
}

// The methods of a partitioned cache do what the package comment says.
func TestMethodsOfAPartitionedCache(t *testing.T) {
	c, err := client.New(client.Config{
		Default:  "a",
		DSNs:     map[string]string{"a": "null://", "b": "memory://"},
		Prefixes: map[string]string{"b": "b:"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b, err := c.Namespace("b")
	if err != nil {
		t.Fatal(err)
	}
	if c.Driver() != "null" || !c.Discards() || c.Supports(cache.OpStats) {
		t.Errorf("Driver %q, Discards %v, Supports(stats) %v; want those of the default namespace, which is null", c.Driver(), c.Discards(), c.Supports(cache.OpStats))
	}
	if _, err := c.Stats(ctx); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Stats: error %v, want that of the default namespace", err)
	}
	long := strings.Repeat("k", 249)
	if err := c.CheckKey(long); err != nil {
		t.Errorf("CheckKey: error %v, want that of the default namespace, which has no prefix", err)
	}
	if err := b.CheckKey(long); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("CheckKey in a namespace with a prefix: error %v, want ErrInvalidKey", err)
	}
	view, err := c.WithPrefix("v:").Namespace("b")
	if err != nil {
		t.Fatal(err)
	}
	if err := view.Set(ctx, "k", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Get(ctx, "v:k"); err != nil || string(v) != "1" {
		t.Errorf("Get of a key that a view stored: %q and error %v, want its value", v, err)
	}
}
