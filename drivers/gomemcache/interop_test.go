package gomemcache_test

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// pythonClient defines client(kind, servers) and what the tests do with it.
//
//go:embed testdata/interop.py
var pythonClient string

// pythonClients are the names of the clients, which are also those of the flags.
var pythonClients = []string{"pylibmc", "python-memcached"}

// python runs one command of testdata/interop.py against servers and decodes what it
// prints into result.
func python(t *testing.T, kind string, servers []string, result any, command string, args ...any) {
	t.Helper()
	encode := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	out := memcachedtest.Python(t, pythonClient, kind, encode(servers), command, encode(args))
	if result == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), result); err != nil {
		t.Fatalf("%s printed %q: %v", command, out, err)
	}
}

// described is a value as Python sees it.
type described struct {
	Type string // of the value: bytes, str, int; NoneType for a miss
	Repr string
}

func TestPythonReads(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	for _, kind := range pythonClients {
		t.Run(kind, func(t *testing.T) {
			c := empty(t, gomemcache.Config{Servers: []string{s.Addr()}, NumberFlags: kind})
			ctx := t.Context()
			text, number := c.WithKind(cache.Text), c.WithKind(cache.Number)
			for name, err := range map[string]error{
				"bytes":       c.Set(ctx, "bytes", []byte{0, 0xff, '\r', '\n'}, 0),
				"empty":       c.Set(ctx, "empty", nil, 0),
				"text":        text.Set(ctx, "text", []byte("жук"), ttl),
				"empty text":  text.Set(ctx, "empty-text", nil, ttl),
				"number":      number.Set(ctx, "number", []byte("42"), 0),
				"month":       text.Set(ctx, "month", []byte("31 days"), 31*24*time.Hour),
				"not UTF-8":   text.Set(ctx, "not-utf8", []byte{0xff}, 0),
				"not number":  number.Set(ctx, "not-number", []byte("x"), 0),
				"space":       c.Set(ctx, "space", []byte("9 "), 0),
				"space text":  text.Set(ctx, "space-text", []byte("3 apples"), 0),
				"large space": c.Set(ctx, "large-space", []byte("1 "+strings.Repeat("x", 200_000)), 0),
			} {
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
			}
			if _, err := c.IncrementFrom(ctx, "counter", 1, 9, 0); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Decrement(ctx, "counter", 1); err != nil {
				t.Fatal(err)
			}
			want := map[string]described{
				"bytes": {"bytes", `b'\x00\xff\r\n'`}, "empty": {"bytes", "b''"}, "text": {"str", "'жук'"}, "empty-text": {"str", "''"},
				"number": {"int", "42"}, "counter": {"int", "9"}, "month": {"str", "'31 days'"},
				"not-utf8": {"bytes", `b'\xff'`}, "not-number": {"bytes", "b'x'"},
				"space": {"bytes", "b'9 '"}, "space-text": {"str", "'3 apples'"},
				"large-space": {"bytes", "b'1 " + strings.Repeat("x", 200_000) + "'"},
				"absent":      {"NoneType", "None"},
			}
			var got map[string]described
			python(t, kind, []string{s.Addr()}, &got, "read", slices.Sorted(maps.Keys(want)))
			for key, w := range want {
				if got[key] != w {
					t.Errorf("%s: %.60v, want %.60v", key, got[key], w)
				}
			}
			wantFlags := map[string]string{"pylibmc": "4", "python-memcached": "2"}[kind]
			for _, key := range []string{"number", "counter"} {
				if line := s.Command("get "+key, "END")[0]; strings.Fields(line)[2] != wantFlags {
					t.Errorf("the server replied %q, want flags %s", line, wantFlags)
				}
			}
		})
	}
}

func TestPythonWrites(t *testing.T) {
	t.Parallel()
	s := memcachedtest.Start(t, "tcp")
	for _, kind := range pythonClients {
		t.Run(kind, func(t *testing.T) {
			c := empty(t, gomemcache.Config{Servers: []string{s.Addr()}})
			ctx := t.Context()
			python(t, kind, []string{s.Addr()}, nil, "write")
			type value struct {
				value string
				kind  cache.Kind
			}
			want := map[string]value{
				"bytes": {"\x00\xff\r\n", cache.Bytes}, "empty": {"", cache.Bytes}, "text": {"жук", cache.Text},
				"number": {"42", cache.Number}, "negative": {"-5", cache.Number}, "huge": {"1180591620717411303424", cache.Number},
				"counter": {"9", cache.Number}, "large": {strings.Repeat("x", 200_000), cache.Text},
				"compressed": {strings.Repeat("ж", 5000), cache.Text}, "compressed-bytes": {strings.Repeat("9", 5000), cache.Bytes},
				"long": {"long", cache.Text},
			}
			keys := slices.Sorted(maps.Keys(want))
			items, err := c.GetItemMulti(ctx, append(keys, "absent"))
			if err != nil || len(items) != len(keys) {
				t.Errorf("GetItemMulti: %d items of %d, %v", len(items), len(keys), err)
			}
			for key, w := range want {
				if it := items[key]; string(it.Value) != w.value || it.Kind != w.kind {
					t.Errorf("%s: %.40q, %v; want %.40q, %v", key, it.Value, it.Kind, w.value, w.kind)
				}
				if v, err := c.Get(ctx, key); err != nil || string(v) != w.value {
					t.Errorf("%s: %.40q, %v", key, v, err)
				}
			}
			// A pickled object is an error that says so, and does not spoil a batch.
			if v, err := c.Get(ctx, "pickled"); err == nil || !strings.Contains(err.Error(), "pickled") || errors.Is(err, cache.ErrUnavailable) {
				t.Errorf("a pickled list: %q, %v", v, err)
			} else {
				isNamed(t, err, cache.OpGet, s.Addr())
			}
			values, err := c.GetMulti(ctx, []string{"text", "pickled", "bytes"})
			if err == nil || len(values) != 2 {
				t.Errorf("a batch with a pickled list: %q, %v", values, err)
			}
			memcachedtest.Eventually(t, "what Python stored for a second is gone", func() bool {
				_, err := c.Get(ctx, "second")
				return errors.Is(err, cache.ErrMiss)
			})
		})
	}
}

func TestExpiryIsSeenByPython(t *testing.T) {
	t.Parallel()
	s := memcachedtest.Start(t, "tcp")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	for _, kind := range pythonClients {
		for _, ttl := range []time.Duration{time.Millisecond, time.Second} {
			if err := c.Set(t.Context(), "second", []byte("x"), ttl); err != nil {
				t.Fatal(err)
			}
			python(t, kind, []string{s.Addr()}, nil, "wait_until_gone", "second")
		}
		if err := c.Set(t.Context(), "touched", []byte("x"), 0); err != nil {
			t.Fatal(err)
		}
		if err := c.Touch(t.Context(), "touched", time.Second); err != nil {
			t.Fatal(err)
		}
		python(t, kind, []string{s.Addr()}, nil, "wait_until_gone", "touched")
	}
}

func TestCountersWithPython(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	for _, kind := range pythonClients {
		t.Run(kind, func(t *testing.T) {
			c := empty(t, gomemcache.Config{Servers: []string{s.Addr()}})
			ctx := t.Context()
			steps := func(want uint64, n uint64, err error) {
				t.Helper()
				if err != nil || n != want {
					t.Errorf("the count is %d, error %v; want %d", n, err, want)
				}
			}
			var n uint64
			count := func(delta int) uint64 {
				t.Helper()
				python(t, kind, []string{s.Addr()}, &n, "count", "n", delta)
				return n
			}
			steps(7, count(7), nil) // Python begins
			n, err := c.Increment(ctx, "n", 5)
			steps(12, n, err)
			n, err = c.Decrement(ctx, "n", 4) // "8 " on the server
			steps(8, n, err)
			steps(9, count(1), nil)
			if v, err := c.Get(ctx, "n"); err != nil || string(v) != "9" {
				t.Errorf("Get: %q, %v; want 9", v, err)
			}
			if err := c.Delete(ctx, "n"); err != nil {
				t.Fatal(err)
			}
			n, err = c.IncrementFrom(ctx, "n", 1, 0, 0) // Go begins
			steps(1, n, err)
			steps(3, count(2), nil)
			var got map[string]described
			python(t, kind, []string{s.Addr()}, &got, "read", []string{"n"})
			if got["n"] != (described{"int", "3"}) {
				t.Errorf("Python reads %v", got["n"])
			}
		})
	}
}

// cluster is three servers in the way that both sides want them.
func cluster(t *testing.T, weights ...int) (forGo, forPython []string) {
	t.Helper()
	for i, addr := range memcachedtest.Addrs(memcachedtest.StartN(t, 3, "tcp")) {
		forPython = append(forPython, addr)
		if weights != nil {
			addr += ":" + strconv.Itoa(weights[i])
			forPython[i] = addr
		}
		forGo = append(forGo, addr)
	}
	return forGo, forPython
}

func TestClusterWithPython(t *testing.T) {
	for _, tt := range []struct {
		name, kind string
		weights    []int
	}{
		{"python-memcached", "python-memcached", nil},
		{"python-memcached with weights", "python-memcached", []int{1, 2, 5}},
		{"pylibmc with hash crc", "pylibmc", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			forGo, forPython := cluster(t, tt.weights...)
			c := open(t, gomemcache.Config{Servers: forGo, Distribution: gomemcache.DistributionPythonMemcached})
			text := c.WithKind(cache.Text)
			byGo, byPython := map[string][]byte{}, map[string][]byte{}
			for i := range 200 {
				byGo[fmt.Sprintf("go:ж:%d", i)] = []byte(fmt.Sprint("value ", i))
				byPython[fmt.Sprintf("python:ж:%d", i)] = []byte(fmt.Sprint("value ", i))
			}
			if err := text.SetMulti(t.Context(), byGo, 0); err != nil {
				t.Fatal(err)
			}
			var got map[string]described
			python(t, tt.kind, forPython, &got, "read", slices.Sorted(maps.Keys(byGo)))
			for key, value := range byGo {
				if want := (described{"str", "'" + string(value) + "'"}); got[key] != want {
					t.Errorf("%s: Python finds %v", key, got[key])
				}
			}
			texts := map[string]string{}
			for k, v := range byPython {
				texts[k] = string(v)
			}
			python(t, tt.kind, forPython, nil, "store", texts)
			values, err := c.GetMulti(t.Context(), slices.Collect(maps.Keys(byPython)))
			if err != nil || len(values) != len(byPython) {
				t.Errorf("Go finds %d keys of %d, %v", len(values), len(byPython), err)
			}
			for k, v := range byPython {
				if string(values[k]) != string(v) {
					t.Errorf("%s: Go finds %q, want %q", k, values[k], v)
				}
			}
		})
	}
}

// A master wired half by Go and half by Python is deleted by either.
func TestDependencyWithPython(t *testing.T) {
	const master = "mk:order:100:"
	one := memcachedtest.Addrs(memcachedtest.StartN(t, 1, "tcp"))
	three, _ := cluster(t)
	for _, kind := range pythonClients {
		for _, servers := range [][]string{one, three} {
			for _, deleter := range []string{"Go", "Python"} {
				t.Run(fmt.Sprintf("%s, %d servers, deleted by %s", kind, len(servers), deleter), func(t *testing.T) {
					c := empty(t, gomemcache.Config{
						Servers: servers, NumberFlags: kind, Distribution: gomemcache.DistributionPythonMemcached,
					})
					ctx := t.Context()
					d, err := dependency.New(c, ttl)
					if err != nil {
						t.Fatal(err)
					}
					all := []string{"g1", "g2", "g3", "p1", "p2", "p3"}
					values := map[string][]byte{"other": nil}
					for _, k := range all {
						values[k] = []byte("x")
					}
					if err := c.SetMulti(ctx, values, 0); err != nil {
						t.Fatal(err)
					}
					python(t, kind, servers, nil, "wire", master, []string{"p1", "p2"})
					if err := d.AddMulti(ctx, master, []string{"g1", "g2"}); err != nil {
						t.Fatal(err)
					}
					if err := d.Add(ctx, master, "g3"); err != nil {
						t.Fatal(err)
					}
					python(t, kind, servers, nil, "wire", master, []string{"p3"})

					if keys, err := d.Keys(ctx, master); err != nil || !slices.Equal(slices.Sorted(slices.Values(keys)), all) {
						t.Errorf("Go sees %q, %v; want %q", keys, err, all)
					}
					var seen []string
					python(t, kind, servers, &seen, "wired", master)
					if slices.Sort(seen); !slices.Equal(seen, all) {
						t.Errorf("Python sees %q, want %q", seen, all)
					}

					if deleter == "Go" {
						err = d.Delete(ctx, master)
					} else {
						python(t, kind, servers, nil, "unwire", master)
					}
					if err != nil {
						t.Errorf("Delete: %v", err)
					}
					gone := append(all, master)
					for i := range all {
						gone = append(gone, master+strconv.Itoa(i+1))
					}
					left, err := c.GetMulti(ctx, append(gone, "other"))
					if err != nil || len(left) != 1 {
						t.Errorf("left: %q, %v; want only the key that was not wired", left, err)
					}
				})
			}
		}
	}
}
