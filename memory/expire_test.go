package memory

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/race"
)

func TestTTL(t *testing.T) {
	for _, ttl := range []time.Duration{
		1, time.Microsecond, time.Millisecond, resolution - 1, resolution, resolution + 1, 999 * time.Millisecond,
		time.Second, margin + resolution, time.Minute, time.Hour, 24 * time.Hour, 31 * 24 * time.Hour, 100 * 365 * 24 * time.Hour,
	} {
		synctest.Test(t, func(t *testing.T) {
			s := newDriver(Config{})
			s.mustSet(t, "before", "x", time.Hour)
			time.Sleep(3 * time.Millisecond)
			s.mustSet(t, "k", "v", ttl)
			s.mustSet(t, "n", "1", ttl)
			s.wantGet(t, "k", "v")
			early := time.Duration(1)
			if ttl >= longTTL {
				early = resolution // see store.moment
			}
			time.Sleep(ttl - early)
			s.wantGet(t, "k", "v")
			if _, err := s.Increment(ctx, "n", 1); err != nil {
				t.Errorf("%v: increment: %v", ttl, err)
			}
			if err := s.Store(ctx, driver.Add, driver.Entry{Key: "k"}); err != driver.ErrNotStored {
				t.Errorf("%v: add: %v", ttl, err)
			}
			time.Sleep(early)
			s.wantMiss(t, "k")
			if _, err := s.GetItem(ctx, "k"); err != driver.ErrMiss {
				t.Errorf("%v: get item: %v", ttl, err)
			}
			if err := s.Touch(ctx, "k", 0); err != driver.ErrMiss {
				t.Errorf("%v: touch: %v", ttl, err)
			}
			if _, err := s.Increment(ctx, "n", 1); err != driver.ErrMiss {
				t.Errorf("%v: increment after: %v", ttl, err)
			}
			if err := s.Delete(ctx, "n"); err != driver.ErrMiss {
				t.Errorf("%v: delete: %v", ttl, err)
			}
			if err := s.Store(ctx, driver.Replace, driver.Entry{Key: "k"}); err != driver.ErrNotStored {
				t.Errorf("%v: replace: %v", ttl, err)
			}
			if err := s.Store(ctx, driver.Add, driver.Entry{Key: "k", Value: []byte("w")}); err != nil {
				t.Errorf("%v: add after: %v", ttl, err)
			}
			s.wantGet(t, "k", "w")
			_ = s.Close()
		})
	}
}

func TestForever(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		s.mustSet(t, "none", "v", 0)
		s.mustSet(t, "longest", "v", 1<<63-1)
		s.mustSet(t, "touched", "v", time.Minute)
		if err := s.Touch(ctx, "touched", 0); err != nil {
			t.Fatal(err)
		}
		s.mustSet(t, "shortened", "v", 0)
		if err := s.Touch(ctx, "shortened", time.Second); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			time.Sleep(10 * 365 * 24 * time.Hour)
			s.mustSet(t, "x", "y", 0)
		}
		s.wantGet(t, "none", "v")
		s.wantGet(t, "longest", "v")
		s.wantGet(t, "touched", "v")
		s.wantMiss(t, "shortened")
		if st := s.stats(); st.Entries != 4 || st.Expirations != 1 {
			t.Errorf("Stats: %+v, want 4 entries and one expiration", st)
		}
		_ = s.Close()
	})
}

// An entry that nobody asks for is gone when it has been expired for one
// BucketInterval with stores to any key, whatever else lies in its slab.
func TestExpiredAreFreed(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	for _, mixed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := newDriver(Config{})
			const n = 20_000
			for i := range n {
				s.mustSet(t, fmt.Sprint("k", i), "value", time.Duration(1+rand.IntN(30_000))*time.Millisecond)
				if mixed {
					s.mustSet(t, fmt.Sprint("stays", i), "value", time.Hour)
				}
			}
			// Compaction moves what holds the other half of the keys.
			for i := 0; i < n; i += 2 {
				_ = s.Delete(ctx, fmt.Sprint("k", i))
				_ = s.Delete(ctx, fmt.Sprint("stays", i))
			}
			time.Sleep(time.Second / 2)
			for i := range 200 {
				s.mustSet(t, fmt.Sprint("short", i), "value", time.Second)
			}
			time.Sleep(30*time.Second - time.Second/2)
			for range 100 {
				s.mustSet(t, "other", "value", time.Hour)
				time.Sleep(DefaultBucketInterval / 100)
			}
			s.mustSet(t, "other", "value", time.Hour)
			want := uint64(1)
			if mixed {
				want += n / 2
			}
			st := s.stats()
			if st.Entries != want || st.Expirations != n/2+200 {
				t.Errorf("mixed %v: want %d entries: %+v", mixed, want, st)
			}
			if !mixed && st.Bytes > 100<<10 {
				t.Errorf("%d bytes for one entry", st.Bytes)
			}
			_ = s.Close()
		})
	}
}

// When all expire together they go as soon as stores come, not at the end of the interval,
// and no store does more than its slice.
func TestExpiryIsBounded(t *testing.T) {
	if race.Enabled {
		t.Skip(race.Left)
	}
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		const n = 50_000
		for i := range n {
			s.mustSet(t, fmt.Sprint("k", i), "value", time.Minute)
		}
		time.Sleep(time.Minute + DefaultBucketInterval/DefaultBuckets)
		before := s.stats()
		stores := 0
		// Entries that share a slab with the new key stay for an interval.
		for before.Entries > n/16 && stores < n {
			stores++
			s.mustSet(t, "other", "value", time.Hour)
			now := s.stats()
			if freed := now.Expirations - before.Expirations; freed > maxSlice+maxReclaimed {
				t.Fatalf("one store freed %d", freed)
			}
			before = now
		}
		if least := n/maxSlice + 1; stores < least || stores > n/minSlice*2 {
			t.Errorf("took %d stores", stores)
		}
	})
}

// A cache that nobody uses has no timer: the clock's ends by itself.
func TestIdleHasNoTimer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		s.mustSet(t, "k", "v", time.Hour)
		s.wantGet(t, "k", "v")
		time.Sleep(time.Minute)
		if s.clock.horizon.Load() < noReading {
			t.Error("the reading was not voided")
		}
		if s.clock.timer.Load().Stop() {
			t.Error("a timer was running")
		}
		s.wantGet(t, "k", "v")
		_ = s.Close()
		if s.clock.timer.Load().Stop() {
			t.Error("a timer was running after Close")
		}
	})
}
