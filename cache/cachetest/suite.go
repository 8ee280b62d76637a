package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// quoted shows a value in a failure: all of a short one, else its length.
func quoted(v []byte) string {
	if len(v) > 60 {
		return fmt.Sprintf("%d bytes", len(v))
	}
	return fmt.Sprintf("%q", v)
}

// none reports err unless it is nil.
func (s *suite) none(err error, format string, args ...any) {
	s.t.Helper()
	if err != nil {
		s.errorf("%s: error %q, want none", fmt.Sprintf(format, args...), err)
	}
}

// is reports err unless it is want.
func (s *suite) is(err, want error, format string, args ...any) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.errorf("%s: error %v, want %q", fmt.Sprintf(format, args...), err, want)
	}
}

// set stores value without a TTL.
func (s *suite) set(key, value string) {
	s.t.Helper()
	s.none(s.c.Set(s.ctx, key, []byte(value), 0), "Set of %.40q", key)
}

// has checks that Get finds want, or nothing in a cache that discards.
func (s *suite) has(key, want string) {
	s.t.Helper()
	got, err := s.c.Get(s.ctx, key)
	if s.c.Discards() {
		s.is(err, cache.ErrMiss, "Get of %.40q", key)
		return
	}
	if err != nil {
		s.errorf("Get of %.40q: error %q, want %s", key, err, quoted([]byte(want)))
		return
	}
	if string(got) != want {
		s.errorf("Get of %.40q: %s, want %s", key, quoted(got), quoted([]byte(want)))
	}
}

// misses checks that Get does not find key.
func (s *suite) misses(key string) {
	s.t.Helper()
	got, err := s.c.Get(s.ctx, key)
	if err == nil {
		s.errorf("Get of %.40q: %s, want %q", key, quoted(got), cache.ErrMiss)
		return
	}
	s.is(err, cache.ErrMiss, "Get of %.40q", key)
}

// hasMulti checks that GetMulti of keys finds exactly want.
func (s *suite) hasMulti(keys []string, want map[string]string) {
	s.t.Helper()
	got, err := s.c.GetMulti(s.ctx, keys)
	s.none(err, "GetMulti of %d keys", len(keys))
	s.sameValues("GetMulti", got, want)
}

// sameValues compares the result of an operation on many keys with what was stored.
func (s *suite) sameValues(what string, got map[string][]byte, want map[string]string) {
	s.t.Helper()
	if s.c.Discards() {
		want = nil
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		v, ok := got[k]
		if !ok {
			s.errorf("%s: %.40q is not there, want %s", what, k, quoted([]byte(want[k])))
		} else if string(v) != want[k] {
			s.errorf("%s: %s at %.40q, want %s", what, quoted(v), k, quoted([]byte(want[k])))
		} else if v == nil {
			s.errorf("%s: nil at %.40q, want an empty value", what, k)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			s.errorf("%s: %s at %.40q, which should not be there", what, quoted(got[k]), k)
		}
	}
}

// counted checks the result of a counting operation, or that a cache which discards
// has nothing to count.
func (s *suite) counted(got uint64, err error, want uint64, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	if err != nil {
		s.errorf("%s: error %q, want %d", what, err, want)
	} else if got != want {
		s.errorf("%s: %d, want %d", what, got, want)
	}
}

// failedFor checks that err is a MultiError for exactly these keys and reasons.
func (s *suite) failedFor(err error, op cache.Op, want map[string]error, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	if len(want) == 0 {
		s.none(err, "%s", what)
		return
	}
	m := s.multiError(err, what)
	if m == nil {
		return
	}
	if m.Op != op {
		s.errorf("%s: the error is for %q, want %q", what, m.Op, op)
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if m.Errors[k] == nil {
			s.errorf("%s: no error for %.40q, want %q", what, k, want[k])
		} else {
			s.is(m.Errors[k], want[k], "%s: at %.40q", what, k)
		}
	}
	for _, k := range m.Keys() {
		if want[k] == nil {
			s.errorf("%s: error %v for %.40q, want none", what, m.Errors[k], k)
		}
	}
}

// multiError returns err as a MultiError; if it is none, it reports that and returns nil.
func (s *suite) multiError(err error, what string) *cache.MultiError {
	s.t.Helper()
	var m *cache.MultiError
	if !errors.As(err, &m) {
		s.errorf("%s: error %v, want a *cache.MultiError", what, err)
	}
	return m
}

// item reads key for a compare-and-swap and ends the case if that fails.
func (s *suite) item(key string) cache.Item {
	s.t.Helper()
	it, err := s.c.GetItem(s.ctx, key)
	if err != nil {
		s.fatalf("GetItem of %.40q: error %q, want the item", key, err)
	}
	return it
}

// encoded returns the key as the backend sees it.
func (s *suite) encoded(key string) string { return s.o.KeyEncoding.Encode(s.o.KeyPrefix + key) }

// legal says whether the contract allows key here.
func (s *suite) legal(key string) bool {
	k := []byte(s.encoded(key))
	illegal := func(b byte) bool { return b <= ' ' || b == 0x7f }
	return len(k) >= 1 && len(k) <= 250 && !slices.ContainsFunc(k, illegal)
}

// moment is when something was stored: between two readings of the clock.
type moment struct{ before, after time.Time }

// during runs f and returns when that was.
func during(f func()) moment {
	m := moment{before: time.Now()}
	f()
	m.after = time.Now()
	return m
}

// ttl is a TTL to wait for.
func (s *suite) ttl() time.Duration {
	if s.o.Synctest {
		return max(40*time.Second, 2*s.o.Granularity)
	}
	return max(250*time.Millisecond, 2*s.o.Granularity)
}

// span is between which times an item that was stored at m expires.
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
// went too early or stayed too long. A cache that discards has none to wait for.
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
	_, late := s.span(m, ttl)
	for !time.Now().After(late) && !s.c.Discards() {
		sleep(ttl/4, late.Add(1))
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		s.has(k, want[k])
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

// fill returns n bytes that tell who wrote them.
func fill(n int, writer byte) []byte { return bytes.Repeat([]byte{writer}, n) }
