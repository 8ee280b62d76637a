package cachetest

import (
	"fmt"

	"github.com/larder-go/larder/cache"
)

var readCases = []test{
	{
		name: "get/miss",
		rule: "Get of an absent key is the bare ErrMiss, without a value",
		run:  getMiss,
	},
	{
		name: "get/hit",
		rule: "Get returns what was stored last, and reading takes nothing away",
		run:  getHit,
	},
	{
		name: "get multi/partial",
		rule: "GetMulti returns what is there; a missing key is just absent, keys may repeat, and no keys give an empty map",
		run:  getMultiPartial,
	},
	{
		name: "get multi/many",
		rule: "a batch of many keys names each value by its own key",
		run:  getMultiMany,
	},
	{
		name: "get item/values",
		rule: "GetItem and GetItemMulti return what Get and GetMulti do, with the key as the caller gave it",
		run:  itemReads, drops: dropsItems,
	},
}

func getMiss(s *suite) {
	v, err := s.c.Get(s.ctx, "absent")
	if err != cache.ErrMiss {
		s.errorf("Get of an absent key: error %#v, want ErrMiss itself", err)
	}
	if v != nil {
		s.errorf("Get of an absent key: the value %q, want nil", v)
	}
}

func getHit(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.set("a", "3")
	for range 3 {
		s.has("a", "3")
		s.has("b", "2")
	}
}

func getMultiPartial(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	for _, keys := range [][]string{nil, {}} {
		got, err := s.c.GetMulti(s.ctx, keys)
		s.none(err, "GetMulti of no keys")
		if got == nil || len(got) != 0 {
			s.errorf("GetMulti of no keys: %v, want an empty map", got)
		}
	}
	s.hasMulti([]string{"a", "b"}, map[string]string{"a": "1", "b": "2"})
	s.hasMulti([]string{"absent", "b", "none"}, map[string]string{"b": "2"})
	s.hasMulti([]string{"absent"}, nil)
	s.hasMulti([]string{"a", "absent", "a", "b", "absent", "a"}, map[string]string{"a": "1", "b": "2"})
}

func getMultiMany(s *suite) {
	const n = 2000
	keys := make([]string, 0, n)
	values := map[string][]byte{}
	want := map[string]string{}
	for i := range n {
		k := fmt.Sprintf("many:%d", i)
		keys = append(keys, k)
		if i%3 == 0 {
			continue
		}
		want[k] = fmt.Sprint("value ", i)
		values[k] = []byte(want[k])
	}
	s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti of %d keys", len(values))
	s.hasMulti(keys, want)
	s.none(s.c.DeleteMulti(s.ctx, keys), "DeleteMulti of %d keys", len(keys))
	s.hasMulti(keys, nil)
}

func itemReads(s *suite) {
	if !s.c.Supports(cache.OpGetItem) {
		s.unsupported(cache.OpGetItem, cache.OpGetItemMulti)
		return
	}
	s.set("a", "1")
	s.set("b", "2")
	it := s.item("a")
	if it.Key != "a" || string(it.Value) != "1" {
		s.errorf("GetItem of %q: %q with the key %q, want %q", "a", it.Value, it.Key, "1")
	}
	if _, err := s.c.GetItem(s.ctx, "absent"); err != cache.ErrMiss {
		s.errorf("GetItem of an absent key: error %#v, want ErrMiss itself", err)
	}
	items, err := s.c.GetItemMulti(s.ctx, []string{"a", "absent", "b", "a"})
	s.none(err, "GetItemMulti")
	s.sameValues("GetItemMulti", itemValues(items), map[string]string{"a": "1", "b": "2"})
	for k, it := range items {
		if it.Key != k {
			s.errorf("GetItemMulti: the item at %q has the key %q", k, it.Key)
		}
	}
	items, err = s.c.GetItemMulti(s.ctx, nil)
	s.none(err, "GetItemMulti of no keys")
	if items == nil || len(items) != 0 {
		s.errorf("GetItemMulti of no keys: %v, want an empty map", items)
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
