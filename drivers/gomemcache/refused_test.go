package gomemcache_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

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
		t.Fatalf("SetMulti of %d bytes: error %v, want a *MultiError", n*size, err)
	}
	got, err := c.GetMulti(t.Context(), slices.Collect(maps.Keys(values)))
	if err != nil || len(got) == 0 || len(got)+len(multi.Errors) != n {
		t.Errorf("%d values are there and %d failed of %d; error %v", len(got), len(multi.Errors), n, err)
	}
	for _, err := range multi.Errors {
		isOutage(t, err, cache.OpSetMulti, s.Addr())
	}
	isOutage(t, c.Add(t.Context(), "another", make([]byte, size), 0), cache.OpAdd, s.Addr())
	if f := failuresOf(t, c); f.Refused != uint64(len(multi.Errors))+1 || f.Total() != f.Refused {
		t.Errorf("failures %+v, want %d refused", f, len(multi.Errors)+1)
	}
}

// Where large items are made of chunks and memory is short, the server refuses some values
// with a line that it uses for nothing else. The other values of the batch are stored.
func TestRefusedValuesAmongOthers(t *testing.T) {
	const small, large = 2000, 1_200_000
	s := memcachedtest.Start(t, "unix", "-m", "8", "-I", "4m", "-o", "slab_chunk_max=16384")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	for round := range 10 {
		values := map[string][]byte{}
		for i := range small {
			values[keyNumber(round*small+i)] = bytes.Repeat([]byte("x"), 500)
		}
		if err := c.SetMulti(ctx, values, 0); err != nil {
			t.Fatal(err)
		}
	}
	values := map[string][]byte{"large:0": make([]byte, large), "large:1": make([]byte, large)}
	for i := range 100 {
		values[keyNumber(i)] = []byte("small")
	}
	var multi *cache.MultiError
	err := c.SetMulti(ctx, values, 0)
	if !errors.As(err, &multi) || !slices.Equal(multi.Keys(), []string{"large:0", "large:1"}) {
		t.Fatalf("SetMulti: error %.300v, want one for the two large values", err)
	}
	for _, err := range multi.Errors {
		isOutage(t, err, cache.OpSetMulti, s.Addr())
	}
	if got, err := c.GetMulti(ctx, slices.Collect(maps.Keys(values))); err != nil || len(got) != 100 {
		t.Errorf("GetMulti: %d values, error %v; want 100", len(got), err)
	}
}

// A server that is short of memory for replies refuses long requests. They are sent again in
// parts.
func TestRefusedRequests(t *testing.T) {
	s := memcachedtest.Start(t, "unix", "-t", "8", "-o", "read_buf_mem_limit=8")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	keys, values := fill(t, c, 3000)
	got, err := c.GetMulti(t.Context(), keys)
	if err != nil || !maps.EqualFunc(got, values, bytes.Equal) {
		t.Errorf("GetMulti: %d values, error %v; want %d", len(got), err, len(values))
	}
	if items, err := c.GetItemMulti(t.Context(), keys); err != nil || len(items) != len(keys) {
		t.Errorf("GetItemMulti: %d items, error %v; want %d", len(items), err, len(keys))
	}
	items, added, err := c.GetOrAddMulti(t.Context(), values, 0)
	if err != nil || len(items) != len(keys) || len(added) != 0 {
		t.Errorf("GetOrAddMulti: %d items, %d added, error %v; want %d and none", len(items), len(added), err, len(keys))
	}
	if err := c.DeleteMulti(t.Context(), keys); err != nil {
		t.Errorf("DeleteMulti: error %v", err)
	}
}

// The values that came before a refusal are kept, and the others are asked for again.
func TestRefusalAfterValues(t *testing.T) {
	const refusal = "SERVER_ERROR out of memory writing get response\r\n"
	f := memcachedtest.StartFake(t, script(
		memcachedtest.Step{Expect: "gets k l m\r\n", Reply: "VALUE k 0 1 9\r\nx\r\n" + refusal},
		memcachedtest.Step{Expect: "gets l\r\n", Reply: "END\r\n"},
		memcachedtest.Step{Expect: "gets m\r\n", Reply: refusal}))
	c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
	got, err := c.GetMulti(t.Context(), []string{"k", "l", "m"})
	isOutage(t, err, cache.OpGetMulti, f.Addr())
	if len(got) != 1 || string(got["k"]) != "x" {
		t.Errorf("GetMulti: %q, want k", got)
	}
}

func TestLargeValues(t *testing.T) {
	memcachedtest.LargeValues(t, func(t *testing.T, server string) *cache.Cache {
		return open(t, gomemcache.Config{Servers: []string{server}, Timeout: patient})
	})
}
