package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/larder-go/larder/cache"
)

// The helpers of the cases.

// fill returns n bytes, all of them b.
func fill(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

// quoted shows a value in a failure: a short one in full, the length of a long one.
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

// is reports err unless it matches want.
func (s *suite) is(err, want error, format string, args ...any) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.errorf("%s: error %v, want %q", fmt.Sprintf(format, args...), err, want)
	}
}

// expected reports err unless it is nil or one of the allowed ones.
func (s *suite) expected(what string, err error, allowed ...error) {
	s.t.Helper()
	for _, a := range allowed {
		if errors.Is(err, a) {
			return
		}
	}
	s.none(err, "%s", what)
}

// bare reports err unless it is want itself, unwrapped.
func (s *suite) bare(err, want error, format string, args ...any) {
	s.t.Helper()
	if err != want {
		s.errorf("%s: error %#v, want %q itself, unwrapped", fmt.Sprintf(format, args...), err, want)
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
	s.found("Get", key, got, err, want)
}

// found checks what an operation read at key.
func (s *suite) found(op, key string, got []byte, err error, want string) {
	s.t.Helper()
	if err != nil {
		s.errorf("%s of %.40q: error %q, want %s", op, key, err, quoted([]byte(want)))
	} else if string(got) != want {
		s.errorf("%s of %.40q: %s, want %s", op, key, quoted(got), quoted([]byte(want)))
	} else if got == nil {
		s.errorf("%s of %.40q: nil, want an empty value that is not nil", op, key)
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
func (s *suite) sameValues(op string, got map[string][]byte, want map[string]string) {
	s.t.Helper()
	if s.c.Discards() {
		want = nil
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if v, ok := got[k]; !ok {
			s.errorf("%s: %.40q is absent, want %s", op, k, quoted([]byte(want[k])))
		} else {
			s.found(op, k, v, nil, want[k])
		}
	}
	for _, k := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[k]; !ok {
			s.errorf("%s: %s at %.40q, which should be absent", op, quoted(got[k]), k)
		}
	}
}

// counted checks the result of a counting operation.
func (s *suite) counted(got uint64, err error, want uint64, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	if err != nil {
		s.errorf("%s: error %q, want %d", what, err, want)
	} else if got != want {
		s.errorf("%s: %d, want %d", what, got, want)
	}
}

func (s *suite) increment(key string, delta, want uint64) {
	s.t.Helper()
	n, err := s.c.Increment(s.ctx, key, delta)
	s.counted(n, err, want, "Increment of %q by %d", key, delta)
}

func (s *suite) decrement(key string, delta, want uint64) {
	s.t.Helper()
	n, err := s.c.Decrement(s.ctx, key, delta)
	s.counted(n, err, want, "Decrement of %q by %d", key, delta)
}

// failedFor checks that err is a *MultiError for exactly these keys and reasons. A nil
// reason matches any error.
func (s *suite) failedFor(err error, op cache.Op, want map[string]error, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	if len(want) == 0 {
		s.none(err, "%s", what)
		return
	}
	var m *cache.MultiError
	if !errors.As(err, &m) {
		s.errorf("%s: error %v, want a *cache.MultiError", what, err)
		return
	}
	if m.Op != op {
		s.errorf("%s: the error is of %v, want %v", what, m.Op, op)
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		if m.Errors[k] == nil {
			s.errorf("%s: no error for %.40q, want %v", what, k, want[k])
		} else if want[k] != nil {
			s.is(m.Errors[k], want[k], "%s: at %.40q", what, k)
		}
	}
	for _, k := range m.Keys() {
		if _, ok := want[k]; !ok {
			s.errorf("%s: error %v for %.40q, want none", what, m.Errors[k], k)
		}
	}
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

// itemsOf reads keys with one GetItemMulti, in order, and ends the case if one is absent.
func (s *suite) itemsOf(keys ...string) []cache.Item {
	s.t.Helper()
	found, err := s.c.GetItemMulti(s.ctx, keys)
	return s.inOrder(keys, found, err)
}

// inOrder returns what a GetItemMulti found in the order of the keys.
func (s *suite) inOrder(keys []string, found map[string]cache.Item, err error) []cache.Item {
	s.t.Helper()
	s.none(err, "GetItemMulti of %d keys", len(keys))
	items := make([]cache.Item, len(keys))
	for i, k := range keys {
		it, ok := found[k]
		if !ok {
			s.fatalf("GetItemMulti: %.40q is absent, want the item", k)
		}
		items[i] = it
	}
	return items
}

// swap stores v without a TTL in place of old.
func (s *suite) swap(old cache.Item, v string) error {
	return s.c.CompareAndSwap(s.ctx, old, []byte(v), 0)
}

// itemValues returns the values of items.
func itemValues(items map[string]cache.Item) map[string][]byte {
	values := make(map[string][]byte, len(items))
	for k, it := range items {
		values[k] = it.Value
	}
	return values
}

// encoded returns the key as the backend sees it.
func (s *suite) encoded(key string) string { return s.o.KeyEncoding.Encode(s.o.KeyPrefix + key) }

// valid reports whether the contract allows key here.
func (s *suite) valid(key string) bool {
	k := s.encoded(key)
	for i := range len(k) {
		if k[i] <= ' ' || k[i] == 0x7f {
			return false
		}
	}
	return len(k) >= 1 && len(k) <= 250
}

// most returns the length of the largest value that the backend accepts, or of one that
// is large enough to test with.
func (s *suite) most() int {
	if s.o.MaxValue > 0 {
		return s.o.MaxValue
	}
	return s.large
}

// swaps returns run for caches that can swap. On the others the case checks that the
// operations on items are unsupported.
func swaps(run func(*suite)) func(*suite) {
	return func(s *suite) {
		if s.c.Supports(cache.OpCompareAndSwap) {
			run(s)
			return
		}
		s.unsupported(cache.OpGetItem, cache.OpGetItemMulti, cache.OpGetOrAdd, cache.OpGetOrAddMulti,
			cache.OpCompareAndSwap, cache.OpCompareAndSwapMulti, cache.OpCompareAndDelete, cache.OpCompareAndDeleteMulti)
	}
}

// unsupported checks that Supports reports false for the operations, and that their errors
// match errors.ErrUnsupported and name the driver.
func (s *suite) unsupported(ops ...cache.Op) {
	s.t.Helper()
	for _, c := range calls {
		if !slices.Contains(ops, c.op) {
			continue
		}
		if s.c.Supports(c.op) {
			s.errorf("%s: Supports returned true", c.name)
		}
		err := c.do(s, s.ctx, input{key: "k"})
		s.is(err, errors.ErrUnsupported, "%s", c.name)
		s.fromDriver(err, c.name)
	}
}

// fromDriver checks that err is a *cache.Error that names driver and operation.
func (s *suite) fromDriver(err error, what string) {
	s.t.Helper()
	var e *cache.Error
	if !errors.As(err, &e) || e.Driver == "" || e.Op == 0 {
		s.errorf("%s: error %#v, want a *cache.Error with driver and operation", what, err)
	}
}

// together runs f for each of n workers at once and waits for them.
func together(n int, f func(worker int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for worker := range n {
		wg.Go(func() {
			<-begin
			f(worker)
		})
	}
	close(begin)
	wg.Wait()
}

// oneWins runs try for n workers at once. It checks that exactly one succeeds and that the
// others get the error lost, and returns the winner, or -1.
func (s *suite) oneWins(n int, lost error, what string, try func(worker int) error) int {
	s.t.Helper()
	var mu sync.Mutex
	var won []int
	together(n, func(worker int) {
		err := try(worker)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			won = append(won, worker)
		} else if !errors.Is(err, lost) {
			s.errorf("%s: error %q, want none or %q", what, err, lost)
		}
	})
	if len(won) != 1 {
		s.errorf("%s: %d of %d succeeded, want 1", what, len(won), n)
		return -1
	}
	return won[0]
}

// except returns err, unless it is the expected one.
func except(err, expected error) error {
	if err == expected || errors.Is(err, expected) {
		return nil
	}
	return err
}
