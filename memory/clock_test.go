package memory

import (
	"testing"
	"testing/synctest"
	"time"
)

// The monotonic clock stops while the machine is suspended, and the wall clock does not:
// entries that expired meanwhile are gone afterwards.
func TestSuspend(t *testing.T) {
	for name, c := range map[string]struct {
		gained time.Duration // by the wall clock
		there  bool
	}{
		"no suspend":                   {0, true},
		"a correction":                 {900 * time.Millisecond, true},
		"half an hour":                 {30 * time.Minute, true},
		"two hours":                    {2 * time.Hour, false},
		"the clock is set back":        {-2 * time.Hour, true},
		"the clock has an absurd time": {1<<63 - 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newDriver(Config{})
				defer s.Close()
				s.mustSet(t, "k", "v", time.Hour)
				s.mustSet(t, "forever", "v", 0)
				time.Sleep(2 * resolution) // the reading is void
				s.clock.ahead -= int64(c.gained)
				if c.there {
					s.wantGet(t, "k", "v")
				} else {
					s.wantMiss(t, "k")
				}
				s.wantGet(t, "forever", "v")
				time.Sleep(time.Hour)
				s.wantMiss(t, "k")
				s.wantGet(t, "forever", "v")
			})
		})
	}
}

// standStill lets time pass without timers, as while the process is starved or stopped.
func (c *clock) standStill(d time.Duration) {
	c.base = c.base.Add(-d)
	c.ahead -= int64(d)
}

// What is stored with a short TTL expires in time, though the process stood still for longer than
// margin and the reading is as old.
func TestStandstill(t *testing.T) {
	const ttl = time.Millisecond
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		defer s.Close()
		for range 3 {
			s.clock.now()
			s.clock.standStill(2 * margin)
			s.mustSet(t, "k", "v", ttl)
			time.Sleep(ttl / 2)
			if it, err := s.GetItem(ctx, "k"); err != nil || it.TTL != ttl/2 {
				t.Errorf("the item has a TTL of %v, %v; want %v", it.TTL, err, ttl/2)
			}
			time.Sleep(ttl / 2)
			s.wantMiss(t, "k")
		}
	})
}

// A reading that was begun before the process stood still never takes effect.
func TestStandstillWhileRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		defer s.Close()
		none, old := s.clock.horizon.Load(), s.clock.precise()
		s.clock.standStill(2 * margin)
		s.mustSet(t, "k", "v", time.Millisecond)
		for range 10 {
			if s.clock.horizon.CompareAndSwap(none, uint64(old)+uint64(margin)) {
				t.Fatal("the reading took effect")
			}
			time.Sleep(resolution / 4)
		}
	})
}

// A store with a short TTL makes a reading only if there was none for a while: a new one for each
// store would cost more than the store.
func TestFreshReadingStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newDriver(Config{})
		defer s.Close()
		time.Sleep(time.Hour)
		s.clock.now()
		reading := s.clock.horizon.Load()
		s.mustSet(t, "k", "v", time.Millisecond)
		if s.clock.horizon.Load() != reading {
			t.Error("the store voided a reading that was new")
		}
		time.Sleep(margin / 4)
		voided := s.clock.voided.Load()
		s.mustSet(t, "k", "v", time.Millisecond)
		if s.clock.voided.Load() != voided {
			t.Error("the store voided a reading that another operation may be making")
		}
	})
}
