package cachetest

import (
	"strconv"

	"github.com/larder-go/larder/cache"
)

var swapCases = []test{
	{
		name: "swap/unchanged",
		rule: "CompareAndSwap stores where the item is still the one that was read",
		run:  swaps(swapUnchanged), drops: dropsItems,
	},
	{
		name: "swap/changed",
		rule: "CompareAndSwap returns ErrConflict where the item changed since it was read, and leaves it",
		run:  swaps(swapChanged), drops: dropsItems,
	},
	{
		name: "swap/gone",
		rule: "CompareAndSwap returns ErrMiss where the item is gone, and stores nothing",
		run:  swaps(swapGone), drops: dropsItems,
	},
	{
		name: "swap/delete",
		rule: "CompareAndDelete removes the item that was read; it returns ErrConflict if that changed, and ErrMiss if it is gone",
		run:  swaps(swapDelete), drops: dropsItems,
	},
	{
		name: "swap/new state",
		rule: "every store to the key makes a new state: equal bytes, a delete and a store, a count by 0",
		run:  swaps(swapNewState), drops: dropsItems,
	},
	{
		name: "swap/same state",
		rule: "what does not store makes no new state: a read, a store that is rejected, a delete of another state, a count of a text",
		run:  swaps(swapSameState), drops: dropsItems,
	},
	{
		name: "swap/batch",
		rule: "an item of GetItemMulti swaps as one of GetItem does",
		run:  swaps(swapBatch), drops: dropsItems,
	},
	{
		name: "swap/foreign",
		rule: "an item that was not read from this cache is rejected, and nothing changes",
		run:  swaps(swapForeign), drops: dropsForeign, portable: true,
	},
	{
		name: "swap/concurrent",
		rule: "of several swaps, or deletes, of one state exactly one succeeds",
		run:  swaps(swapConcurrent), drops: dropsItems,
	},
}

func swapUnchanged(s *suite) {
	s.set("k", "1")
	s.none(s.swap(s.item("k"), "2"), "CompareAndSwap")
	s.has("k", "2")
	it := s.item("k")
	s.set("other", "x")
	s.none(s.swap(it, ""), "CompareAndSwap after a store of another key")
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
	s.bare(s.swap(old, "3"), cache.ErrConflict, "CompareAndSwap of a changed item")
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
	s.bare(s.swap(old, "2"), cache.ErrMiss, "CompareAndSwap of a deleted item")
	s.misses("k")
	s.set("k", "1")
	old = s.item("k")
	s.none(s.c.Flush(s.ctx), "Flush")
	s.is(s.swap(old, "2"), cache.ErrMiss, "CompareAndSwap after Flush")
	s.misses("k")
}

func swapDelete(s *suite) {
	s.set("k", "1")
	old := s.item("k")
	s.set("k", "2")
	s.bare(s.c.CompareAndDelete(s.ctx, old), cache.ErrConflict, "CompareAndDelete of a changed item")
	s.has("k", "2")
	old = s.item("k")
	s.none(s.c.CompareAndDelete(s.ctx, old), "CompareAndDelete")
	s.misses("k")
	s.bare(s.c.CompareAndDelete(s.ctx, old), cache.ErrMiss, "CompareAndDelete for the second time")
	s.none(s.c.Add(s.ctx, "k", []byte("3"), 0), "Add after CompareAndDelete")
	s.has("k", "3")
}

// stateChanges are the operations after which "k", which is present, has the value "5" in
// a new state.
func (s *suite) stateChanges() map[string]func() error {
	changes := map[string]func() error{
		"Increment by 0":     func() error { _, err := s.c.Increment(s.ctx, "k", 0); return err },
		"Decrement by 0":     func() error { _, err := s.c.Decrement(s.ctx, "k", 0); return err },
		"IncrementFrom by 0": func() error { _, err := s.c.IncrementFrom(s.ctx, "k", 0, 1, 0); return err },
		"DecrementFrom by 0": func() error { _, err := s.c.DecrementFrom(s.ctx, "k", 0, 1, 0); return err },
		"Flush and Set": func() error {
			if err := s.c.Flush(s.ctx); err != nil {
				return err
			}
			return s.c.Set(s.ctx, "k", []byte("5"), 0)
		},
		"Delete and IncrementFrom": func() error {
			if err := s.c.Delete(s.ctx, "k"); err != nil {
				return err
			}
			_, err := s.c.IncrementFrom(s.ctx, "k", 0, 5, 0)
			return err
		},
		"CompareAndDelete and Set": func() error {
			if err := s.c.CompareAndDelete(s.ctx, s.item("k")); err != nil {
				return err
			}
			return s.c.Set(s.ctx, "k", []byte("5"), 0)
		},
	}
	for _, st := range s.storers() {
		if st.present {
			changes[st.name] = func() error { return st.do(s, "k", []byte("5"), 0) }
		}
		if st.absent {
			changes["Delete and "+st.name] = func() error {
				if err := s.c.DeleteMulti(s.ctx, []string{"k", "k:2"}); err != nil {
					return err
				}
				return st.do(s, "k", []byte("5"), 0)
			}
		}
	}
	return changes
}

func swapNewState(s *suite) {
	for name, change := range s.stateChanges() {
		s.none(s.c.DeleteMulti(s.ctx, []string{"k", "k:2"}), "DeleteMulti") // each from the first state of a key
		s.set("k", "5")
		old := s.item("k")
		s.none(change(), "%s", name)
		s.is(s.swap(old, "6"), cache.ErrConflict, "CompareAndSwap after %s", name)
		s.is(s.c.CompareAndDelete(s.ctx, old), cache.ErrConflict, "CompareAndDelete after %s", name)
		s.is(s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: old}}), cache.ErrConflict, "CompareAndSwapMulti after %s", name)
		s.is(s.c.CompareAndDeleteMulti(s.ctx, []cache.Item{old}), cache.ErrConflict, "CompareAndDeleteMulti after %s", name)
		s.has("k", "5")
	}
	makes := map[string]func() error{
		"IncrementFrom": func() error { _, err := s.c.IncrementFrom(s.ctx, "k", 1, 4, 0); return err },
		"DecrementFrom": func() error { _, err := s.c.DecrementFrom(s.ctx, "k", 1, 6, 0); return err },
	}
	for _, st := range s.storers() {
		if st.absent {
			makes[st.name] = func() error { return st.do(s, "k", []byte("5"), 0) }
		}
	}
	for name, add := range makes {
		var old [2]cache.Item
		for i := range old {
			s.none(s.c.DeleteMulti(s.ctx, []string{"k", "k:2"}), "DeleteMulti")
			s.none(add(), "%s", name)
			old[i] = s.item("k")
		}
		s.is(s.swap(old[0], "6"), cache.ErrConflict, "CompareAndSwap of an item that was removed and came back by %s", name)
		s.none(s.swap(old[1], "6"), "CompareAndSwap of the item that %s brought back", name)
	}
}

func swapSameState(s *suite) {
	for _, k := range s.keepers() {
		s.set("k", "old")
		stale := s.item("k")
		s.set("k", k.value)
		it := s.item("k")
		s.is(k.do(s, "k", stale), k.want, "%s", k.name)
		s.none(s.swap(it, "new"), "CompareAndSwap after %s", k.name)
		s.has("k", "new")
	}
}

func swapBatch(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.set("c", "3")
	items := s.itemsOf("a", "b", "c")
	s.set("b", "2")
	s.none(s.swap(items[0], "4"), "CompareAndSwap")
	s.is(s.swap(items[1], "5"), cache.ErrConflict, "CompareAndSwap of a changed item")
	s.none(s.c.CompareAndDelete(s.ctx, items[2]), "CompareAndDelete")
	s.hasMulti([]string{"a", "b", "c"}, map[string]string{"a": "4", "b": "2"})
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

func swapConcurrent(s *suite) {
	const workers, rounds = 8, 10
	for range rounds {
		s.set("k", "0")
		old := s.item("k")
		won := s.oneWins(workers, cache.ErrConflict, "CompareAndSwap of one state", func(worker int) error {
			return s.swap(old, "worker "+strconv.Itoa(worker))
		})
		if won < 0 {
			continue
		}
		s.has("k", "worker "+strconv.Itoa(won))
		old = s.item("k")
		s.oneWins(workers, cache.ErrMiss, "CompareAndDelete of one state", func(int) error {
			return s.c.CompareAndDelete(s.ctx, old)
		})
	}
}
