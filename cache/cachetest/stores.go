package cachetest

import (
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache"
)

var storeCases = []test{
	{
		name: "set/always",
		rule: "Set stores whether the key is absent or present",
		run:  setAlways,
	},
	{
		name: "add/if absent",
		rule: "Add stores only if the key is absent; otherwise it returns ErrNotStored and the value stays",
		run:  addIfAbsent, drops: dropsStores,
	},
	{
		name: "replace/if present",
		rule: "Replace stores only if the key is present; otherwise it returns ErrNotStored and nothing is stored",
		run:  replaceIfPresent, drops: dropsStores,
	},
	{
		name: "set multi/all",
		rule: "SetMulti stores every value, over what is there, and returns no error",
		run:  setMulti,
	},
	{
		name: "add multi/exactly",
		rule: "AddMulti stores what can be stored, and a MultiError names exactly the keys that were present, with ErrNotStored",
		run:  addMulti, drops: dropsStoresMulti,
	},
	{
		name: "replace multi/exactly",
		rule: "ReplaceMulti stores what can be stored, and a MultiError names exactly the keys that were absent, with ErrNotStored",
		run:  replaceMulti, drops: dropsStoresMulti,
	},
	{
		name: "store multi/many",
		rule: "each key of a large batch is stored, or named with its own error",
		run:  storeMany, drops: dropsStoresMulti,
	},
}

var deleteCases = []test{
	{
		name: "delete/present",
		rule: "Delete removes the key and no other",
		run:  deletePresent, drops: dropsDeletes,
	},
	{
		name: "delete/absent",
		rule: "Delete of an absent key returns ErrMiss",
		run:  deleteAbsent,
	},
	{
		name: "delete multi/absent",
		rule: "DeleteMulti removes the keys and returns no error for absent keys; keys may repeat, or be none",
		run:  deleteMulti,
	},
}

func setAlways(s *suite) {
	for _, v := range []string{"1", "a longer value", "2"} {
		s.set("k", v)
		s.has("k", v)
	}
}

func addIfAbsent(s *suite) {
	s.none(s.c.Add(s.ctx, "k", []byte("1"), 0), "Add")
	s.is(s.c.Add(s.ctx, "k", []byte("2"), 0), cache.ErrNotStored, "Add of a present key")
	s.has("k", "1")
	s.set("j", "set")
	s.is(s.c.Add(s.ctx, "j", nil, 0), cache.ErrNotStored, "Add of a present key")
	s.has("j", "set")
	s.none(s.c.Delete(s.ctx, "k"), "Delete")
	s.none(s.c.Add(s.ctx, "k", []byte("3"), 0), "Add after Delete")
	s.has("k", "3")
}

func replaceIfPresent(s *suite) {
	s.is(s.c.Replace(s.ctx, "k", []byte("1"), 0), cache.ErrNotStored, "Replace of an absent key")
	s.misses("k")
	s.set("k", "2")
	s.none(s.c.Replace(s.ctx, "k", []byte("3"), 0), "Replace")
	s.has("k", "3")
	s.none(s.c.Delete(s.ctx, "k"), "Delete")
	s.is(s.c.Replace(s.ctx, "k", []byte("4"), 0), cache.ErrNotStored, "Replace after Delete")
	s.misses("k")
}

func setMulti(s *suite) {
	for _, empty := range []map[string][]byte{nil, {}} {
		s.none(s.c.SetMulti(s.ctx, empty, 0), "SetMulti of nothing")
		s.none(s.c.AddMulti(s.ctx, empty, 0), "AddMulti of nothing")
		s.none(s.c.ReplaceMulti(s.ctx, empty, 0), "ReplaceMulti of nothing")
	}
	s.set("b", "old")
	s.none(s.c.SetMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": nil}, 0), "SetMulti")
	s.hasMulti([]string{"a", "b", "c"}, map[string]string{"a": "1", "b": "2", "c": ""})
}

func addMulti(s *suite) {
	s.set("b", "old")
	s.set("d", "old")
	err := s.c.AddMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": []byte("3"), "d": []byte("4")}, 0)
	s.failedFor(err, cache.OpAddMulti, map[string]error{"b": cache.ErrNotStored, "d": cache.ErrNotStored}, "AddMulti")
	s.hasMulti([]string{"a", "b", "c", "d"}, map[string]string{"a": "1", "b": "old", "c": "3", "d": "old"})
	s.none(s.c.AddMulti(s.ctx, map[string][]byte{"e": nil, "f": []byte("6")}, 0), "AddMulti of absent keys")
	s.hasMulti([]string{"e", "f"}, map[string]string{"e": "", "f": "6"})
}

func replaceMulti(s *suite) {
	s.set("b", "old")
	s.set("d", "old")
	err := s.c.ReplaceMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2"), "c": []byte("3"), "d": []byte("4")}, 0)
	s.failedFor(err, cache.OpReplaceMulti, map[string]error{"a": cache.ErrNotStored, "c": cache.ErrNotStored}, "ReplaceMulti")
	s.hasMulti([]string{"a", "b", "c", "d"}, map[string]string{"b": "2", "d": "4"})
	s.none(s.c.ReplaceMulti(s.ctx, map[string][]byte{"b": nil, "d": []byte("6")}, 0), "ReplaceMulti of present keys")
	s.hasMulti([]string{"b", "d"}, map[string]string{"b": "", "d": "6"})
}

func storeMany(s *suite) {
	values := func(v string) (map[string][]byte, map[string]string) {
		values, want := map[string][]byte{}, map[string]string{}
		for i := range s.many {
			k := fmt.Sprint("k", i)
			want[k] = v + k
			values[k] = []byte(want[k])
		}
		return values, want
	}
	var keys []string
	for i := range s.many {
		keys = append(keys, fmt.Sprint("k", i))
	}
	// Every seventh key is present when the others are added, and absent when they are
	// replaced.
	set, want := values("set ")
	some := map[string][]byte{}
	failed := map[string]error{}
	for i := 0; i < s.many; i += 7 {
		some[keys[i]] = set[keys[i]]
		failed[keys[i]] = cache.ErrNotStored
	}
	s.none(s.c.SetMulti(s.ctx, some, 0), "SetMulti of %d keys", len(some))
	add, added := values("add ")
	s.failedFor(s.c.AddMulti(s.ctx, add, 0), cache.OpAddMulti, failed, "AddMulti of %d keys", s.many)
	for k := range failed {
		added[k] = want[k]
	}
	s.hasMulti(keys, added)
	s.none(s.c.DeleteMulti(s.ctx, slices.Collect(maps.Keys(some))), "DeleteMulti of %d keys", len(some))
	replace, replaced := values("replace ")
	s.failedFor(s.c.ReplaceMulti(s.ctx, replace, 0), cache.OpReplaceMulti, failed, "ReplaceMulti of %d keys", s.many)
	for k := range failed {
		delete(replaced, k)
	}
	s.hasMulti(keys, replaced)
	s.none(s.c.SetMulti(s.ctx, set, 0), "SetMulti of %d keys", s.many)
	s.hasMulti(keys, want)
}

func deletePresent(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.none(s.c.Delete(s.ctx, "a"), "Delete")
	s.misses("a")
	s.has("b", "2")
	s.set("a", "3")
	s.has("a", "3")
}

func deleteAbsent(s *suite) {
	s.is(s.c.Delete(s.ctx, "absent"), cache.ErrMiss, "Delete of an absent key")
	if s.c.Discards() {
		return
	}
	s.set("k", "")
	s.none(s.c.Delete(s.ctx, "k"), "Delete of an empty value")
	s.is(s.c.Delete(s.ctx, "k"), cache.ErrMiss, "Delete for the second time")
}

func deleteMulti(s *suite) {
	for _, k := range []string{"a", "b", "c"} {
		s.set(k, k)
	}
	s.none(s.c.DeleteMulti(s.ctx, nil), "DeleteMulti of no keys")
	s.none(s.c.DeleteMulti(s.ctx, []string{"absent", "a", "b", "a", "none"}), "DeleteMulti")
	s.hasMulti([]string{"a", "b", "c"}, map[string]string{"c": "c"})
	s.none(s.c.DeleteMulti(s.ctx, []string{"a", "b"}), "DeleteMulti of absent keys")
	s.hasMulti([]string{"a", "b", "c", "absent", "none"}, map[string]string{"c": "c"})
}
