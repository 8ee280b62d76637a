package memory

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"runtime"
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
		t.Fatalf("get %s: %q, %v; want %q", key, v, err, value)
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
	_ = append(v, "over the neighbours"...)
	if string(v) != "one" || string(w) != "two" {
		t.Errorf("the bytes changed: %q, %q", v, w)
	}
	s.wantGet(t, "k", "333")
}

// The empty value of the last record of a slab must not point behind the slab.
func TestEmptyValuePointsNowhere(t *testing.T) {
	s := newDriver(Config{})
	for i := range 5000 {
		k := fmt.Sprintf("%016d", i) // records of 32 bytes fill a slab to its end
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

func TestGrowAndShrink(t *testing.T) { synctest.Test(t, growAndShrink) }

func growAndShrink(t *testing.T) {
	s := newDriver(Config{})
	const n = 50_000
	for i := range n {
		s.mustSet(t, fmt.Sprint("k", i), fmt.Sprint("v", i), 0)
	}
	for i := range n {
		s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
	}
	full := s.stats()
	if full.Entries != n || full.Bytes > n*(30+16+16) {
		t.Errorf("full: %+v", full)
	}
	for i := range n {
		if i%100 == 0 {
			continue
		}
		if err := s.Delete(ctx, fmt.Sprint("k", i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n {
		if i%100 == 0 {
			s.wantGet(t, fmt.Sprint("k", i), fmt.Sprint("v", i))
		} else {
			s.wantMiss(t, fmt.Sprint("k", i))
		}
	}
	// The sweep that goes with stores, to whatever key, moves records together as well.
	for range 200 {
		time.Sleep(DefaultBucketInterval / DefaultBuckets)
		s.mustSet(t, "one", "key", 0)
	}
	if st := s.stats(); st.Entries != n/100+1 || st.Bytes > full.Bytes/5 {
		t.Errorf("after deleting 99%% of %+v: %+v", full, st)
	}
}

func TestOverwritingTakesNoMemory(t *testing.T) {
	for _, read := range []bool{false, true} {
		s := newDriver(Config{})
		n := 50_000
		for i := range n {
			s.mustSet(t, "key", fmt.Sprint("value", i), time.Hour)
			if read {
				s.wantGet(t, "key", fmt.Sprint("value", i))
			}
		}
		if st := s.stats(); st.Entries != 1 || st.Bytes > 32<<10 {
			t.Errorf("read between: %v: %+v after %d stores", read, st, n)
		}
	}
}

// Nor does overwriting many keys, between two looks of the sweep.
func TestOverwritingManyKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		s.mustSet(t, "first", "", 0) // the look of this time is over
		const n = 20_000
		value := strings.Repeat("v", 100)
		r := rand.New(rand.NewPCG(1, 1))
		var full driver.Stats
		for round := range 5 {
			for i := range n {
				k := fmt.Sprint("k", i)
				if round > 0 {
					k = fmt.Sprint("k", r.IntN(n))
				}
				s.mustSet(t, k, value, 0)
				s.wantGet(t, k, value)
			}
			if round == 0 {
				full = s.stats()
			}
		}
		if st := s.stats(); st.Bytes > full.Bytes*7/4 {
			t.Errorf("filled: %+v, overwritten: %+v", full, st)
		}
		s.consistent(t)
	})
}

// The path of shard.overwrite: as long as nobody reads, a key stays where it is.
func TestOverwriteInPlace(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "k", "0000", 0)
	sh := s.shard(s.hash("k"))
	used := sh.main.head.used
	for i := range 1000 {
		s.mustSet(t, "k", fmt.Sprint(1000+i), 0)
		if _, err := s.Increment(ctx, "k", 1); err != nil {
			t.Fatal(err)
		}
	}
	if sh.main.head.used != used {
		t.Errorf("%d bytes used before, %d after", used, sh.main.head.used)
	}
	v, _ := s.Get(ctx, "k")
	s.mustSet(t, "k", "3000", 0)
	if sh.main.head.used == used || string(v) != "2000" {
		t.Errorf("overwritten in place after a get: %q", v)
	}
}

func TestCollisions(t *testing.T) {
	for _, mask := range []uint64{0, 0xff, 0xf << 60} {
		s := newDriver(Config{CheckReads: true})
		s.hashMask = mask
		const n = 1000
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

func TestCounters(t *testing.T) {
	s := newDriver(Config{})
	for _, c := range []struct {
		value string
		delta uint64
		up    uint64
		down  uint64
		err   error
	}{
		{"9", 1, 10, 9, nil},
		{"99", 1, 100, 99, nil},
		{"0", 0, 0, 0, nil},
		{"007", 1, 8, 7, nil},
		{"18446744073709551615", 1, 0, 0, nil},
		{"18446744073709551615", 2, 1, 0, nil},
		{"18446744073709551616", 1, 0, 0, driver.ErrNotNumber},
		{"99999999999999999999", 1, 0, 0, driver.ErrNotNumber},
		{"", 1, 0, 0, driver.ErrNotNumber},
		{"-1", 1, 0, 0, driver.ErrNotNumber},
		{" 1", 1, 0, 0, driver.ErrNotNumber},
		{"1x", 1, 0, 0, driver.ErrNotNumber},
	} {
		s.mustSet(t, "n", c.value, 0)
		up, err := s.Increment(ctx, "n", c.delta)
		if up != c.up || err != c.err {
			t.Errorf("%q + %d: %d, %v; want %d, %v", c.value, c.delta, up, err, c.up, c.err)
		}
		if err != nil {
			s.wantGet(t, "n", c.value)
			continue
		}
		s.wantGet(t, "n", fmt.Sprint(c.up))
		if down, err := s.Decrement(ctx, "n", c.delta); down != c.down || err != nil {
			t.Errorf("%d - %d: %d, %v; want %d", c.up, c.delta, down, err, c.down)
		}
	}
	if _, err := s.Increment(ctx, "absent", 1); err != driver.ErrMiss {
		t.Errorf("absent: %v", err)
	}
}

func TestTokens(t *testing.T) {
	s := newDriver(Config{})
	const n = 3000
	old := map[string]driver.Item{}
	for i := range n {
		k := fmt.Sprint("k", i)
		s.mustSet(t, k, "a value", time.Hour)
		old[k], _ = s.GetItem(ctx, k)
	}
	// Make compaction move the others.
	for range 10 {
		for i := range n {
			if i%8 != 0 {
				k := fmt.Sprint("k", i)
				s.mustSet(t, k, "a value", time.Hour)
				s.wantGet(t, k, "a value")
			}
		}
	}
	moved := 0
	for i := 0; i < n; i += 8 {
		k := fmt.Sprint("k", i)
		if old[k].Token != s.search(s.hash(k), k) {
			moved++
		}
	}
	if moved == 0 {
		t.Fatal("compaction moved none of the records")
	}
	for i := range n {
		k := fmt.Sprint("k", i)
		err := s.CompareAndSwap(ctx, old[k].Token, driver.Entry{Key: k, Value: []byte("b")})
		if want := map[bool]error{true: nil, false: driver.ErrConflict}[i%8 == 0]; err != want {
			t.Fatalf("%s: %v, want %v", k, err, want)
		}
		if err := s.CompareAndDelete(ctx, k, old[k].Token); err != driver.ErrConflict {
			t.Fatalf("%s: an old token matches: %v", k, err)
		}
	}
	if err := s.CompareAndSwap(ctx, nil, driver.Entry{Key: "k0"}); err != driver.ErrConflict {
		t.Errorf("token of nothing: %v", err)
	}
	item, _ := s.GetItem(ctx, "k1")
	s.mustSet(t, "k1", string(item.Value), 0)
	if err := s.CompareAndDelete(ctx, "k1", item.Token); err != driver.ErrConflict {
		t.Errorf("equal bytes stored again: %v", err)
	}
	s.mustSet(t, "n", "5", 0)
	item, _ = s.GetItem(ctx, "n")
	_, _ = s.Increment(ctx, "n", 0)
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != driver.ErrConflict {
		t.Errorf("increment by 0: %v", err)
	}
	item, _ = s.GetItem(ctx, "n")
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != nil {
		t.Errorf("delete: %v", err)
	}
	if err := s.CompareAndDelete(ctx, "n", item.Token); err != driver.ErrMiss {
		t.Errorf("delete again: %v", err)
	}
}

// Two stores that far apart have equal versions in meta.
func TestVersionOfForeverIsWhole(t *testing.T) {
	a := newHeader(forever, 5, driver.Bytes, 1, 1)
	b := newHeader(forever, 5+1<<24, driver.Bytes, 1, 1)
	if a.meta != b.meta || a == b {
		t.Errorf("%+v, %+v", a, b)
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
		old := sh.tables[0].Load()
		if old == nil {
			continue
		}
		sh.rebuild(old)
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

func TestKindStays(t *testing.T) {
	s := newDriver(Config{})
	_ = s.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: []byte("7"), Kind: driver.Number})
	_, _ = s.Increment(ctx, "k", 5)
	_ = s.Touch(ctx, "k", time.Hour)
	if item, err := s.GetItem(ctx, "k"); err != nil || item.Kind != driver.Number || string(item.Value) != "12" {
		t.Errorf("%+v, %v", item, err)
	}
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

func TestCheckReads(t *testing.T) {
	for name, act := range map[string]func(*cache.Cache) error{
		"get":    func(c *cache.Cache) error { _, err := c.Get(ctx, "key"); return err },
		"set":    func(c *cache.Cache) error { return c.Set(ctx, "key", nil, 0) },
		"delete": func(c *cache.Cache) error { return c.Delete(ctx, "key") },
		"flush":  func(c *cache.Cache) error { return c.Flush(ctx) },
		"close":  func(c *cache.Cache) error { return c.Close() },
	} {
		for _, check := range []bool{true, false} {
			c, err := New(Config{CheckReads: check})
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Set(ctx, "key", []byte("value"), 0)
			v, _ := c.Get(ctx, "key")
			v[0] = 'V'
			func() {
				defer func() {
					msg, _ := recover().(string)
					if check != strings.Contains(msg, `"key"`) {
						t.Errorf("%s, CheckReads %v: panic %q", name, check, msg)
					}
				}()
				if err := act(c); err != nil {
					t.Error(err)
				}
			}()
		}
	}
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newDriver(Config{})
	stop := make(chan bool)
	for g := range 3 {
		go func() {
			defer func() { stop <- true }()
			for i := 0; ; i++ {
				k := fmt.Sprintf("%d-%d", g, i%100)
				err := s.Store(ctx, driver.Set, driver.Entry{Key: k, Value: []byte(k), TTL: time.Hour})
				if errors.Is(err, driver.ErrClosed) {
					return
				}
				if v, err := s.Get(ctx, k); err == nil && string(v) != k {
					t.Errorf("%s: %q", k, v)
				}
			}
		}()
	}
	for s.stats().Entries < 100 {
		runtime.Gosched()
	}
	_ = s.Close()
	for range 3 {
		<-stop
	}
	if st := s.stats(); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("closed: %+v", st)
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		runtime.Gosched()
	}
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
	if err := b.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: make([]byte, 1<<20)}); err != driver.ErrTooLarge {
		t.Errorf("1 MiB in 1 MiB: %v", err)
	}
	b.wantGet(t, "k", "small")
}

// A value that somebody wrote to makes Close panic, but only when all is closed.
func TestCloseOfASpoiltCache(t *testing.T) {
	c, err := New(Config{CheckReads: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := c.Set(ctx, fmt.Sprint("k", i), []byte("v"), 0); err != nil {
			t.Fatal(err)
		}
	}
	v, err := c.Get(ctx, "k0")
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'x'
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Close did not panic")
			}
		}()
		_ = c.Close()
	}()
	for i := range 1000 {
		if _, err := c.Get(ctx, fmt.Sprint("k", i)); !errors.Is(err, cache.ErrClosed) {
			t.Fatalf("Get after Close: error %v, want ErrClosed", err)
		}
	}
}

func TestFlushOfASpoiltCache(t *testing.T) {
	s := newDriver(Config{CheckReads: true})
	for i := range 1000 {
		s.mustSet(t, fmt.Sprint("k", i), "v", 0)
	}
	v, err := s.Get(ctx, "k0")
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'x'
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Flush did not panic")
			}
		}()
		_ = s.Flush(ctx)
	}()
	if st := s.stats(); st.Entries != 0 {
		t.Errorf("%d entries are left, want none", st.Entries)
	}
}
