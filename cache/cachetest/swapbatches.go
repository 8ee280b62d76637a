package cachetest

import (
	"fmt"

	"github.com/larder-go/larder/cache"
)

var swapBatchCases = []test{
	{
		name: "swap/delete many",
		rule: "CompareAndDeleteMulti removes every item that is unchanged; a *MultiError names exactly the others, each with ErrConflict or ErrMiss",
		run:  orUnsupported(swapDeleteMany), drops: dropsMany,
	},
	{
		name: "swap/delete many, large",
		rule: "CompareAndDeleteMulti has an answer of its own for each item, however many there are",
		run:  orUnsupported(swapDeleteLarge), drops: dropsMany,
	},
	{
		name: "swap/delete many, foreign",
		rule: "CompareAndDeleteMulti refuses items that were not read from this cache, and removes the others",
		run:  orUnsupported(swapDeleteForeign), drops: dropsMany,
	},
	{
		name: "swap/delete many, concurrent",
		rule: "of many CompareAndDeleteMulti of the same items each item is removed by exactly one",
		run:  orUnsupported(swapDeleteConcurrent), drops: dropsMany,
	},
}

func (s *suite) swapDeleteMany(old ...cache.Item) error {
	return s.c.CompareAndDeleteMulti(s.ctx, old)
}

func swapDeleteMany(s *suite) {
	s.none(s.swapDeleteMany(), "CompareAndDeleteMulti of nothing")
	for _, k := range []string{"a", "b", "c", "d", "e", "f", "other"} {
		s.set(k, "of "+k)
	}
	keys := []string{"a", "b", "c", "d", "e", "f"}
	items, err := s.c.GetItemMulti(s.ctx, keys)
	s.none(err, "GetItemMulti")
	items["f"] = s.item("f")
	old := make([]cache.Item, len(keys))
	for i, k := range keys {
		old[i] = items[k]
	}
	s.set("b", "of b") // equal bytes are a change
	s.none(s.c.Delete(s.ctx, "c"), "Delete")
	s.none(s.c.Delete(s.ctx, "e"), "Delete")
	s.set("e", "new")
	others := map[string]error{"b": cache.ErrConflict, "c": cache.ErrMiss, "e": cache.ErrConflict}
	s.failedFor(s.swapDeleteMany(old...), cache.OpCompareAndDeleteMulti, others, "CompareAndDeleteMulti")
	s.hasMulti(append(keys, "other"), map[string]string{"b": "of b", "e": "new", "other": "of other"})

	others["a"], others["d"], others["f"] = cache.ErrMiss, cache.ErrMiss, cache.ErrMiss
	s.failedFor(s.swapDeleteMany(old...), cache.OpCompareAndDeleteMulti, others, "CompareAndDeleteMulti for the second time")
	s.none(s.c.Add(s.ctx, "a", []byte("3"), 0), "Add after CompareAndDeleteMulti")
	s.none(s.swapDeleteMany(s.item("a"), s.item("b"), s.item("e")), "CompareAndDeleteMulti of unchanged items")
	s.hasMulti(append(keys, "other"), map[string]string{"other": "of other"})
}

func swapDeleteLarge(s *suite) {
	const n = 1000
	values, left := map[string][]byte{}, map[string]string{}
	var keys []string
	for i := range n {
		key := fmt.Sprint("k", i)
		keys = append(keys, key)
		values[key] = []byte(key)
	}
	s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti")
	items, err := s.c.GetItemMulti(s.ctx, keys)
	s.none(err, "GetItemMulti")
	others := map[string]error{}
	for i := 0; i < n; i += 7 {
		s.set(keys[i], "new")
		others[keys[i]], left[keys[i]] = cache.ErrConflict, "new"
	}
	for i := 3; i < n; i += 7 {
		s.none(s.c.Delete(s.ctx, keys[i]), "Delete")
		others[keys[i]] = cache.ErrMiss
	}
	old := make([]cache.Item, n)
	for i, k := range keys {
		old[i] = items[k]
	}
	s.failedFor(s.swapDeleteMany(old...), cache.OpCompareAndDeleteMulti, others, "CompareAndDeleteMulti of %d items", n)
	s.hasMulti(keys, left)
}

func swapDeleteForeign(s *suite) {
	s.set("k", "1")
	other := s.another()
	s.none(other.Set(s.ctx, "k", []byte("1"), 0), "Set in another cache")
	foreign, err := other.GetItem(s.ctx, "k")
	s.none(err, "GetItem in another cache")
	for name, it := range map[string]cache.Item{"another cache": foreign, "a made-up item": {Key: "k", Value: []byte("2")}} {
		s.set("k", "2") // after the other cache was opened, which may have emptied a server that both use
		s.set("own", "3")
		err := s.swapDeleteMany(it, s.item("own"))
		m := s.multiError(err, "CompareAndDeleteMulti of an item from "+name)
		if m != nil && (m.Errors["k"] == nil || len(m.Errors) != 1) {
			s.errorf("CompareAndDeleteMulti of an item from %s: failed for %q, want the foreign item alone", name, m.Keys())
		}
		s.has("k", "2")
		s.misses("own")
	}
}

func swapDeleteConcurrent(s *suite) {
	const workers, n = 8, 40
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprint("k", i))
		s.set(keys[i], "1")
	}
	items, err := s.c.GetItemMulti(s.ctx, keys)
	s.none(err, "GetItemMulti")
	old := make([]cache.Item, n)
	for i, k := range keys {
		old[i] = items[k]
	}
	errs := make([]error, workers)
	together(workers, func(worker int) { errs[worker] = s.swapDeleteMany(old...) })
	removed := map[string]int{}
	for worker, err := range errs {
		var failed map[string]error
		if err != nil {
			m := s.multiError(err, fmt.Sprint("CompareAndDeleteMulti of worker ", worker))
			if m == nil {
				return
			}
			failed = m.Errors
		}
		for _, k := range keys {
			if err := failed[k]; err == nil {
				removed[k]++
			} else {
				s.is(err, cache.ErrMiss, "CompareAndDeleteMulti of worker %d: at %q", worker, k)
			}
		}
	}
	for _, k := range keys {
		if removed[k] != 1 {
			s.errorf("%q was removed by %d of %d, want 1", k, removed[k], workers)
		}
	}
	s.hasMulti(keys, nil)
}

// dropsMany: a cache that discards has no items, and those of others are refused.
func dropsMany(s *suite) {
	s.none(s.swapDeleteMany(), "CompareAndDeleteMulti of nothing")
	if err := s.swapDeleteMany(cache.Item{Key: "k"}); err == nil {
		s.errorf("CompareAndDeleteMulti of a made-up item: no error")
	}
}
