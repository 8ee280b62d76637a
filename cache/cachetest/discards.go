package cachetest

import (
	"time"

	"github.com/larder-go/larder/cache"
)

// The functions here take the place of cases on a cache that discards. Package null
// documents what such a cache does. A case that has none of them is run there as well: the
// helpers of suite know about such caches.

// dropsKeys checks that the valid keys are accepted.
func dropsKeys(s *suite) {
	valid, _ := s.sorted()
	for _, k := range valid {
		s.set(k, "v")
		s.misses(k)
	}
}

// dropsValues checks the whole life of a value.
func dropsValues(s *suite) {
	for _, v := range [][]byte{nil, {}, value} {
		s.none(s.c.Set(s.ctx, "k", v, 0), "Set")
		s.misses("k")
	}
}

// dropsStores checks that every store succeeds.
func dropsStores(s *suite) {
	for range 2 {
		s.none(s.c.Add(s.ctx, "k", value, 0), "Add")
		s.none(s.c.Replace(s.ctx, "k", value, 0), "Replace")
		s.none(s.c.Set(s.ctx, "k", value, 0), "Set")
		s.misses("k")
	}
}

// dropsStoresMulti does the same for batches.
func dropsStoresMulti(s *suite) {
	values := map[string][]byte{"a": value, "b": nil}
	for range 2 {
		s.none(s.c.AddMulti(s.ctx, values, 0), "AddMulti")
		s.none(s.c.ReplaceMulti(s.ctx, values, 0), "ReplaceMulti")
		s.hasMulti([]string{"a", "b"}, nil)
	}
}

func dropsDeletes(s *suite) {
	s.set("a", "1")
	s.is(s.c.Delete(s.ctx, "a"), cache.ErrMiss, "Delete")
}

func dropsCounts(s *suite) {
	s.set("n", "5")
	_, err := s.c.Increment(s.ctx, "n", 1)
	s.is(err, cache.ErrMiss, "Increment")
	_, err = s.c.Decrement(s.ctx, "n", 1)
	s.is(err, cache.ErrMiss, "Decrement")
}

// dropsInitials checks that a counter begins anew each time.
func dropsInitials(s *suite) {
	for range 3 {
		n, err := s.c.IncrementFrom(s.ctx, "n", 2, 10, 0)
		s.counted(n, err, 12, "IncrementFrom")
		n, err = s.c.DecrementFrom(s.ctx, "n", 2, 10, 0)
		s.counted(n, err, 8, "DecrementFrom")
		s.misses("n")
	}
}

func dropsTouch(s *suite) {
	s.set("k", "v")
	s.is(s.c.Touch(s.ctx, "k", time.Hour), cache.ErrMiss, "Touch")
	v, err := s.c.GetAndTouch(s.ctx, "k", time.Hour)
	s.is(err, cache.ErrMiss, "GetAndTouch")
	if v != nil {
		s.errorf("GetAndTouch: the value %q, want nil", v)
	}
}

func dropsItems(s *suite) {
	s.set("k", "v")
	_, err := s.c.GetItem(s.ctx, "k")
	s.is(err, cache.ErrMiss, "GetItem")
	items, err := s.c.GetItemMulti(s.ctx, []string{"k"})
	s.none(err, "GetItemMulti")
	s.sameValues("GetItemMulti", itemValues(items), nil)
}

// dropsGetOrAdd checks that the value was added, and is gone.
func dropsGetOrAdd(s *suite) {
	for range 2 {
		it, added, err := s.c.GetOrAdd(s.ctx, "k", value, 0)
		s.is(err, cache.ErrMiss, "GetOrAdd")
		if !added || it.Value != nil {
			s.errorf("GetOrAdd: %q, added %v; want no item, which was added", it.Value, added)
		}
		items, set, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{"a": value, "b": nil}, 0)
		s.failedFor(err, cache.OpGetOrAddMulti, map[string]error{"a": cache.ErrMiss, "b": cache.ErrMiss}, "GetOrAddMulti")
		if len(items) != 0 || !set["a"] || !set["b"] {
			s.errorf("GetOrAddMulti: %v, added %v; want no items, which were added", items, set)
		}
	}
}

// dropsMany checks that there are no items, and that those of others are rejected.
func dropsMany(s *suite) {
	for _, m := range s.swapManys() {
		s.none(m.do(), "%s of nothing", m.name)
		s.failedFor(m.do(cache.Item{Key: "k"}), m.op, map[string]error{"k": nil}, "%s of a made-up item", m.name)
	}
}

func dropsForeign(s *suite) {
	if err := s.swap(cache.Item{Key: "k"}, "1"); err == nil {
		s.errorf("CompareAndSwap of a made-up item: no error")
	}
	if err := s.c.CompareAndDelete(s.ctx, cache.Item{Key: "k"}); err == nil {
		s.errorf("CompareAndDelete of a made-up item: no error")
	}
}

// dropsStats checks nothing of what is counted, since nothing is kept.
func dropsStats(s *suite) {
	if s.c.Supports(cache.OpStats) {
		s.stats()
	} else {
		s.unsupported(cache.OpStats)
	}
}
