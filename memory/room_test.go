package memory

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/race"
)

// No large value is evicted while the cache has room, whatever shards the keys fall into.
func TestLargeValuesFillTheRoom(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	for _, c := range []struct{ bound, values, length int }{
		{64 << 20, 8, 4 << 20}, {64 << 20, 12, 4 << 20}, {64 << 20, 100, 500_000}, {64 << 10, 12, 4 << 10}, {64 << 10, 100, 450},
	} {
		for range 2 { // the hashes differ
			s := newDriver(Config{MaxBytes: int64(c.bound)})
			value := strings.Repeat("v", c.length)
			for i := range c.values {
				s.mustSet(t, fmt.Sprint("k", i), value, 0)
			}
			for i := range c.values {
				s.wantGet(t, fmt.Sprint("k", i), value)
			}
			if st := s.stats(); st.EvictionsBySize > 0 || st.Bytes > uint64(c.bound) {
				t.Errorf("%d values of %d bytes in %d: %+v; want no evictions", c.values, c.length, c.bound, st)
			}
			s.consistent(t)
			_ = s.Close()
		}
	}
}

// The largest value is half of MaxBytes, on any number of processors.
func TestLargestValue(t *testing.T) {
	for _, bound := range []int64{MinMaxBytes, 1 << 20, 64 << 20} {
		s := newDriver(Config{MaxBytes: bound})
		v := make([]byte, bound/2-headerSize-1)
		if err := s.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: v}); err != nil {
			t.Errorf("MaxBytes %d: a value of %d bytes: %v", bound, len(v), err)
		}
		if got, err := s.Get(ctx, "k"); err != nil || len(got) != len(v) {
			t.Errorf("MaxBytes %d: Get: %d bytes, %v; want %d", bound, len(got), err, len(v))
		}
		if err := s.Store(ctx, driver.Set, driver.Entry{Key: "k", Value: append(v, 0)}); !errors.Is(err, driver.ErrTooLarge) {
			t.Errorf("MaxBytes %d: a value of %d bytes: %v, want ErrTooLarge", bound, len(v)+1, err)
		}
		_ = s.Close()
	}
}

// Large entries can take all the room that many small ones leave, that of the index too.
func TestIndexGivesItsRoomBack(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	const bound, large = 8 << 20, 1500 // of 4,100 bytes: three quarters of the bound
	s := newDriver(Config{MaxBytes: bound})
	for i := range 70_000 {
		s.mustSet(t, fmt.Sprint("small", i), "0123456789abcdef", 0)
	}
	index := func() (n int) {
		for i := range s.shards {
			n += s.shards[i].index.bytes
		}
		return n
	}
	peak := index()
	value := strings.Repeat("v", 4<<10)
	hits := 0
	for round := range 3 {
		hits = 0
		for i := range large {
			k := fmt.Sprint("large", i)
			if _, err := s.Get(ctx, k); err == nil {
				hits++
			} else {
				s.mustSet(t, k, value, 0)
			}
			peak = max(peak, index())
		}
		t.Logf("round %d: %d of %d hit, the index takes %d bytes, at most %d", round, hits, large, index(), peak)
	}
	if hits < large {
		t.Errorf("%d of %d large values hit, want all", hits, large)
	}
	// A quarter of the bound is left, which small entries may take.
	if n := index(); n > peak/2 {
		t.Errorf("the index takes %d bytes, want at most half of the %d that it had", n, peak)
	}
	s.consistent(t)
}

// Small entries that were read, and are not any more, make room for large ones: one of those
// takes the place of many, and so may pass by as many.
func TestSmallEntriesMakeRoomForLargeOnes(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	const bound, large = 4 << 20, 700 // of 4,100 bytes: two thirds of the bound
	s := newDriver(Config{MaxBytes: bound})
	r := rand.New(rand.NewPCG(1, 2))
	phase := func(name string, keys, requests int, value string) (hits int) {
		for range requests {
			k := fmt.Sprint(name, r.IntN(keys))
			if _, err := s.Get(ctx, k); err == nil {
				hits++
			} else {
				s.mustSet(t, k, value, 0)
			}
		}
		return hits
	}
	phase("small", 170_000, 400_000, "0123456789abcdef")
	value := strings.Repeat("v", 4<<10)
	phase("large", large, 8*large, value)
	if hits := phase("large", large, large, value); hits < large/2 {
		t.Errorf("%d of %d large values hit, want half or more", hits, large)
	}
	s.consistent(t)
}

// Counting is a use of an entry: under pressure counters stay as keys that are read do.
func TestCountingIsAUse(t *testing.T) {
	s := newDriver(Config{MaxEntries: 1000})
	r := rand.New(rand.NewPCG(1, 1))
	const counted = 50
	lost, missed := 0, 0
	for i := range 40_000 {
		k := fmt.Sprint("pressure", r.IntN(2000))
		if _, err := s.Get(ctx, k); err != nil {
			s.mustSet(t, k, "v", 0)
		}
		if i%4 > 0 {
			continue
		}
		k = fmt.Sprint("counter", i/4%counted)
		if _, err := s.Increment(ctx, k, 1); err != nil {
			lost++
			s.mustSet(t, k, "0", 0)
		}
		k = fmt.Sprint("read", i/4%counted)
		if _, err := s.Get(ctx, k); err != nil {
			missed++
			s.mustSet(t, k, "0", 0)
		}
	}
	t.Logf("%d counters lost, %d keys that are read", lost, missed)
	if lost > 2*missed+counted {
		t.Errorf("%d counters lost, %d keys that are read", lost, missed)
	}
}

// Shards that take room from each other at once keep the bound and lose none of it.
func TestRoomUnderContention(t *testing.T) {
	s := newDriver(Config{MaxBytes: 64 << 20, MaxEntries: 5000})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 1500 {
				k := fmt.Sprint(g, "-", i)
				v := make([]byte, 100)
				if i%50 == 0 {
					v = make([]byte, 1<<20+i*100)
				}
				if err := s.Store(ctx, driver.Set, driver.Entry{Key: k, Value: v}); err != nil {
					t.Error(err)
				}
				if i%3 == 0 {
					_ = s.Delete(ctx, fmt.Sprint(g, "-", i/2))
				}
			}
		})
	}
	wg.Wait()
	if st := s.stats(); st.Bytes > 64<<20 || st.Entries > 5000 {
		t.Errorf("Stats: %+v, want at most 64 MiB and 5,000 entries", st)
	}
	s.consistent(t)
}
