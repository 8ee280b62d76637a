package memory

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

var ctx = context.Background()

func newCache(t testing.TB, c Config) *cache.Cache {
	t.Helper()
	m, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

// newDriver is for tests that look inside.
func newDriver(c Config) *store {
	if c.Buckets == 0 {
		c.Buckets = DefaultBuckets
	}
	if c.BucketInterval == 0 {
		c.BucketInterval = DefaultBucketInterval
	}
	return newStore(c)
}

func (s *store) mustSet(t testing.TB, key, value string, ttl time.Duration) {
	t.Helper()
	if err := s.Store(ctx, driver.Set, driver.Entry{Key: key, Value: []byte(value), TTL: ttl}); err != nil {
		t.Fatalf("set %s: %v", key, err)
	}
}

func (s *store) wantGet(t testing.TB, key, value string) {
	t.Helper()
	if v, err := s.Get(ctx, key); err != nil || string(v) != value {
		t.Fatalf("get %s: %.99q of %d bytes, %v; want %.99q of %d", key, v, len(v), err, value, len(value))
	}
}

func (s *store) wantMiss(t testing.TB, key string) {
	t.Helper()
	if v, err := s.Get(ctx, key); err != driver.ErrMiss || v != nil {
		t.Fatalf("get %s: %q, %v; want a miss", key, v, err)
	}
}

func (s *store) stats() driver.Stats {
	st, _ := s.Stats(ctx)
	return st
}

func TestReturnedBytesStay(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "k", "one", 0)
	v, _ := s.Get(ctx, "k")
	s.mustSet(t, "k", "two", 0)
	w, _ := s.Get(ctx, "k")
	_ = s.Delete(ctx, "k")
	s.mustSet(t, "k", "333", 0)
	_ = append(v, "over the neighbors"...)
	if string(v) != "one" || string(w) != "two" {
		t.Errorf("the bytes changed: %q, %q", v, w)
	}
	s.wantGet(t, "k", "333")
}

// The empty value of the last record of a slab must not point behind the slab.
func TestEmptyValuePointsNowhere(t *testing.T) {
	s := newDriver(Config{})
	for i := range 5000 {
		k := fmt.Sprintf("%015d", i) // records of 32 bytes fill a slab to its end
		s.mustSet(t, k, "", 0)
		v, err := s.Get(ctx, k)
		if err != nil || v == nil {
			t.Fatalf("%s: %v, %v", k, v, err)
		}
		r := s.search(s.hash(k), k)
		if uintptr(unsafe.Pointer(unsafe.SliceData(v))) == uintptr(unsafe.Pointer(r))+32 {
			t.Fatalf("%s: the value lies at the end of its record", k)
		}
	}
}

func TestCollisions(t *testing.T) {
	for _, mask := range []uint64{0, 0xff, 0xf << 60} {
		s := newDriver(Config{CheckReads: true})
		s.hashMask = mask
		const n = 500
		for i := range n {
			s.mustSet(t, fmt.Sprint("k", i), fmt.Sprint("v", i), 0)
		}
		for i := range n {
			s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
		}
		s.wantMiss(t, "other")
		for i := 0; i < n; i += 2 {
			if err := s.Delete(ctx, fmt.Sprint("k", i)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range n {
			if i%2 == 0 {
				s.wantMiss(t, fmt.Sprint("k", i))
			} else {
				s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
			}
		}
	}
}

// Nobody takes a table that was replaced for the current one.
func TestReplacedTableIsMarked(t *testing.T) {
	s := newDriver(Config{})
	for i := range 100 {
		s.mustSet(t, fmt.Sprint("k", i), "v", 0)
	}
	for i := range s.shards {
		sh := &s.shards[i]
		old := sh.index.tables[0].Load()
		if old == nil {
			continue
		}
		sh.index.rebuild(old)
		for _, g := range old.groups {
			for i, w := range g {
				if i == 0 && w != moved || i > 0 && w != gone {
					t.Fatalf("word %d is %x", i, w)
				}
			}
		}
	}
	for i := range 100 {
		s.wantGet(t, fmt.Sprint("k", i), "v")
	}
	s.consistent(t)
}

func TestStatsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		done := make(chan bool)
		for g := range 4 {
			go func() {
				for i := range 1000 {
					k := fmt.Sprint("k", g, "-", i)
					s.mustSet(t, k, "v", time.Minute)
					_, _ = s.Get(ctx, k)
					_, _ = s.GetItem(ctx, "no"+k)
				}
				done <- true
			}()
		}
		for range 4 {
			<-done
		}
		_ = s.Store(ctx, driver.Add, driver.Entry{Key: "k0-0", Value: []byte("x")})
		_ = s.Delete(ctx, "k0-0")
		s.mustSet(t, "n", "1", time.Minute)
		_, _ = s.Increment(ctx, "n", 1)
		time.Sleep(time.Minute)
		_, _ = s.Get(ctx, "k0-1")
		want := driver.Stats{Hits: 4000, Misses: 4001, Writes: 4002, Entries: 4000}
		st := s.stats()
		st.Bytes = 0
		if !reflect.DeepEqual(st, want) {
			t.Errorf("got %+v, want %+v", st, want)
		}
		for range 100 {
			time.Sleep(DefaultBucketInterval / 10)
			s.mustSet(t, "other", "v", 0)
		}
		st = s.stats()
		if st.Entries != 1 || st.Expirations != 4000 {
			t.Errorf("after expiry: %+v", st)
		}
	})
}

func TestLargeValues(t *testing.T) {
	s := newDriver(Config{})
	for _, n := range []int{0, 1, 1000, 10_000, 100_000, 1 << 20, 10 << 20} {
		s.mustSet(t, fmt.Sprint(n), strings.Repeat("x", n), 0)
	}
	for _, n := range []int{0, 1, 1000, 10_000, 100_000, 1 << 20, 10 << 20} {
		s.wantGet(t, fmt.Sprint(n), strings.Repeat("x", n))
	}
	b := newDriver(Config{MaxBytes: 1 << 20})
	b.mustSet(t, "k", "small", 0)
	err := b.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: make([]byte, 1<<20)})
	if !errors.Is(err, driver.ErrTooLarge) || !strings.Contains(err.Error(), "1048594 bytes with its key and header, at most 524288 allowed, half of MaxBytes") {
		t.Errorf("1 MiB in 1 MiB: %v", err)
	}
	b.wantGet(t, "k", "small")
}
