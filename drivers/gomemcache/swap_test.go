package gomemcache_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

const (
	readTwo      = "gets k l\r\n"
	readTwoReply = "VALUE k 0 1 7\r\na\r\nVALUE l 0 1 8\r\nb\r\nEND\r\n"
	deleteTwo    = "cas k 0 -1 0 7\r\n\r\ncas l 0 -1 0 8\r\n\r\n"
)

func itemsOf(t *testing.T, c *cache.Cache, keys ...string) []cache.Item {
	t.Helper()
	items, err := c.GetItemMulti(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	old := make([]cache.Item, len(keys))
	for i, k := range keys {
		old[i] = items[k]
	}
	return old
}

// Each key has an id and a reply. A key without a reply is an outage, and nothing is
// sent twice.
func TestManyDeletes(t *testing.T) {
	out := cache.ErrUnavailable
	for reply, want := range map[string]map[string]error{
		"STORED\r\nSTORED\r\n":                                    nil,
		"EXISTS\r\nNOT_FOUND\r\n":                                 {"k": cache.ErrConflict, "l": cache.ErrMiss},
		"STORED\r\nEXISTS\r\n":                                    {"l": cache.ErrConflict},
		"SERVER_ERROR out of memory storing object\r\nSTORED\r\n": {"k": out},
		"STORED\r\nSTOR":                                          {"l": out},
		"EXISTS\r\n":                                              {"k": cache.ErrConflict, "l": out},
		"":                                                        {"k": out, "l": out},
		"DELETED\r\nSTORED\r\n":                                   {"k": out, "l": out},
		"STORED\r\nNOT_STORED\r\n":                                {"l": out},
		"STORED\r\nSTORED\r\nSTORED\r\n":                          {"l": out},
		strings.Repeat("x", 5000) + "\r\nSTORED\r\n":              {"k": out, "l": out},
	} {
		f := memcachedtest.StartFake(t, script(
			memcachedtest.Step{Expect: readTwo, Reply: readTwoReply},
			memcachedtest.Step{Expect: deleteTwo, Reply: reply, Close: true}))
		c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
		err := c.CompareAndDeleteMulti(t.Context(), itemsOf(t, c, "k", "l"))
		memcachedtest.FailedWith(t, reply, err, want)
		if errors.Is(err, out) {
			var m *cache.MultiError
			errors.As(err, &m)
			for k, reason := range want {
				if reason == out {
					isOutage(t, m.Errors[k], cache.OpCompareAndDeleteMulti, f.Addr())
				}
			}
		}
		if n := f.Accepted(); n != 1 {
			t.Errorf("%.40q: %d connections, want no second try", reply, n)
		}
	}
}

// Many swaps are one request, and so are adds with the gets of the same keys.
func TestBatchesAreOneRequest(t *testing.T) {
	f := memcachedtest.StartFake(t, script(
		memcachedtest.Step{Expect: readTwo, Reply: readTwoReply},
		memcachedtest.Step{Expect: "cas k 0 60 1 7\r\nx\r\ncas l 0 60 1 8\r\ny\r\n", Reply: "STORED\r\nEXISTS\r\n"},
		memcachedtest.Step{
			Expect: "add l 0 60 1\r\nx\r\ngets l\r\n",
			Reply:  "NOT_STORED\r\nVALUE l 0 1 8\r\nb\r\nEND\r\n",
		},
		memcachedtest.Step{Expect: "gat 60 k\r\n", Reply: "VALUE k 0 1\r\nx\r\nEND\r\n"}))
	c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
	ctx := t.Context()
	old := itemsOf(t, c, "k", "l")
	for _, it := range old {
		if _, known := it.TTL(); known {
			t.Errorf("the remaining TTL of %s is known, which the protocol does not tell", it.Key)
		}
	}
	err := c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: old[0], Value: []byte("x"), TTL: ttl}, {Old: old[1], Value: []byte("y"), TTL: ttl}})
	memcachedtest.FailedWith(t, "CompareAndSwapMulti", err, map[string]error{"l": cache.ErrConflict})
	items, added, err := c.GetOrAddMulti(ctx, map[string][]byte{"l": []byte("x")}, ttl)
	if err != nil || string(items["l"].Value) != "b" || len(added) != 0 {
		t.Errorf("GetOrAddMulti: %v, added %v, error %v; want l found", items, added, err)
	}
	if v, err := c.GetAndTouch(ctx, "k", ttl); err != nil || string(v) != "x" {
		t.Errorf("GetAndTouch: %q, error %v", v, err)
	}
}

// More than one piece, on several servers, of which one goes down.
func TestManyDeletesOverServers(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "unix")
	c := open(t, gomemcache.Config{Servers: memcachedtest.Addrs(servers)})
	ctx := t.Context()
	for _, down := range []bool{false, true} {
		keys, values := fill(t, c, 3000)
		on := keysOf(t, servers[1], keys)
		old := itemsOf(t, c, keys...)
		for _, k := range keys[:100] {
			if err := c.Set(ctx, k, values[k], 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.DeleteMulti(ctx, keys[100:200]); err != nil {
			t.Fatal(err)
		}
		want, left := map[string]error{}, 0
		for i, k := range keys {
			switch {
			case down && slices.Contains(on, k):
				want[k] = cache.ErrUnavailable
			case i < 100:
				want[k] = cache.ErrConflict
				left++
			case i < 200:
				want[k] = cache.ErrMiss
			}
		}
		if down {
			servers[1].Stop()
		}
		memcachedtest.FailedWith(t, "over servers", c.CompareAndDeleteMulti(ctx, old), want)
		found, err := c.GetMulti(ctx, keys)
		if len(found) != left || errors.Is(err, cache.ErrUnavailable) != down {
			t.Errorf("%d are left, %v; want %d", len(found), err, left)
		}
	}
}

func TestServerWithoutCAS(t *testing.T) {
	memcachedtest.WithoutCAS(t, "gomemcache", func(t *testing.T, server string) *cache.Cache {
		return open(t, gomemcache.Config{Servers: []string{server}})
	})
}
