package cachetest

import (
	"strconv"

	"github.com/larder-go/larder/cache"
)

var swapCases = []test{
	{
		name: "swap/unchanged",
		rule: "CompareAndSwap stores where the item is still the one that was read",
		run:  orUnsupported(swapUnchanged), drops: dropsItems,
	},
	{
		name: "swap/changed",
		rule: "CompareAndSwap is ErrConflict where the item was changed since it was read, and leaves it",
		run:  orUnsupported(swapChanged), drops: dropsItems,
	},
	{
		name: "swap/gone",
		rule: "CompareAndSwap is ErrMiss where the item is gone, and stores nothing",
		run:  orUnsupported(swapGone), drops: dropsItems,
	},
	{
		name: "swap/new state",
		rule: "every store to the key makes a new state: equal bytes, a delete and a set, an increment by 0",
		run:  orUnsupported(swapNewState), drops: dropsItems,
	},
	{
		name: "swap/many",
		rule: "an item of GetItemMulti swaps as one of GetItem does",
		run:  orUnsupported(swapMany), drops: dropsItems,
	},
	{
		name: "swap/delete",
		rule: "CompareAndDelete deletes the item that was read; it is ErrConflict if that was changed, ErrMiss if it is gone",
		run:  orUnsupported(swapDelete), drops: dropsItems,
	},
	{
		name: "swap/foreign",
		rule: "an item that was not read from this cache is refused, and nothing changes",
		run:  orUnsupported(swapForeign), drops: dropsForeign,
	},
	{
		name: "swap/concurrent",
		rule: "of many swaps of one state exactly one succeeds",
		run:  orUnsupported(swapConcurrent), drops: dropsItems,
	},
}

// orUnsupported runs the case if the cache can swap, and otherwise checks that it
// says that it cannot.
func orUnsupported(run func(*suite)) func(*suite) {
	return func(s *suite) {
		if !s.c.Supports(cache.OpCompareAndSwap) {
			s.unsupported(cache.OpGetItem, cache.OpGetItemMulti, cache.OpGetOrAdd, cache.OpGetOrAddMulti, cache.OpCompareAndSwap, cache.OpCompareAndSwapMulti, cache.OpCompareAndDelete, cache.OpCompareAndDeleteMulti)
			return
		}
		run(s)
	}
}

func (s *suite) swap(old cache.Item, v string) error {
	return s.c.CompareAndSwap(s.ctx, old, []byte(v), 0)
}

func swapUnchanged(s *suite) {
	s.set("k", "1")
	s.none(s.swap(s.item("k"), "2"), "CompareAndSwap")
	s.has("k", "2")
	it := s.item("k")
	s.set("other", "x")
	s.has("k", "2") // reading changes nothing
	s.item("k")
	s.none(s.swap(it, ""), "CompareAndSwap")
	s.has("k", "")
	s.set("n", "7")
	s.increment("n", 1, 8)
	s.none(s.swap(s.item("n"), "100"), "CompareAndSwap of a counter")
	s.increment("n", 1, 101)
}

func swapChanged(s *suite) {
	s.set("k", "1")
	old := s.item("k")
	s.set("k", "2")
	s.is(s.swap(old, "3"), cache.ErrConflict, "CompareAndSwap of a changed item")
	s.has("k", "2")
	old = s.item("k")
	s.none(s.swap(old, "4"), "CompareAndSwap")
	s.is(s.swap(old, "5"), cache.ErrConflict, "CompareAndSwap for the second time")
	s.has("k", "4")
}

func swapGone(s *suite) {
	s.set("k", "1")
	old := s.item("k")
	s.none(s.c.Delete(s.ctx, "k"), "Delete")
	s.is(s.swap(old, "2"), cache.ErrMiss, "CompareAndSwap of a deleted item")
	s.misses("k")
	s.set("k", "1")
	old = s.item("k")
	s.none(s.c.Flush(s.ctx), "Flush")
	s.is(s.swap(old, "2"), cache.ErrMiss, "CompareAndSwap after Flush")
	s.misses("k")
}

func swapNewState(s *suite) {
	changes := map[string]func() error{
		"Set of equal bytes":     func() error { return s.c.Set(s.ctx, "k", []byte("5"), 0) },
		"Replace by equal bytes": func() error { return s.c.Replace(s.ctx, "k", []byte("5"), 0) },
		"SetMulti of equal bytes": func() error {
			return s.c.SetMulti(s.ctx, map[string][]byte{"k": []byte("5")}, 0)
		},
		"Increment by 0": func() error { _, err := s.c.Increment(s.ctx, "k", 0); return err },
		"Decrement by 0": func() error { _, err := s.c.Decrement(s.ctx, "k", 0); return err },
		"a swap for equal bytes": func() error {
			return s.swap(s.item("k"), "5")
		},
		"Delete and Set": func() error {
			if err := s.c.Delete(s.ctx, "k"); err != nil {
				return err
			}
			return s.c.Set(s.ctx, "k", []byte("5"), 0)
		},
		"Delete and Add": func() error {
			if err := s.c.Delete(s.ctx, "k"); err != nil {
				return err
			}
			return s.c.Add(s.ctx, "k", []byte("5"), 0)
		},
		"Flush and Set": func() error {
			if err := s.c.Flush(s.ctx); err != nil {
				return err
			}
			return s.c.Set(s.ctx, "k", []byte("5"), 0)
		},
	}
	for name, change := range changes {
		s.none(s.c.DeleteMulti(s.ctx, []string{"k"}), "DeleteMulti") // each from the first state of a key
		s.set("k", "5")
		old := s.item("k")
		s.none(change(), "%s", name)
		s.is(s.swap(old, "6"), cache.ErrConflict, "CompareAndSwap after %s", name)
		s.is(s.c.CompareAndDelete(s.ctx, old), cache.ErrConflict, "CompareAndDelete after %s", name)
		s.has("k", "5")
	}
}

func swapMany(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.set("c", "3")
	items, err := s.c.GetItemMulti(s.ctx, []string{"a", "b", "c"})
	s.none(err, "GetItemMulti")
	s.set("b", "2")
	s.none(s.swap(items["a"], "4"), "CompareAndSwap")
	s.is(s.swap(items["b"], "5"), cache.ErrConflict, "CompareAndSwap of a changed item")
	s.none(s.c.CompareAndDelete(s.ctx, items["c"]), "CompareAndDelete")
	s.hasMulti([]string{"a", "b", "c"}, map[string]string{"a": "4", "b": "2"})
}

func swapDelete(s *suite) {
	s.set("k", "1")
	old := s.item("k")
	s.set("k", "2")
	s.is(s.c.CompareAndDelete(s.ctx, old), cache.ErrConflict, "CompareAndDelete of a changed item")
	s.has("k", "2")
	old = s.item("k")
	s.none(s.c.CompareAndDelete(s.ctx, old), "CompareAndDelete")
	s.misses("k")
	s.is(s.c.CompareAndDelete(s.ctx, old), cache.ErrMiss, "CompareAndDelete for the second time")
	s.none(s.c.Add(s.ctx, "k", []byte("3"), 0), "Add after CompareAndDelete")
	s.has("k", "3")
}

func swapForeign(s *suite) {
	s.set("k", "1")
	other := s.another()
	s.none(other.Set(s.ctx, "k", []byte("1"), 0), "Set in another cache")
	foreign, err := other.GetItem(s.ctx, "k")
	s.none(err, "GetItem in another cache")
	s.set("k", "2") // after the other cache was opened, which may have emptied a server that both use
	for name, it := range map[string]cache.Item{"another cache": foreign, "nowhere": {}, "a made-up item": {Key: "k", Value: []byte("2")}} {
		if err := s.swap(it, "3"); err == nil {
			s.errorf("CompareAndSwap of an item from %s: no error", name)
		}
		if err := s.c.CompareAndDelete(s.ctx, it); err == nil {
			s.errorf("CompareAndDelete of an item from %s: no error", name)
		}
	}
	s.has("k", "2")
}

func dropsForeign(s *suite) {
	if err := s.swap(cache.Item{Key: "k"}, "1"); err == nil {
		s.errorf("CompareAndSwap of a made-up item: no error")
	}
	if err := s.c.CompareAndDelete(s.ctx, cache.Item{Key: "k"}); err == nil {
		s.errorf("CompareAndDelete of a made-up item: no error")
	}
}

func swapConcurrent(s *suite) {
	const workers, rounds = 8, 10
	for round := range rounds {
		s.set("k", "0")
		old := s.item("k")
		won := s.winners(workers, cache.ErrConflict, func(worker int) error {
			return s.swap(old, "worker "+strconv.Itoa(worker))
		})
		if len(won) != 1 {
			s.errorf("round %d: %d swaps of one state succeeded, want 1", round, len(won))
			continue
		}
		s.has("k", "worker "+strconv.Itoa(won[0]))
		old = s.item("k")
		won = s.winners(workers, cache.ErrMiss, func(int) error { return s.c.CompareAndDelete(s.ctx, old) })
		if len(won) != 1 {
			s.errorf("round %d: %d deletes of one state succeeded, want 1", round, len(won))
		}
	}
}
