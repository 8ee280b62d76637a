package cachetest

import (
	"fmt"
	"maps"

	"github.com/larder-go/larder/cache"
)

var readCases = []test{
	{
		name: "get/miss",
		rule: "an operation on one key that is absent returns ErrMiss itself, unwrapped, without a value",
		run:  readMisses,
	},
	{
		name: "get/hit",
		rule: "a read returns what was stored last, however often",
		run:  readHits,
	},
	{
		name: "get multi/partial",
		rule: "GetMulti and GetItemMulti return what is present, with the keys as the caller gave them; absent keys are not in the map, keys may repeat, and no keys give an empty map",
		run:  readPartial,
	},
	{
		name: "get multi/many",
		rule: "a batch of many keys returns the value of each under its own key",
		run:  readMany,
	},
	{
		name: "get item/values",
		rule: "an item has the key as the caller gave it",
		run:  swaps(itemReads), drops: dropsItems,
	},
}

func readMisses(s *suite) {
	for _, c := range calls {
		switch c.op {
		case cache.OpGet, cache.OpGetItem, cache.OpGetAndTouch, cache.OpTouch, cache.OpDelete:
		case cache.OpIncrement, cache.OpDecrement:
			if c.ttl {
				continue // from an initial value
			}
		default:
			continue
		}
		if s.c.Supports(c.op) {
			s.bare(c.do(s, s.ctx, input{key: "absent"}), cache.ErrMiss, "%s of an absent key", c.name)
		}
	}
	for _, r := range s.readers() {
		if r.op == cache.OpGetOrAdd || r.op == cache.OpGetOrAddMulti {
			continue
		}
		if v, err := r.do(s, "absent"); v != nil {
			s.errorf("%s of an absent key: the value %q beside error %v, want nil", r.name, v, err)
		}
	}
	s.misses("absent")
}

func readHits(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.set("a", "3")
	if s.c.Discards() {
		s.misses("a")
		return
	}
	for range 3 {
		for _, r := range s.readers() {
			for k, want := range map[string]string{"a": "3", "b": "2"} {
				got, err := r.do(s, k)
				s.found(r.name, k, got, err, want)
			}
		}
	}
}

// A multiReader is GetMulti, or GetItemMulti without the items.
type multiReader struct {
	name string
	op   cache.Op
	do   func(keys []string) (map[string][]byte, error)
}

// multiReaders returns those that the cache supports.
func (s *suite) multiReaders() []multiReader {
	all := []multiReader{{"GetMulti", cache.OpGetMulti, func(keys []string) (map[string][]byte, error) {
		return s.c.GetMulti(s.ctx, keys)
	}}}
	if s.c.Supports(cache.OpGetItemMulti) {
		all = append(all, multiReader{"GetItemMulti", cache.OpGetItemMulti, func(keys []string) (map[string][]byte, error) {
			items, err := s.c.GetItemMulti(s.ctx, keys)
			if items == nil {
				return nil, err
			}
			return itemValues(items), err
		}})
	}
	return all
}

func readPartial(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	for _, r := range s.multiReaders() {
		for _, keys := range [][]string{nil, {}} {
			got, err := r.do(keys)
			s.none(err, "%s of no keys", r.name)
			if got == nil || len(got) != 0 {
				s.errorf("%s of no keys: %v, want an empty map", r.name, got)
			}
		}
		check := func(keys []string, want map[string]string) {
			s.t.Helper()
			got, err := r.do(keys)
			s.none(err, "%s of %q", r.name, keys)
			s.sameValues(r.name, got, want)
		}
		check([]string{"a", "b"}, map[string]string{"a": "1", "b": "2"})
		check([]string{"absent", "b", "none"}, map[string]string{"b": "2"})
		check([]string{"absent"}, nil)
		check([]string{"a", "absent", "a", "b", "absent", "a"}, map[string]string{"a": "1", "b": "2"})
	}
}

func readMany(s *suite) {
	keys := make([]string, 0, s.many)
	values, want := map[string][]byte{}, map[string]string{}
	for i := range s.many {
		k := fmt.Sprintf("many:%d", i)
		keys = append(keys, k)
		if i%3 == 0 {
			continue
		}
		want[k] = fmt.Sprint("value ", i)
		values[k] = []byte(want[k])
	}
	s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti of %d keys", len(values))
	for _, r := range s.multiReaders() {
		got, err := r.do(keys)
		s.none(err, "%s of %d keys", r.name, len(keys))
		s.sameValues(r.name, got, want)
	}
	s.none(s.c.DeleteMulti(s.ctx, keys), "DeleteMulti of %d keys", len(keys))
	s.hasMulti(keys, nil)
}

func itemReads(s *suite) {
	want := map[string]string{"a": "1", "b": "2"}
	for k, v := range want {
		s.set(k, v)
	}
	if it := s.item("a"); it.Key != "a" || string(it.Value) != "1" {
		s.errorf("GetItem of %q: %q with the key %q, want %q", "a", it.Value, it.Key, "1")
	}
	read, err := s.c.GetItemMulti(s.ctx, []string{"a", "absent", "b", "a"})
	s.none(err, "GetItemMulti")
	s.sameValues("GetItemMulti", itemValues(read), want)
	one, _, err := s.c.GetOrAdd(s.ctx, "a", nil, 0)
	s.none(err, "GetOrAdd")
	many, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{"b": nil, "c": nil}, 0)
	s.none(err, "GetOrAddMulti")
	maps.Copy(many, read)
	for k, it := range many {
		if it.Key != k {
			s.errorf("the item at %q has the key %q", k, it.Key)
		}
	}
	if one.Key != "a" {
		s.errorf("GetOrAdd of %q: the item has the key %q", "a", one.Key)
	}
}
