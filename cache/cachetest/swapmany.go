package cachetest

import (
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

var swapManyCases = []test{
	{
		name: "swap many/exactly",
		rule: "CompareAndSwapMulti replaces, and CompareAndDeleteMulti removes, every item that is unchanged; a *MultiError names exactly the others, each with ErrConflict or ErrMiss",
		run:  swaps(swapManyExactly), drops: dropsMany,
	},
	{
		name: "swap many/large",
		rule: "each item of a large batch is swapped or removed, or named with its own error",
		run:  swaps(swapManyLarge), drops: dropsMany,
	},
	{
		name: "swap many/own values",
		rule: "CompareAndSwapMulti stores each value under its own key with its own TTL",
		run:  swaps(swapManyOwn), drops: dropsMany, waits: true,
	},
	{
		name: "swap many/foreign",
		rule: "CompareAndSwapMulti and CompareAndDeleteMulti reject items that were not read from this cache, and do the others",
		run:  swaps(swapManyForeign), drops: dropsMany, portable: true,
	},
	{
		name: "swap many/duplicates",
		rule: "of several items with one key CompareAndSwapMulti and CompareAndDeleteMulti use the first, and name the key in a MultiError",
		run:  swaps(swapManyDuplicates), drops: dropsMany, portable: true,
	},
	{
		name: "swap many/concurrent",
		rule: "of several CompareAndSwapMulti, or CompareAndDeleteMulti, of the same items each item is changed by exactly one",
		run:  swaps(swapManyConcurrent), drops: dropsMany,
	},
}

// A swapMany is CompareAndSwapMulti, with the value "swapped " and the key, or
// CompareAndDeleteMulti.
type swapMany struct {
	op   cache.Op
	name string
	do   func(old ...cache.Item) error
	left string // begins the value afterwards, before the key; empty: the key is removed
	lost error  // the error of a caller that comes too late
}

func (s *suite) swapManys() []swapMany {
	return []swapMany{
		{cache.OpCompareAndSwapMulti, "CompareAndSwapMulti", func(old ...cache.Item) error {
			swaps := make([]cache.Swap, len(old))
			for i, it := range old {
				swaps[i] = cache.Swap{Old: it, Value: []byte("swapped " + it.Key)}
			}
			return s.c.CompareAndSwapMulti(s.ctx, swaps)
		}, "swapped ", cache.ErrConflict},
		{cache.OpCompareAndDeleteMulti, "CompareAndDeleteMulti", func(old ...cache.Item) error {
			return s.c.CompareAndDeleteMulti(s.ctx, old)
		}, "", cache.ErrMiss},
	}
}

// after notes in want what m leaves at the keys that it changed.
func (m swapMany) after(want map[string]string, keys ...string) map[string]string {
	for _, k := range keys {
		if m.left != "" {
			want[k] = m.left + k
		}
	}
	return want
}

func swapManyExactly(s *suite) {
	keys := []string{"a", "b", "c", "d", "e", "f"}
	for _, m := range s.swapManys() {
		s.none(m.do(), "%s of nothing", m.name)
		for _, k := range append(keys, "other") {
			s.set(k, "of "+k)
		}
		old := s.itemsOf(keys...)
		old[5] = s.item("f")
		s.set("b", "of b") // equal bytes are a change
		s.none(s.c.Delete(s.ctx, "c"), "Delete")
		s.none(s.c.Delete(s.ctx, "e"), "Delete")
		s.set("e", "new")
		others := map[string]error{"b": cache.ErrConflict, "c": cache.ErrMiss, "e": cache.ErrConflict}
		s.failedFor(m.do(old...), m.op, others, "%s", m.name)
		left := m.after(map[string]string{"b": "of b", "e": "new", "other": "of other"}, "a", "d", "f")
		s.hasMulti(append(keys, "other"), left)

		for _, k := range []string{"a", "d", "f"} {
			others[k] = m.lost
		}
		s.failedFor(m.do(old...), m.op, others, "%s for the second time", m.name)
		s.hasMulti(append(keys, "other"), left)
		s.none(s.c.DeleteMulti(s.ctx, []string{"a"}), "DeleteMulti")
		s.none(s.c.Add(s.ctx, "a", []byte("3"), 0), "Add")
		s.none(m.do(s.item("a"), s.item("b"), s.item("e")), "%s of unchanged items", m.name)
		s.hasMulti([]string{"a", "b", "e"}, m.after(map[string]string{}, "a", "b", "e"))
	}
}

func swapManyLarge(s *suite) {
	for _, m := range s.swapManys() {
		values, left := map[string][]byte{}, map[string]string{}
		var keys []string
		for i := range s.many {
			key := fmt.Sprint("k", i)
			keys = append(keys, key)
			values[key] = []byte(key)
		}
		s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti")
		old := s.itemsOf(keys...)
		others := map[string]error{}
		m.after(left, keys...)
		for i := 0; i < s.many; i += 7 {
			s.set(keys[i], "new")
			others[keys[i]], left[keys[i]] = cache.ErrConflict, "new"
		}
		for i := 3; i < s.many; i += 7 {
			s.none(s.c.Delete(s.ctx, keys[i]), "Delete")
			others[keys[i]] = cache.ErrMiss
			delete(left, keys[i])
		}
		s.failedFor(m.do(old...), m.op, others, "%s of %d items", m.name, s.many)
		s.hasMulti(keys, left)
	}
}

func swapManyOwn(s *suite) {
	ttl := s.ttl()
	keys := []string{"own:a", "own:b", "own:c", "own:d"}
	for _, k := range keys {
		s.set(k, "old")
	}
	old := s.itemsOf(keys...)
	var err error
	m := during(func() {
		err = s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{
			{Old: old[2], Value: []byte("3"), TTL: ttl}, {Old: old[0], Value: []byte("1")},
			{Old: old[3], Value: nil, TTL: 100 * ttl}, {Old: old[1], Value: []byte("2"), TTL: ttl},
		})
	})
	s.none(err, "CompareAndSwapMulti")
	s.expire(m, ttl, "own:b", "own:c")
	s.stay(m, ttl, map[string]string{"own:a": "1", "own:d": ""})
}

func swapManyForeign(s *suite) {
	s.set("k", "1")
	other := s.another()
	s.none(other.Set(s.ctx, "k", []byte("1"), 0), "Set in another cache")
	foreign, err := other.GetItem(s.ctx, "k")
	s.none(err, "GetItem in another cache")
	for _, m := range s.swapManys() {
		for name, it := range map[string]cache.Item{"another cache": foreign, "a made-up item": {Key: "k", Value: []byte("2")}} {
			s.set("k", "2") // after the other cache was opened, which may have emptied a server that both use
			s.set("own", "3")
			s.failedFor(m.do(it, s.item("own")), m.op, map[string]error{"k": nil}, "%s of an item from %s", m.name, name)
			s.hasMulti([]string{"k", "own"}, m.after(map[string]string{"k": "2"}, "own"))
		}
	}
}

func swapManyDuplicates(s *suite) {
	for _, m := range s.swapManys() {
		s.set("k", "1")
		s.set("j", "2")
		first := s.item("k")
		s.failedFor(m.do(first, s.item("j"), first), m.op, map[string]error{"k": nil}, "%s of one item twice", m.name)
		s.hasMulti([]string{"k", "j"}, m.after(map[string]string{}, "k", "j"))

		// Two keys that differ in their prefixes cannot be told apart in a MultiError.
		view := s.c.withPrefix("p:")
		s.set("k", "1")
		s.none(view.Set(s.ctx, "k", []byte("2"), 0), "Set with a prefix")
		prefixed, err := view.GetItem(s.ctx, "k")
		s.none(err, "GetItem with a prefix")
		s.failedFor(m.do(s.item("k"), prefixed), m.op, map[string]error{"k": nil}, "%s of equal keys with different prefixes", m.name)
		s.hasMulti([]string{"k", "p:k"}, m.after(map[string]string{"p:k": "2"}, "k"))
	}
}

func swapManyConcurrent(s *suite) {
	const workers, n = 8, 40
	for _, m := range s.swapManys() {
		var keys []string
		for i := range n {
			keys = append(keys, fmt.Sprint("k", i))
			s.set(keys[i], "1")
		}
		old := s.itemsOf(keys...)
		errs := make([]error, workers)
		together(workers, func(worker int) { errs[worker] = m.do(old...) })
		changed := map[string]int{}
		for worker, err := range errs {
			var failed map[string]error
			if e := (*cache.MultiError)(nil); errors.As(err, &e) {
				failed = e.Errors
			} else {
				s.none(err, "%s of worker %d", m.name, worker)
			}
			for _, k := range keys {
				if err := failed[k]; err == nil {
					changed[k]++
				} else {
					s.is(err, m.lost, "%s of worker %d: at %q", m.name, worker, k)
				}
			}
		}
		for _, k := range keys {
			if changed[k] != 1 {
				s.errorf("%s: %q was changed by %d of %d callers, want 1", m.name, k, changed[k], workers)
			}
		}
		s.hasMulti(keys, m.after(map[string]string{}, keys...))
	}
}
