package memory

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// churn stores n values of 100 bytes and deletes each before the next.
func (s *store) churn(t *testing.T, n int) {
	t.Helper()
	value := bytes.Repeat([]byte{'x'}, 100)
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = fmt.Sprint("churn", i)
	}
	for i := range n {
		k := keys[i%len(keys)]
		if err := s.Store(ctx, driver.Add, driver.Entry{Key: k, Value: value, TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMemoryThatNobodyReadIsUsedAgain(t *testing.T) {
	s := newDriver(Config{})
	s.nextLook.Store(math.MaxInt64) // a sweep would drop the empty slabs
	s.churn(t, 10_000)
	var open []*slab
	for i := range s.shards {
		open = append(open, s.shards[i].log.main.open)
	}
	s.churn(t, 100_000)
	for i := range s.shards {
		if s.shards[i].log.main.open != open[i] {
			t.Errorf("shard %d has taken a new slab, though nothing lives in the old one", i)
		}
	}
	s.consistent(t)
}

func TestMemoryThatWasReadIsNotUsedAgain(t *testing.T) {
	s := newDriver(Config{})
	held := map[string][]byte{}
	for i := range 500 {
		k := fmt.Sprint("k", i)
		s.mustSet(t, k, "value of "+k, time.Hour)
		v, err := s.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		held[k] = v
		if err := s.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	s.churn(t, 5_000)
	for k, v := range held {
		if string(v) != "value of "+k {
			t.Fatalf("what Get returned for %s has become %q", k, v)
		}
	}
	s.consistent(t)
}

func TestHas(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "present", "v", 0)
	s.mustSet(t, "expired", "v", time.Nanosecond)
	for k, want := range map[string]bool{"present": true, "expired": false, "absent": false, "": false, "no key\n": false} {
		if got := s.Has(k); got != want {
			t.Errorf("Has(%q) = %v, want %v", k, got, want)
		}
	}
	if st := s.stats(); st.Hits != 0 || st.Misses != 0 {
		t.Errorf("Has counted as a get: %+v", st)
	}
}

// Small tables have room for one entry more or less: a lock that comes and goes does not
// make the index grow and shrink each time.
func TestLocksLeaveTheIndexAlone(t *testing.T) {
	for stay := range 40 {
		s := newDriver(Config{MaxEntries: 512}) // one shard
		s.nextLook.Store(math.MaxInt64)
		for i := range 40 {
			s.mustSet(t, fmt.Sprint("stay", i), "v", 0)
		}
		for i := stay; i < 40; i++ {
			if err := s.Delete(ctx, fmt.Sprint("stay", i)); err != nil {
				t.Fatal(err)
			}
		}
		lock := driver.Entry{Key: "lock", Value: []byte("v")}
		if n := testing.AllocsPerRun(100, func() {
			_ = s.Store(ctx, driver.Add, lock)
			_ = s.Delete(ctx, "lock")
		}); n > 0 {
			t.Errorf("add and delete beside %d entries: %v allocations, want none", stay, n)
		}
	}
}
