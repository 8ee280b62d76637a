package memcached_test

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
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

//go:embed testdata/clients.py
var script string

// python is a program on one of Python's clients.
type python struct {
	kind      string // also that of its flags
	servers   []string
	behaviors map[string]any // pylibmc only
}

// call calls a function of testdata/clients.py and decodes what it returns.
func (p python) call(t *testing.T, result any, function string, args ...any) {
	t.Helper()
	if p.behaviors == nil {
		p.behaviors = map[string]any{"ketama": true} // wheezy.caching's
	}
	var argv []string
	for _, a := range []any{p.kind, p.servers, p.behaviors, function, append([]any{}, args...)} {
		b, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		argv = append(argv, string(b))
	}
	out := memcachedtest.Python(t, script, argv...)
	if result == nil {
		return
	}
	if err := json.Unmarshal([]byte(out), result); err != nil {
		t.Fatalf("%s printed %q: %v", function, out, err)
	}
}

// eachPython runs f for both clients on one server, with a cache whose flags are theirs.
func eachPython(t *testing.T, f func(t *testing.T, p python, c *cache.Cache, s *memcachedtest.Server)) {
	s := memcachedtest.Start(t, "tcp")
	for _, kind := range []string{memcached.FlagsPylibmc, memcached.FlagsPythonMemcached} {
		t.Run(kind, func(t *testing.T) {
			c := empty(t, memcached.Config{Servers: []string{s.Addr()}, NumberFlags: kind, Timeout: patient})
			f(t, python{kind: kind, servers: []string{s.Addr()}}, c, s)
		})
	}
}

// On three servers, each side finds the keys of the other, with every distribution that a
// Python client has.
func TestPythonCluster(t *testing.T) {
	for name, tt := range map[string]struct {
		distribution, kind string
		behaviors          map[string]any
		network            string
		weights            []int
	}{
		"ketama":                    {"", "pylibmc", map[string]any{"ketama": true}, "tcp", nil},
		"ketama, unix":              {"", "pylibmc", map[string]any{"ketama": true}, "unix", nil},
		"ketama, IPv6":              {"", "pylibmc", map[string]any{"ketama": true}, "tcp6", nil},
		"ketama, weights":           {memcached.DistributionKetama, "pylibmc", map[string]any{"ketama": true}, "tcp", []int{1, 2, 5}},
		"ketama_weighted":           {memcached.DistributionKetamaWeighted, "pylibmc", map[string]any{"ketama": true, "ketama_weighted": true}, "tcp", nil},
		"ketama_weighted, weights":  {memcached.DistributionKetamaWeighted, "pylibmc", map[string]any{"ketama_weighted": true}, "tcp", []int{3, 1, 2}},
		"ketama_md5":                {memcached.DistributionKetamaMD5, "pylibmc", map[string]any{"ketama": true, "hash": "md5"}, "tcp", nil},
		"python-memcached":          {memcached.DistributionPythonMemcached, "python-memcached", nil, "tcp", nil},
		"python-memcached, weights": {memcached.DistributionPythonMemcached, "python-memcached", nil, "tcp", []int{1, 2, 5}},
		"python-memcached, pylibmc": {memcached.DistributionPythonMemcached, "pylibmc", map[string]any{"hash": "crc"}, "tcp", nil},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.network == "tcp6" && !memcachedtest.HasIPv6() {
				t.Log("this machine has no IPv6")
				return
			}
			servers := memcachedtest.Addrs(memcachedtest.StartN(t, 3, tt.network))
			for i, w := range tt.weights {
				servers[i] += ":" + strconv.Itoa(w)
			}
			p := python{tt.kind, servers, tt.behaviors}
			text := open(t, memcached.Config{Servers: servers, Distribution: tt.distribution, Timeout: patient}).WithKind(cache.Text)
			byGo, byPython := map[string][]byte{}, map[string]string{}
			for i := range 300 {
				byGo[fmt.Sprint("go:ж:", i)] = []byte(fmt.Sprint("of go ", i))
				byPython[fmt.Sprint("python:ж:", i)] = fmt.Sprint("of python ", i)
			}
			if err := text.SetMulti(t.Context(), byGo, time.Hour); err != nil {
				t.Fatal(err)
			}
			p.call(t, nil, "set_texts", byPython)
			var toPython map[string]string
			p.call(t, &toPython, "get_texts", sorted(byGo))
			toGo, err := text.GetMulti(t.Context(), slices.Collect(maps.Keys(byPython)))
			if err != nil {
				t.Fatal(err)
			}
			for k, v := range byGo {
				if toPython[k] != string(v) {
					t.Errorf("%s: Python finds %q, want %q", k, toPython[k], v)
				}
			}
			for k, v := range byPython {
				if string(toGo[k]) != v {
					t.Errorf("%s: Go finds %q, want %q", k, toGo[k], v)
				}
			}
		})
	}
}

func TestPythonReadsKinds(t *testing.T) {
	eachPython(t, func(t *testing.T, p python, c *cache.Cache, s *memcachedtest.Server) {
		ctx := t.Context()
		text, number := c.WithKind(cache.Text), c.WithKind(cache.Number)
		for _, err := range []error{
			c.Set(ctx, "bytes", []byte("\x00\xff\r\n"), 0),
			c.Set(ctx, "empty", nil, 0),
			c.Set(ctx, "space", []byte("9 "), 0),
			c.Set(ctx, "large-space", []byte("1 "+strings.Repeat("x", 200_000)), 0),
			text.Add(ctx, "text", []byte("жук"), time.Hour),
			text.SetMulti(ctx, map[string][]byte{"empty-text": nil, "month": []byte("31 days")}, 31*24*time.Hour),
			text.Set(ctx, "not-text", []byte("\xff"), 0),
			number.Set(ctx, "number", []byte("0"), 0),
			number.Replace(ctx, "number", []byte("42"), 0),
			c.Set(ctx, "touched", []byte("x"), time.Second),
			c.Touch(ctx, "touched", 40*24*time.Hour),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.IncrementFrom(ctx, "counter", 1, 9, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Decrement(ctx, "counter", 1); err != nil {
			t.Fatal(err)
		}
		want := map[string]string{
			"bytes": `bytes b'\x00\xff\r\n'`, "empty": "bytes b''", "space": "bytes b'9 '",
			"text": "str 'жук'", "empty-text": "str ''", "month": "str '31 days'", "not-text": `bytes b'\xff'`,
			"large-space": "bytes b'1 " + strings.Repeat("x", 200_000) + "'",
			"number":      "int 42", "counter": "int 9", "touched": "bytes b'x'", "absent": "NoneType None",
		}
		var got map[string]string
		p.call(t, &got, "get_kinds", slices.Collect(maps.Keys(want)))
		for k, w := range want {
			if got[k] != w {
				t.Errorf("%s is %.60s, want %.60s", k, got[k], w)
			}
		}
		wantFlags := map[string]string{memcached.FlagsPylibmc: "4", memcached.FlagsPythonMemcached: "2"}[p.kind]
		for _, k := range []string{"number", "counter"} {
			if line := s.Command("get "+k, "END")[0]; strings.Fields(line)[2] != wantFlags {
				t.Errorf("the server replied %q, want flags %s", line, wantFlags)
			}
		}
	})
}

func TestPythonWritesKinds(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, p python, c *cache.Cache, s *memcachedtest.Server) {
		ctx := t.Context()
		p.call(t, nil, "set_kinds")
		type value struct {
			value string
			kind  cache.Kind
		}
		want := map[string]value{
			"bytes": {"\x00\xff\r\n", cache.Bytes}, "empty": {"", cache.Bytes}, "text": {"жук", cache.Text},
			"number": {"42", cache.Number}, "negative": {"-5", cache.Number}, "huge": {"1180591620717411303424", cache.Number},
			"counter": {"9", cache.Number}, "large": {strings.Repeat("x", 200_000), cache.Text},
			"zipped": {strings.Repeat("ж", 5000), cache.Text}, "month": {"31 days", cache.Text},
		}
		items, err := c.GetItemMulti(ctx, append(slices.Collect(maps.Keys(want)), "absent"))
		if err != nil || len(items) != len(want) {
			t.Errorf("GetItemMulti: %d of %d, %v", len(items), len(want), err)
		}
		for k, w := range want {
			if it := items[k]; string(it.Value) != w.value || it.Kind != w.kind {
				t.Errorf("%s: %.40q, %v; want %.40q, %v", k, it.Value, it.Kind, w.value, w.kind)
			}
			if v, err := c.Get(ctx, k); err != nil || string(v) != w.value {
				t.Errorf("%s: %.40q, %v", k, v, err)
			}
		}
		// A pickled object is an error that says so, and does not spoil a batch.
		_, err = c.Get(ctx, "object")
		if !errors.Is(err, cache.ErrUnreadable) || !strings.Contains(err.Error(), "pickled") {
			t.Errorf("a pickled list: %v", err)
		}
		memcachedtest.IsNamed(t, err, "memcached", cache.OpGet, s.Addr())
		if values, err := c.GetMulti(ctx, []string{"text", "object", "bytes"}); err == nil || len(values) != 2 {
			t.Errorf("a batch with a pickled list: %q, %v", values, err)
		}
		memcachedtest.Eventually(t, "what Python stored for a second is gone", func() bool {
			_, err := c.Get(ctx, "second")
			return errors.Is(err, cache.ErrMiss)
		})
	})
}

func TestPythonSeesExpiry(t *testing.T) {
	t.Parallel()
	eachPython(t, func(t *testing.T, p python, c *cache.Cache, _ *memcachedtest.Server) {
		ctx := t.Context()
		for _, err := range []error{
			c.Set(ctx, "short", []byte("x"), time.Millisecond),
			c.Set(ctx, "touched", []byte("x"), 0),
			c.Touch(ctx, "touched", time.Second),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		p.call(t, nil, "wait_until_gone", "short")
		p.call(t, nil, "wait_until_gone", "touched")
		if it, err := c.GetItem(ctx, "touched"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("GetItem of an expired key: %+v, error %v", it, err)
		}
	})
}

func TestPythonCounters(t *testing.T) {
	eachPython(t, func(t *testing.T, p python, c *cache.Cache, _ *memcachedtest.Server) {
		ctx := t.Context()
		is := func(want, got uint64, err error) {
			t.Helper()
			if err != nil || got != want {
				t.Errorf("the count is %d, error %v; want %d", got, err, want)
			}
		}
		count := func(delta int) (n uint64) {
			p.call(t, &n, "count", "n", delta)
			return n
		}
		is(7, count(7), nil) // Python begins
		n, err := c.Increment(ctx, "n", 5)
		is(12, n, err)
		n, err = c.Decrement(ctx, "n", 4) // "8 " on the server
		is(8, n, err)
		if v, err := c.Get(ctx, "n"); err != nil || string(v) != "8" {
			t.Errorf("Get: %q, %v", v, err)
		}
		is(9, count(1), nil)
		if err := c.Delete(ctx, "n"); err != nil {
			t.Fatal(err)
		}
		n, err = c.IncrementFrom(ctx, "n", 1, 0, 0) // Go begins
		is(1, n, err)
		is(3, count(2), nil)
		var got map[string]string
		p.call(t, &got, "get_kinds", []string{"n"})
		if got["n"] != "int 3" {
			t.Errorf("Python reads %s", got["n"])
		}
	})
}

// A master wired half by Go and half by Python is deleted by either.
func TestPythonDependency(t *testing.T) {
	const master = "mk:order:100:"
	one := memcachedtest.Addrs(memcachedtest.StartN(t, 1, "tcp"))
	three := memcachedtest.Addrs(memcachedtest.StartN(t, 3, "tcp"))
	for kind, distribution := range map[string]string{
		memcached.FlagsPylibmc:         memcached.DistributionKetama,
		memcached.FlagsPythonMemcached: memcached.DistributionPythonMemcached,
	} {
		for _, servers := range [][]string{one, three} {
			p := python{kind: kind, servers: servers}
			for _, deleter := range []string{"Go", "Python"} {
				t.Run(fmt.Sprintf("%s/%d/%s", kind, len(servers), deleter), func(t *testing.T) {
					c := empty(t, memcached.Config{Servers: servers, NumberFlags: kind, Distribution: distribution, Timeout: patient})
					ctx := t.Context()
					d, err := dependency.New(c, 10*time.Minute)
					if err != nil {
						t.Fatal(err)
					}
					all := []string{"go1", "go2", "go3", "py1", "py2", "py3"}
					if err := c.SetMulti(ctx, valuesOf(append(all, "other")), 0); err != nil {
						t.Fatal(err)
					}
					p.call(t, nil, "wire", master, []string{"py1", "py2"})
					if err := d.AddMulti(ctx, master, []string{"go1", "go2"}); err != nil {
						t.Fatal(err)
					}
					if err := d.Add(ctx, master, "go3"); err != nil {
						t.Fatal(err)
					}
					p.call(t, nil, "wire", master, []string{"py3"})

					if keys, err := d.Keys(ctx, master); err != nil || !slices.Equal(slices.Sorted(slices.Values(keys)), all) {
						t.Errorf("Go sees %q, %v", keys, err)
					}
					var seen [2][]string // the keys, and the slots that hold them
					p.call(t, &seen, "wired", master)
					if slices.Sort(seen[0]); !slices.Equal(seen[0], all) {
						t.Errorf("Python sees %q", seen[0])
					}
					if deleter == "Go" {
						err = d.Delete(ctx, master)
					} else {
						p.call(t, nil, "delete", master)
					}
					if err != nil {
						t.Fatal(err)
					}
					left, err := c.GetMulti(ctx, slices.Concat(all, seen[1], []string{master, "other"}))
					if err != nil || len(left) != 1 {
						t.Errorf("left: %q, %v; want only the key that was not wired", left, err)
					}
				})
			}
		}
	}
}
