package valkey_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// magic is the end of a mark.
const magic = "\xfeLR\xff"

// TestStored: the server holds the bytes that were set, under the key with its prefix, with
// the TTL.
func TestStored(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "unix")
		c := open(t, valkey.Config{Servers: []string{s.Addr()}, Prefix: "p:", Timeout: patient})
		ctx := t.Context()
		is := func(what, key, want string) {
			t.Helper()
			if got := raw(t, s, "p:"+key); got != want {
				t.Errorf("after %s the server has %.60q, want %.60q", what, got, want)
			}
		}
		set := func(key, value string, ttl time.Duration) {
			t.Helper()
			if err := c.Set(ctx, key, []byte(value), ttl); err != nil {
				t.Fatal(err)
			}
		}
		for _, v := range []string{"", "v", "007", "\xff\xfe", strings.Repeat("x", 5000)} {
			set("k", v, 0)
			is("Set", "k", v)
			if err := errors.Join(c.Delete(ctx, "k"), c.Add(ctx, "k", []byte(v), 0), c.Replace(ctx, "k", []byte(v), 0)); err != nil {
				t.Error(err)
			}
			is("Add and Replace", "k", v)
		}
		if ttl := s.Do("PTTL", "p:k").(int64); ttl != -1 {
			t.Errorf("PTTL of a key without one: %d", ttl)
		}
		set("k", "v", time.Hour+time.Microsecond)
		if ttl := s.Do("PTTL", "p:k").(int64); ttl <= 3_590_000 || ttl > 3_600_001 {
			t.Errorf("PTTL of an hour: %d", ttl)
		}
		if _, err := c.IncrementFrom(ctx, "n", 5, 2, time.Hour); err != nil {
			t.Error(err)
		}
		is("IncrementFrom", "n", "7")

		// Reading an item marks it, once; any store drops the mark.
		it, err := c.GetItem(ctx, "k")
		if err != nil || string(it.Value) != "v" {
			t.Errorf("GetItem: %q, %v", it.Value, err)
		}
		if ttl, known := it.TTL(); !known || ttl <= 3590*time.Second || ttl > time.Hour+time.Millisecond {
			t.Errorf("GetItem: TTL %v, known %v", ttl, known)
		}
		marked := raw(t, s, "p:k")
		if len(marked) != 17 || !strings.HasPrefix(marked, "v") || !strings.HasSuffix(marked, magic) {
			t.Errorf("after GetItem the server has %q, want a mark", marked)
		}
		if ttl := s.Do("PTTL", "p:k").(int64); ttl <= 3_590_000 {
			t.Errorf("GetItem changed the TTL to %d", ttl)
		}
		if v, err := c.Get(ctx, "k"); err != nil || string(v) != "v" {
			t.Errorf("Get of what is marked: %q, %v", v, err)
		}
		if _, err := c.GetItem(ctx, "k"); err != nil {
			t.Error(err)
		}
		is("a second GetItem", "k", marked)
		if err := c.Touch(ctx, "k", 0); err != nil {
			t.Error(err)
		}
		is("Touch", "k", marked)
		if v, err := c.GetAndTouch(ctx, "k", time.Minute); err != nil || string(v) != "v" {
			t.Errorf("GetAndTouch of what is marked: %q, %v", v, err)
		}
		is("GetAndTouch", "k", marked)
		if err := c.CompareAndSwap(ctx, it, []byte("w"), 0); err != nil {
			t.Error(err)
		}
		is("CompareAndSwap", "k", "w")
		if _, err := c.GetItem(ctx, "n"); err != nil {
			t.Error(err)
		}
		if _, err := c.Increment(ctx, "n", 0); err != nil {
			t.Error(err)
		}
		is("Increment of what was marked", "n", "7")
	})
}

// TestLease: a value that takes the place of a lease is as it would have been set.
func TestLease(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	c := open(t, config(s))
	ctx := t.Context()
	lease, added, err := c.GetOrAdd(ctx, "page", nil, time.Minute)
	if err != nil || !added || len(lease.Value) != 0 {
		t.Fatalf("GetOrAdd of an absent key: %q, added %v, %v", lease.Value, added, err)
	}
	if got := raw(t, s, "page"); len(got) != 16 || !strings.HasSuffix(got, magic) {
		t.Errorf("a lease is %q on the server, want a mark", got)
	}
	again, added, err := c.GetOrAdd(ctx, "page", []byte("other"), 0)
	if err != nil || added || len(again.Value) != 0 {
		t.Errorf("GetOrAdd of a lease: %q, added %v, %v", again.Value, added, err)
	}
	if ttl, known := again.TTL(); !known || ttl <= 50*time.Second || ttl > time.Minute {
		t.Errorf("the lease lives for %v, known %v", ttl, known)
	}
	if err := c.CompareAndSwap(ctx, lease, []byte("<html>"), time.Hour); err != nil {
		t.Error(err)
	}
	if got := raw(t, s, "page"); got != "<html>" {
		t.Errorf("after a load the server has %q", got)
	}
	if err := c.CompareAndSwap(ctx, again, []byte("late"), 0); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("CompareAndSwap of a lease that is over: %v", err)
	}
}

// TestMarkedValues: a value that ends like a mark, or is one, comes back as it was set.
func TestMarkedValues(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	c := open(t, config(s))
	ctx := t.Context()
	mark := strings.Repeat("r", 12) + magic
	for v, plain := range map[string]bool{
		"v" + mark: false, mark: false, mark + mark: false, magic: true, mark[1:]: true, "v" + magic: true, mark + "v": true,
	} {
		for name, store := range map[string]func() error{
			"Set": func() error { return c.Set(ctx, "k", []byte(v), 0) },
			"CompareAndSwap": func() error {
				it, _, err := c.GetOrAdd(ctx, "k", []byte("old"), 0)
				return errors.Join(err, c.CompareAndSwap(ctx, it, []byte(v), 0))
			},
		} {
			if err := store(); err != nil {
				t.Fatal(err)
			}
			if is := raw(t, s, "k") == v; is != plain {
				t.Errorf("after %s, %q is stored as it is: %v, want %v", name, v, is, plain)
			}
			for range 2 {
				if got, err := c.Get(ctx, "k"); err != nil || string(got) != v {
					t.Errorf("Get of %q: %q, %v", v, got, err)
				}
				if it, err := c.GetItem(ctx, "k"); err != nil || string(it.Value) != v {
					t.Errorf("GetItem of %q: %q, %v", v, it.Value, err)
				}
			}
		}
		if err := c.Delete(ctx, "k"); err != nil {
			t.Error(err)
		}
		if it, added, err := c.GetOrAdd(ctx, "k", []byte(v), 0); err != nil || !added || string(it.Value) != v {
			t.Errorf("GetOrAdd of %q: %q, added %v, %v", v, it.Value, added, err)
		}
		if got, err := c.Get(ctx, "k"); err != nil || string(got) != v {
			t.Errorf("Get of %q that was added: %q, %v", v, got, err)
		}
	}
}

// TestCounts compares counting on the server with Go's, at the edges and at random.
func TestCounts(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "unix")
		c := open(t, config(s))
		ctx := t.Context()
		edges := []uint64{0, 1, 9, 10, 999_999_999, 1e9, 1e10 - 1, 1e10, 1e15 - 1, 1e15, 1<<53 - 1, 1 << 53, 1<<53 + 1,
			1<<63 - 1, 1 << 63, math.MaxUint64 - 1e10, math.MaxUint64 - 1, math.MaxUint64}
		number := func() uint64 {
			if rand.IntN(2) == 0 {
				return edges[rand.IntN(len(edges))] + uint64(rand.IntN(3)) - 1
			}
			return rand.Uint64() >> rand.IntN(64)
		}
		check := func(n, delta uint64) {
			if err := c.Set(ctx, "n", strconv.AppendUint(nil, n, 10), 0); err != nil {
				t.Fatal(err)
			}
			if rand.IntN(4) == 0 {
				if _, err := c.GetItem(ctx, "n"); err != nil { // marks it
					t.Fatal(err)
				}
			}
			if got, err := c.Increment(ctx, "n", delta); err != nil || got != n+delta {
				t.Errorf("%d and %d is %d, %v; want %d", n, delta, got, err, n+delta)
			}
			got, err := c.Decrement(ctx, "n", n)
			if want := n + delta - min(n+delta, n); err != nil || got != want {
				t.Errorf("%d less %d is %d, %v; want %d", n+delta, n, got, err, want)
			}
			if v := raw(t, s, "n"); v != strconv.FormatUint(got, 10) {
				t.Errorf("the server has %q, want %d", v, got)
			}
		}
		for _, n := range edges {
			for _, d := range edges {
				check(n, d)
			}
		}
		random := 300
		if *every {
			random = 30_000
		}
		for range random {
			check(number(), number())
		}
		for _, v := range []string{"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "18446744073709551616", digits(20), digits(400), "1" + magic} {
			if err := c.Set(ctx, "n", []byte(v), 0); err != nil {
				t.Fatal(err)
			}
			if n, err := c.Increment(ctx, "n", 1); !errors.Is(err, cache.ErrNotNumber) {
				t.Errorf("Increment of %.40q: %d, %v", v, n, err)
			}
		}
		zeros := strings.Repeat("0", 300) + "41"
		if err := c.Set(ctx, "n", []byte(zeros), 0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Increment(ctx, "n", 1); err != nil || n != 42 {
			t.Errorf("Increment of 00...041: %d, %v", n, err)
		}
	})
}
