package ketama_test

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
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

//go:embed testdata/pylibmc.py
var script string

// python is a program on pylibmc.
type python struct {
	servers   []string
	behaviors map[string]any
}

// pylibmc is a program with wheezy.caching's usual behaviors.
func pylibmc(servers []string) python {
	return python{servers, map[string]any{"ketama": true}}
}

// call calls a function of testdata/pylibmc.py and decodes what it returns.
func (p python) call(t *testing.T, result any, function string, args ...any) {
	t.Helper()
	var argv []string
	for _, a := range []any{p.servers, p.behaviors, function, append([]any{}, args...)} {
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

// TestPythonCluster: on three servers, each side finds the keys of the other.
func TestPythonCluster(t *testing.T) {
	behaviors := func(names ...string) map[string]any {
		b := map[string]any{}
		for _, n := range names {
			b[n] = true
		}
		return b
	}
	md5 := behaviors("ketama")
	md5["hash"] = "md5"
	for name, tt := range map[string]struct {
		distribution string
		behaviors    map[string]any
		network      string
		weights      []int
	}{
		"ketama":                   {"", behaviors("ketama"), "tcp", nil},
		"ketama, unix":             {"", behaviors("ketama"), "unix", nil},
		"ketama, IPv6":             {"", behaviors("ketama"), "tcp6", nil},
		"ketama, weights":          {ketama.DistributionKetama, behaviors("ketama"), "tcp", []int{1, 2, 5}},
		"ketama_weighted":          {ketama.DistributionKetamaWeighted, behaviors("ketama", "ketama_weighted"), "tcp", nil},
		"ketama_weighted, weights": {ketama.DistributionKetamaWeighted, behaviors("ketama_weighted"), "tcp", []int{3, 1, 2}},
		"ketama_md5":               {ketama.DistributionKetamaMD5, md5, "tcp", nil},
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
			p := python{servers, tt.behaviors}
			text := open(t, ketama.Config{Servers: servers, Distribution: tt.distribution, Timeout: patient}).WithKind(cache.Text)
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
			p.call(t, &toPython, "get_texts", slices.Collect(maps.Keys(byGo)))
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
	s := memcachedtest.Start(t, "unix")
	for _, flags := range []string{ketama.FlagsPylibmc, ketama.FlagsPythonMemcached} {
		c := empty(t, ketama.Config{Servers: []string{s.Addr()}, NumberFlags: flags, Timeout: patient})
		ctx := t.Context()
		text, number := c.WithKind(cache.Text), c.WithKind(cache.Number)
		for _, err := range []error{
			c.Set(ctx, "bytes", []byte("\x00\xff\r\n"), 0),
			c.Set(ctx, "empty", nil, 0),
			c.Set(ctx, "space", []byte("9 "), 0),
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
			"number": "int 42", "counter": "int 9", "touched": "bytes b'x'", "absent": "NoneType None",
		}
		var got map[string]string
		pylibmc([]string{s.Addr()}).call(t, &got, "get_kinds", slices.Collect(maps.Keys(want)))
		for k, w := range want {
			if got[k] != w {
				t.Errorf("flags %s: %s is %s, want %s", flags, k, got[k], w)
			}
		}
		wantFlags := map[string]string{ketama.FlagsPylibmc: "4", ketama.FlagsPythonMemcached: "2"}[flags]
		for _, k := range []string{"number", "counter"} {
			if line := s.Command("get "+k, "END")[0]; strings.Fields(line)[2] != wantFlags {
				t.Errorf("the server replied %q, want flags %s", line, wantFlags)
			}
		}
	}
}

func TestPythonWritesKinds(t *testing.T) {
	t.Parallel()
	s := memcachedtest.Start(t, "unix")
	p := pylibmc([]string{s.Addr()})
	c := open(t, ketama.Config{Servers: p.servers, Timeout: patient})
	ctx := t.Context()
	p.call(t, nil, "set_kinds")
	type value struct {
		value string
		kind  cache.Kind
	}
	want := map[string]value{
		"bytes": {"\x00\xff\r\n", cache.Bytes}, "empty": {"", cache.Bytes}, "text": {"жук", cache.Text},
		"int": {"42", cache.Number}, "negative": {"-5", cache.Number}, "huge": {"1180591620717411303424", cache.Number},
		"counter": {"9", cache.Number}, "zipped": {strings.Repeat("ж", 5000), cache.Text},
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
	if v, err := c.Get(ctx, "object"); err == nil || !strings.Contains(err.Error(), "pickled") {
		t.Errorf("a pickled list: %q, %v", v, err)
	}
	memcachedtest.Eventually(t, "what Python stored for a second is gone", func() bool {
		_, err := c.Get(ctx, "second")
		return errors.Is(err, cache.ErrMiss)
	})
}

func TestPythonSeesExpiry(t *testing.T) {
	t.Parallel()
	p := pylibmc(memcachedtest.Addrs(memcachedtest.StartN(t, 2, "tcp")))
	c := open(t, ketama.Config{Servers: p.servers, Timeout: patient})
	if err := c.Set(t.Context(), "k", []byte("x"), time.Millisecond); err != nil {
		t.Fatal(err)
	}
	p.call(t, nil, "wait_until_gone", "k")
	if err := c.Set(t.Context(), "k", []byte("x"), 0); err != nil {
		t.Fatal(err)
	}
	if err := c.Touch(t.Context(), "k", time.Second); err != nil {
		t.Fatal(err)
	}
	p.call(t, nil, "wait_until_gone", "k")
	it, err := c.GetItem(t.Context(), "k")
	if !errors.Is(err, cache.ErrMiss) {
		t.Errorf("GetItem of an expired key: %+v, error %v", it, err)
	}
}

func TestPythonCounters(t *testing.T) {
	p := pylibmc(memcachedtest.Addrs(memcachedtest.StartN(t, 2, "tcp")))
	c := open(t, ketama.Config{Servers: p.servers, Timeout: patient})
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
}

// TestPythonDependency: a master wired half by Go and half by Python, deleted by
// either.
func TestPythonDependency(t *testing.T) {
	const master = "mk:order:100:"
	for _, n := range []int{1, 3} {
		p := pylibmc(memcachedtest.Addrs(memcachedtest.StartN(t, n, "tcp")))
		for _, deleter := range []string{"Go", "Python"} {
			t.Run(fmt.Sprintf("%d/%s", n, deleter), func(t *testing.T) {
				c := empty(t, ketama.Config{Servers: p.servers, Timeout: patient})
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
				var seen [2][]string // the wired keys, and the keys of their wires
				p.call(t, &seen, "wired", master)
				if slices.Sort(seen[0]); !slices.Equal(seen[0], all) {
					t.Errorf("Python sees %q", seen[0])
				}
				if deleter == "Go" {
					if err := d.Delete(ctx, master); err != nil {
						t.Fatal(err)
					}
				} else {
					p.call(t, nil, "delete", master)
				}
				left, err := c.GetMulti(ctx, slices.Concat(all, seen[1], []string{master, "other"}))
				if err != nil || len(left) != 1 {
					t.Errorf("left: %q, %v; want only the key that was not wired", left, err)
				}
			})
		}
	}
}
