package memory

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A search for expired entries stops in the middle of a slab; before it goes on, the
// slab is dropped and its number given to another, where the records lie elsewhere.
func TestSweepResumesInAnotherSlab(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{MaxEntries: 512}) // one shard
		defer s.Close()
		if len(s.shards) != 1 {
			t.Fatalf("%d shards, want 1", len(s.shards))
		}
		sh := &s.shards[0]
		s.nextLook.Store(math.MaxInt64) // stores do not sweep
		fill := func(value string) {
			for i := range 200 {
				s.mustSet(t, fmt.Sprint("key", i), value, time.Second)
			}
			time.Sleep(2 * time.Second)
		}
		sweep := func(budget int) bool {
			sh.mu.Lock()
			defer sh.mu.Unlock()
			return sh.sweep(uint64(s.clock.precise()), &budget)
		}
		fill("v")
		if sweep(10) {
			t.Fatal("the sweep is done, want it in the middle")
		}
		sh.clear(false)
		fill(strings.Repeat("larger", 20))
		for !sweep(1000) {
		}
		if st := s.stats(); st.Entries != 0 {
			t.Errorf("%d expired entries are left, want none", st.Entries)
		}
	})
}

// Versions begin again after 2^24 stores; a count keeps the deadline.
func TestTokenAfterAllVersions(t *testing.T) {
	s := newDriver(Config{MaxEntries: 512})
	defer s.Close()
	s.mustSet(t, "n", "1", time.Hour)
	it, err := s.GetItem(ctx, "n")
	if err != nil {
		t.Fatal(err)
	}
	s.shards[0].version += 1<<24 - 1
	if _, err := s.Increment(ctx, "n", 1); err != nil {
		t.Fatal(err)
	}
	if err := s.CompareAndSwap(ctx, it.Token, driver.Entry{Key: "n"}); !errors.Is(err, driver.ErrConflict) {
		t.Errorf("compare and swap: %v, want ErrConflict", err)
	}
}

// The search stops in the middle of a slab; before it goes on, all that lay there is
// deleted, and the slab, from which nobody has read, begins again.
func TestSweepResumesInASlabUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{MaxEntries: 512}) // one shard
		defer s.Close()
		sh := &s.shards[0]
		s.nextLook.Store(math.MaxInt64) // stores do not sweep
		const n = 50
		fill := func(value string) {
			for i := range n {
				s.mustSet(t, fmt.Sprint("key", i), value, time.Second)
			}
			time.Sleep(2 * time.Second)
		}
		sweep := func(budget int) bool {
			sh.mu.Lock()
			defer sh.unlock()
			return sh.sweep(uint64(s.clock.precise()), &budget)
		}
		fill("v")
		open := sh.log.main.open
		if sweep(10) {
			t.Fatal("the sweep is done, want it in the middle")
		}
		for i := range n {
			_ = s.Delete(ctx, fmt.Sprint("key", i)) // some have been found already
		}
		fill("a longer one")
		if sh.log.main.open != open {
			t.Fatal("the slab was not used again")
		}
		for !sweep(1000) {
		}
		if st := s.stats(); st.Entries != 0 {
			t.Errorf("%d expired entries are left, want none", st.Entries)
		}
	})
}
