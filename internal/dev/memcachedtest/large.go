//go:build unix

package memcachedtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
)

// LargeValues tests the error for a value that is over the limit of the server, in every
// operation that stores: it matches ErrTooLarge and names the server, the size, and where the
// limit comes from.
func LargeValues(t *testing.T, open func(t *testing.T, server string) *cache.Cache) {
	const limit = 16 << 10
	s := Start(t, "tcp", "-I", fmt.Sprint(limit), "-o", "slab_chunk_max=8192")
	c, ctx := open(t, s.Addr()), t.Context()
	large := make([]byte, limit)
	check := func(name string, err error) {
		t.Helper()
		if !errors.Is(err, cache.ErrTooLarge) || errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s: %v, want ErrTooLarge", name, err)
			return
		}
		for _, part := range []string{s.Addr(), fmt.Sprint(len(large), " bytes"), "memcached -I"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q lacks %q", name, err, part)
			}
		}
	}
	item := func() cache.Item {
		t.Helper()
		if err := c.Set(ctx, "k", []byte("v"), 0); err != nil { // a store that is refused removes it
			t.Fatal(err)
		}
		it, err := c.GetItem(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		return it
	}
	entries := map[string][]byte{"small": []byte("v"), "k": large}

	check("Set", c.Set(ctx, "k", large, 0))
	check("Add", c.Add(ctx, "absent", large, 0))
	item()
	check("Replace", c.Replace(ctx, "k", large, 0))
	check("CompareAndSwap", c.CompareAndSwap(ctx, item(), large, 0))
	check("SetMulti", c.SetMulti(ctx, entries, 0))
	check("AddMulti", c.AddMulti(ctx, map[string][]byte{"absent": large, "other": nil}, 0))
	check("CompareAndSwapMulti", c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: item(), Value: large}}))
	_, _, err := c.GetOrAdd(ctx, "absent", large, 0)
	check("GetOrAdd", err)
	_, _, err = c.GetOrAddMulti(ctx, map[string][]byte{"absent": large, "another": nil}, 0)
	check("GetOrAddMulti", err)
}
