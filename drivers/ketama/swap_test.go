package ketama_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// two reads of k and l, and their deletes on the same connection.
var (
	readTwo = memcachedtest.Step{
		Expect: request(get, 0, "", "k", "") + message(requestMagic, get, 0, 1, 0, "", "l", ""),
		Reply: message(replyMagic, get, ok, 0, 77, bytesFlags, "k", "1") +
			message(replyMagic, get, ok, 1, 78, bytesFlags, "l", "2"),
	}
	deleteTwo = message(requestMagic, remove, 0, 2, 77, "", "k", "") + message(requestMagic, remove, 0, 3, 78, "", "l", "")
)

func deleted(status uint16, opaque uint32) string {
	return message(replyMagic, remove, status, opaque, 0, "", "", "")
}

// twoItems reads k and l.
func twoItems(t *testing.T, c *cache.Cache) []cache.Item {
	t.Helper()
	items, err := c.GetItemMulti(t.Context(), []string{"k", "l"})
	if err != nil {
		t.Fatal(err)
	}
	return []cache.Item{items["k"], items["l"]}
}

// TestManyDeletes: each with a CAS id, and each with a reply.
func TestManyDeletes(t *testing.T) {
	for name, tt := range map[string]struct {
		reply string
		want  map[string]error
	}{
		"both":             {deleted(ok, 2) + deleted(ok, 3), nil},
		"changed and gone": {deleted(exists, 2) + deleted(miss, 3), map[string]error{"k": cache.ErrConflict, "l": cache.ErrMiss}},
		"one changed":      {deleted(ok, 2) + deleted(exists, 3), map[string]error{"l": cache.ErrConflict}},
		"a refusal":        {deleted(0x85, 2) + deleted(ok, 3), map[string]error{"k": cache.ErrUnavailable}},
		"of another":       {deleted(ok, 3) + deleted(ok, 2), map[string]error{"k": cache.ErrUnavailable, "l": cache.ErrUnavailable}},
		"not both":         {deleted(ok, 2) + deleted(ok, 2), map[string]error{"l": cache.ErrUnavailable}},
	} {
		f := fake(t, []memcachedtest.Step{readTwo, {Expect: deleteTwo, Reply: tt.reply}})
		c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
		err := c.CompareAndDeleteMulti(t.Context(), twoItems(t, c))
		memcachedtest.FailedWith(t, name, err, tt.want)
		if errors.Is(err, cache.ErrUnavailable) {
			isOutage(t, err, cache.OpCompareAndDeleteMulti, f.Addr())
		}
	}
}

// Many swaps are one request, and so are adds with the gets of the same keys.
func TestBatchesAreOneRequest(t *testing.T) {
	swap := func(opaque uint32, cas uint64, key, value string) string {
		return message(requestMagic, set, 0, opaque, cas, bytesFlags+minute, key, value)
	}
	stored := func(status uint16, opaque uint32) string {
		return message(replyMagic, set, status, opaque, 90, "", "", "")
	}
	f := fake(t, []memcachedtest.Step{
		readTwo,
		{Expect: swap(2, 77, "k", "x") + swap(3, 78, "l", "y"), Reply: stored(ok, 2) + stored(exists, 3)},
		{
			Expect: message(requestMagic, add, 0, 4, 0, bytesFlags+minute, "l", "x") + message(requestMagic, get, 0, 5, 0, "", "l", ""),
			Reply:  message(replyMagic, add, exists, 4, 0, "", "", "") + message(replyMagic, get, ok, 5, 78, bytesFlags, "l", "2"),
		},
		{
			Expect: message(requestMagic, getAndTouch, 0, 6, 0, minute, "k", ""),
			Reply:  message(replyMagic, getAndTouch, ok, 6, 90, bytesFlags, "k", "x"),
		},
	})
	c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
	ctx := t.Context()
	old := twoItems(t, c)
	for _, it := range old {
		if _, known := it.TTL(); known {
			t.Errorf("the remaining TTL of %s is known, which the protocol does not tell", it.Key)
		}
	}
	err := c.CompareAndSwapMulti(ctx, []cache.Swap{
		{Old: old[0], Value: []byte("x"), TTL: time.Minute}, {Old: old[1], Value: []byte("y"), TTL: time.Minute},
	})
	memcachedtest.FailedWith(t, "CompareAndSwapMulti", err, map[string]error{"l": cache.ErrConflict})
	items, added, err := c.GetOrAddMulti(ctx, map[string][]byte{"l": []byte("x")}, time.Minute)
	if err != nil || string(items["l"].Value) != "2" || len(added) != 0 {
		t.Errorf("GetOrAddMulti: %v, added %v, error %v; want l found", items, added, err)
	}
	if v, err := c.GetAndTouch(ctx, "k", time.Minute); err != nil || string(v) != "x" {
		t.Errorf("GetAndTouch: %q, error %v", v, err)
	}
}

// TestManyDeletesCut: keys with a reply have its result, the others are an outage, and nothing is
// sent twice.
func TestManyDeletesCut(t *testing.T) {
	whole := deleted(exists, 2) + deleted(ok, 3)
	for n := range len(whole) {
		f := fake(t, []memcachedtest.Step{readTwo, {Expect: deleteTwo, Reply: whole[:n], Close: true}})
		c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
		want := map[string]error{"k": cache.ErrUnavailable, "l": cache.ErrUnavailable}
		if n >= len(whole)/2 {
			want["k"] = cache.ErrConflict
		}
		memcachedtest.FailedWith(t, "cut", c.CompareAndDeleteMulti(t.Context(), twoItems(t, c)), want)
		if n := f.Accepted(); n != 1 {
			t.Errorf("cut after %d bytes: %d connections, want 1", n, n)
		}
		noneOpen(t, f)
	}
}

// TestManyDeletesEndWithTheContext: on a server that does not reply.
func TestManyDeletesEndWithTheContext(t *testing.T) {
	for _, want := range []error{context.Canceled, context.DeadlineExceeded} {
		f := fake(t, []memcachedtest.Step{readTwo, {Expect: deleteTwo}})
		c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
		old := twoItems(t, c)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if want == context.Canceled {
			ctx, cancel = context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
		}
		start := time.Now()
		err := c.CompareAndDeleteMulti(ctx, old)
		cancel()
		memcachedtest.FailedWith(t, "during", err, map[string]error{"k": want, "l": want})
		isNamed(t, err, cache.OpCompareAndDeleteMulti, f.Addr())
		bounded(t, start)
		noneOpen(t, f) // replies may be under way
	}
}

// TestManyDeletesOverServers: more than a window, on several servers, of which one goes
// down.
func TestManyDeletesOverServers(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "unix")
	c := open(t, ketama.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient})
	ctx := t.Context()
	all := keys(3000)
	for _, down := range []bool{false, true} {
		if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
			t.Fatal(err)
		}
		on := held(t, servers[1], all)
		items, err := c.GetItemMulti(ctx, all)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.SetMulti(ctx, valuesOf(all[:100]), 0); err != nil {
			t.Fatal(err)
		}
		if err := c.DeleteMulti(ctx, all[100:200]); err != nil {
			t.Fatal(err)
		}
		want, left := map[string]error{}, 0
		old := make([]cache.Item, len(all))
		for i, k := range all {
			old[i] = items[k]
			switch {
			case down && on[k]:
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
		found, err := c.GetMulti(ctx, all)
		if len(found) != left || errors.Is(err, cache.ErrUnavailable) != down {
			t.Errorf("%d are left, %v; want %d", len(found), err, left)
		}
	}
}
