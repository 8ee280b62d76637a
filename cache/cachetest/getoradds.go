package cachetest

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/larder-go/larder/cache"
)

var getOrAddCases = []test{
	{
		name: "get or add/present",
		rule: "GetOrAdd and GetOrAddMulti return the item that is there, which they leave as it is",
		run:  swaps(getOrAddPresent), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/absent",
		rule: "GetOrAdd and GetOrAddMulti store the value of an absent key, return it as the item, and report that it was added",
		run:  swaps(getOrAddAbsent), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/token",
		rule: "the item that GetOrAdd and GetOrAddMulti return, added or not, swaps and deletes as that of GetItem does",
		run:  swaps(getOrAddToken), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/concurrent",
		rule: "if several callers add a key with GetOrAdd or GetOrAddMulti, exactly one does, and all get its item, whose token is good",
		run:  swaps(getOrAddConcurrent), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/same state",
		rule: "the token of an item belongs to the state whose value the item has, whatever happens at the same time",
		run:  swaps(getOrAddSameState), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/deleted meanwhile",
		rule: "GetOrAdd and GetOrAddMulti of a key that comes and goes return an item, or ErrMiss for one that they added and that is gone",
		run:  swaps(getOrAddDeleted), drops: dropsGetOrAdd,
	},
	{
		name: "get or add/many",
		rule: "GetOrAddMulti returns every item under its own key and exactly the set of keys that were added; no keys give empty maps",
		run:  swaps(getOrAddMany), drops: dropsGetOrAdd,
	},
}

// A getOrAdd is GetOrAdd, or GetOrAddMulti with one key.
type getOrAdd struct {
	name string
	give func(key string, value []byte) (cache.Item, bool, error)
}

func (g getOrAdd) do(key, value string) (cache.Item, bool, error) { return g.give(key, []byte(value)) }

func (s *suite) getOrAdds() []getOrAdd {
	return []getOrAdd{
		{"GetOrAdd", func(key string, value []byte) (cache.Item, bool, error) {
			return s.c.GetOrAdd(s.ctx, key, value, 0)
		}},
		{"GetOrAddMulti", func(key string, value []byte) (cache.Item, bool, error) {
			items, added, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: value}, 0)
			var m *cache.MultiError
			if errors.As(err, &m) && len(m.Errors) == 1 && m.Errors[key] != nil {
				err = m.Errors[key]
			}
			return items[key], added[key], err
		}},
	}
}

// got checks the result of a getOrAdd.
func (s *suite) got(g getOrAdd, key string, it cache.Item, added bool, err error, want string, wantAdded bool) {
	s.t.Helper()
	s.found(g.name, key, it.Value, err, want)
	if added != wantAdded {
		s.errorf("%s of %q: added is %v, want %v", g.name, key, added, wantAdded)
	}
}

func getOrAddPresent(s *suite) {
	for _, g := range s.getOrAdds() {
		for _, v := range []string{"1", ""} {
			s.set("k", v)
			old := s.item("k")
			for range 2 {
				it, added, err := g.do("k", "2")
				s.got(g, "k", it, added, err, v, false)
			}
			s.has("k", v)
			s.none(s.swap(old, "3"), "CompareAndSwap of the item that was there before %s", g.name)
		}
	}
}

func getOrAddAbsent(s *suite) {
	for _, g := range s.getOrAdds() {
		for _, v := range []string{"1", ""} {
			key := g.name + v
			it, added, err := g.do(key, v)
			s.got(g, key, it, added, err, v, true)
			s.has(key, v)
			it, added, err = g.do(key, "2")
			s.got(g, key, it, added, err, v, false)
			s.none(s.c.Delete(s.ctx, key), "Delete")
			it, added, err = g.do(key, "3")
			s.got(g, key, it, added, err, "3", true)
		}
	}
}

func getOrAddToken(s *suite) {
	for _, g := range s.getOrAdds() {
		for _, present := range []bool{false, true} {
			get := func() cache.Item {
				s.t.Helper()
				s.none(s.c.DeleteMulti(s.ctx, []string{"k"}), "DeleteMulti")
				if present {
					s.set("k", "1")
				}
				it, added, err := g.do("k", "1")
				s.got(g, "k", it, added, err, "1", !present)
				return it
			}
			it := get()
			s.none(s.swap(it, "2"), "CompareAndSwap of the item of %s, present %v", g.name, present)
			s.has("k", "2")
			s.is(s.swap(it, "3"), cache.ErrConflict, "CompareAndSwap for the second time")
			s.has("k", "2")
			it = get()
			s.none(s.c.CompareAndDelete(s.ctx, it), "CompareAndDelete of the item of %s, present %v", g.name, present)
			s.misses("k")
			s.is(s.c.CompareAndDelete(s.ctx, it), cache.ErrMiss, "CompareAndDelete for the second time")
			it = get()
			s.set("k", "1") // equal bytes are a change
			s.is(s.swap(it, "4"), cache.ErrConflict, "CompareAndSwap of a changed item of %s", g.name)
			s.is(s.c.CompareAndDelete(s.ctx, it), cache.ErrConflict, "CompareAndDelete of a changed item of %s", g.name)
			s.has("k", "1")
		}
	}
}

func getOrAddConcurrent(s *suite) {
	const workers, rounds = 8, 10
	for round := range rounds {
		for _, g := range s.getOrAdds() {
			key := fmt.Sprint(g.name, round)
			items := make([]cache.Item, workers)
			adders := make([]bool, workers)
			together(workers, func(worker int) {
				var err error
				items[worker], adders[worker], err = g.do(key, "of "+strconv.Itoa(worker))
				s.none(err, "%s", g.name)
			})
			adder, n := 0, 0
			for worker, added := range adders {
				if added {
					adder = worker
					n++
				}
			}
			if n != 1 {
				s.errorf("%s: %d of %d callers added %q, want 1", g.name, n, workers, key)
				continue
			}
			want := "of " + strconv.Itoa(adder)
			for _, it := range items {
				s.found(g.name, key, it.Value, nil, want)
			}
			s.oneWins(workers, cache.ErrConflict, "CompareAndSwap of one state", func(worker int) error {
				return s.swap(items[worker], "swapped")
			})
		}
	}
}

// getOrAddSameState counts with items. Each swap adds one to the value that was read, so a
// token of another state loses a count.
func getOrAddSameState(s *suite) {
	const workers, rounds, conflicts = 4, 25, 10_000
	read := []getOrAdd{
		{"GetItem", func(key string, _ []byte) (cache.Item, bool, error) {
			it, err := s.c.GetItem(s.ctx, key)
			return it, false, err
		}},
		{"GetItemMulti", func(key string, _ []byte) (cache.Item, bool, error) {
			items, err := s.c.GetItemMulti(s.ctx, []string{key})
			return items[key], false, err
		}},
	}
	for _, g := range append(read, s.getOrAdds()...) {
		key := "n:" + g.name
		s.set(key, "0")
		together(workers, func(int) {
			for done, lost := 0, 0; done < rounds; {
				it, _, err := g.do(key, "0")
				n, bad := strconv.Atoi(string(it.Value))
				if err != nil || bad != nil {
					s.errorf("%s: %q and error %v, want a number", g.name, it.Value, err)
					return
				}
				switch err := s.swap(it, strconv.Itoa(n+1)); {
				case err == nil:
					done++
				case !errors.Is(err, cache.ErrConflict) || lost == conflicts:
					s.errorf("CompareAndSwap of an item of %s: error %q after %d conflicts", g.name, err, lost)
					return
				default:
					lost++
				}
			}
		})
		s.has(key, strconv.Itoa(workers*rounds))
	}
}

func getOrAddDeleted(s *suite) {
	const rounds = 40
	for _, g := range s.getOrAdds() {
		for round := range rounds {
			if round%2 == 0 {
				s.set("k", "v")
			}
			together(4, func(worker int) {
				if worker == 2 {
					s.expected("Delete", s.c.Delete(s.ctx, "k"), cache.ErrMiss)
					return
				}
				it, added, err := g.do("k", "v")
				if err != nil && !(added && errors.Is(err, cache.ErrMiss)) {
					s.errorf("%s: added %v, error %q; want an item, or one that was added and is gone", g.name, added, err)
				} else if err == nil && string(it.Value) != "v" {
					s.errorf("%s: %q, want %q", g.name, it.Value, "v")
				}
			})
		}
	}
}

func getOrAddMany(s *suite) {
	for _, values := range []map[string][]byte{nil, {}} {
		items, added, err := s.c.GetOrAddMulti(s.ctx, values, 0)
		if err != nil || items == nil || added == nil || len(items)+len(added) != 0 {
			s.errorf("GetOrAddMulti of no keys: %v, %v and error %v; want empty maps", items, added, err)
		}
	}
	values, want := map[string][]byte{}, map[string]string{}
	absent, present := map[string]bool{}, map[string][]byte{}
	var keys []string
	for i := range s.many {
		k := fmt.Sprint("k", i)
		keys = append(keys, k)
		values[k] = []byte("added " + k)
		if i%3 == 0 {
			absent[k], want[k] = true, "added "+k
		} else {
			present[k], want[k] = []byte("old "+k), "old "+k
		}
	}
	s.none(s.c.SetMulti(s.ctx, present, 0), "SetMulti of %d keys", len(present))
	items, added, err := s.c.GetOrAddMulti(s.ctx, values, 0)
	s.none(err, "GetOrAddMulti of %d keys", len(values))
	s.sameValues("GetOrAddMulti", itemValues(items), want)
	for _, k := range keys {
		if added[k] != absent[k] {
			s.errorf("GetOrAddMulti: added[%q] is %v, want %v", k, added[k], absent[k])
		}
	}
	if len(added) != len(absent) {
		s.errorf("GetOrAddMulti: the set of added keys has %d, want the %d that were absent", len(added), len(absent))
	}
	s.hasMulti(keys, want)
	// Each token belongs to its key.
	var old []cache.Item
	for _, k := range keys {
		old = append(old, items[k])
	}
	s.none(s.c.CompareAndDeleteMulti(s.ctx, old), "CompareAndDeleteMulti of the items")
	s.hasMulti(keys, nil)
}
