package cachetest

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// The helpers of the cases that wait for time to pass.

// A moment is the time of an event: between two readings of the clock.
type moment struct{ before, after time.Time }

// during runs f and returns when that was.
func during(f func()) moment {
	m := moment{before: time.Now()}
	f()
	m.after = time.Now()
	return m
}

// ttl returns a TTL to wait for.
func (s *suite) ttl() time.Duration {
	if s.o.Synctest {
		return max(40*time.Second, 2*s.o.Granularity)
	}
	return max(250*time.Millisecond, 2*s.o.Granularity)
}

// longTTL returns a TTL that is still running when a slow machine has done a few more
// calls, and of which the half is longer than the error of the clock.
func (s *suite) longTTL() time.Duration {
	if s.o.Synctest {
		return s.ttl()
	}
	return max(2*time.Second, 6*s.o.Granularity)
}

// span returns between which times an item that was stored at m expires.
func (s *suite) span(m moment, ttl time.Duration) (early, late time.Time) {
	g := s.o.Granularity
	early = m.before.Add(ttl - g)
	if g == 0 {
		return early, m.after.Add(ttl)
	}
	rounded := (ttl + g - 1) / g * g
	return early, m.after.Add(rounded + 2*g) // the clock of the backend, and its delay
}

// expire waits until the keys, stored at m for ttl, are gone, and reports those that
// expired too early or too late. A cache that discards has none to wait for.
func (s *suite) expire(m moment, ttl time.Duration, keys ...string) {
	s.t.Helper()
	if s.c.Discards() {
		for _, k := range keys {
			s.misses(k)
		}
		return
	}
	early, late := s.span(m, ttl)
	waiting := slices.Clone(keys)
	for {
		waiting = slices.DeleteFunc(waiting, func(key string) bool {
			asked := time.Now()
			_, err := s.c.Get(s.ctx, key)
			switch {
			case err == nil && asked.After(late):
				s.errorf("%q was found %v after it was stored for %v", key, asked.Sub(m.after), ttl)
			case err == nil:
				return false
			case !errors.Is(err, cache.ErrMiss):
				s.errorf("Get of %q: %v", key, err)
			case time.Now().Before(early):
				s.errorf("%q was gone %v after it was stored for %v", key, time.Since(m.before), ttl)
			}
			return true
		})
		if len(waiting) == 0 {
			return
		}
		sleep(max(ttl/16, 20*time.Millisecond), early.Add(-1), late.Add(1))
	}
}

// stay waits past the time at which the keys would have expired with ttl, and reports
// those that did.
func (s *suite) stay(m moment, ttl time.Duration, want map[string]string) {
	s.t.Helper()
	s.pass(m, ttl)
	for _, k := range slices.Sorted(maps.Keys(want)) {
		s.has(k, want[k])
	}
}

// pass waits until everything that was stored at m for ttl has expired, without looking
// at it, so that nothing is removed by a look.
func (s *suite) pass(m moment, ttl time.Duration) {
	_, late := s.span(m, ttl)
	for !time.Now().After(late) && !s.c.Discards() {
		sleep(ttl/4, late.Add(1))
	}
}

// sleep sleeps for d, but not past a mark. In a bubble of synctest it takes no time;
// outside it is the pause between two looks.
func sleep(d time.Duration, marks ...time.Time) {
	for _, m := range marks {
		if left := time.Until(m); left > 0 {
			d = min(d, left)
		}
	}
	time.Sleep(max(d, 1))
}
