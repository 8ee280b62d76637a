package ketama_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestLargeBatches: no part of a batch is lost, whatever its size.
func TestLargeBatches(t *testing.T) {
	for _, tt := range []struct {
		network string
		servers int
		keys    int
		size    int
	}{
		{"unix", 1, 20_000, 10},
		{"tcp", 3, 2_000, 16 << 10},
	} {
		t.Run(fmt.Sprintf("%s/%d/%dx%d", tt.network, tt.servers, tt.keys, tt.size), func(t *testing.T) {
			servers := memcachedtest.StartN(t, tt.servers, tt.network, "-m", "512")
			c := open(t, ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient})
			ctx := t.Context()
			all := keys(tt.keys)
			values := make(map[string][]byte, len(all))
			for i, k := range all {
				v := bytes.Repeat([]byte{byte('a' + i%26)}, tt.size)
				copy(v, k)
				values[k] = v
			}
			if err := c.SetMulti(ctx, values, 0); err != nil {
				t.Fatal(err)
			}
			absent := make([]string, 0, len(all)/10)
			for i := 0; i < len(all); i += 10 {
				absent = append(absent, "absent:"+all[i])
			}
			found, err := c.GetMulti(ctx, slices.Concat(all, absent, all[:10]))
			if err != nil {
				t.Fatal(err)
			}
			if len(found) != len(all) {
				t.Fatalf("%d of %d were found", len(found), len(all))
			}
			for k, v := range found {
				if !bytes.Equal(v, values[k]) {
					t.Fatalf("%s has the value of another", k)
				}
			}
			items, err := c.GetItemMulti(ctx, all[:1000])
			if err != nil || len(items) != 1000 {
				t.Errorf("GetItemMulti: %d, %v", len(items), err)
			}
			if err := c.DeleteMulti(ctx, append(absent, all[1:]...)); err != nil {
				t.Fatal(err)
			}
			if found, err := c.GetMulti(ctx, all); err != nil || len(found) != 1 {
				t.Errorf("after DeleteMulti: %d are left, %v", len(found), err)
			}
			var m *cache.MultiError
			if err := c.AddMulti(ctx, values, 0); !errors.As(err, &m) || len(m.Errors) != 1 || !errors.Is(m.Errors[all[0]], cache.ErrNotStored) {
				t.Errorf("AddMulti: %v", err)
			}
		})
	}
}

// TestReplaceMulti: present and absent keys, each with a reply.
func TestReplaceMulti(t *testing.T) {
	c := open(t, ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix")), Timeout: patient})
	all := keys(1000)
	if err := c.SetMulti(t.Context(), valuesOf(all[:500]), 0); err != nil {
		t.Fatal(err)
	}
	values := make(map[string][]byte)
	for _, k := range all {
		values[k] = []byte("new")
	}
	var m *cache.MultiError
	if err := c.ReplaceMulti(t.Context(), values, 0); !errors.As(err, &m) || len(m.Errors) != 500 {
		t.Fatalf("ReplaceMulti: %v", err)
	}
	found, err := c.GetMulti(t.Context(), all)
	if err != nil || len(found) != 500 {
		t.Fatalf("%d found, %v", len(found), err)
	}
	for i, k := range all {
		if got := string(found[k]); i < 500 && got != "new" || i >= 500 && !errors.Is(m.Errors[k], cache.ErrNotStored) {
			t.Errorf("%s: %q, %v", k, got, m.Errors[k])
		}
	}
}

// TestKeysOfAnyValidKind: keys of 250 bytes, and of all bytes that are valid.
func TestKeysOfAnyValidKind(t *testing.T) {
	c := open(t, ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 2, "unix")), Timeout: patient})
	var all []string
	for b := 0x21; b < 0x100; b++ {
		if b != 0x7f {
			all = append(all, string([]byte{byte(b)}), strings.Repeat(string([]byte{byte(b)}), 250))
		}
	}
	if err := c.SetMulti(t.Context(), valuesOf(all), 0); err != nil {
		t.Fatal(err)
	}
	found, err := c.GetMulti(t.Context(), all)
	if err != nil || len(found) != len(all) {
		t.Fatalf("%d of %d, %v", len(found), len(all), err)
	}
	for _, k := range all {
		if v, err := c.Get(t.Context(), k); err != nil || !bytes.Equal(v, valueOf(k)) || !bytes.Equal(found[k], v) {
			t.Errorf("%q: %q, %v", k, v, err)
		}
	}
}
