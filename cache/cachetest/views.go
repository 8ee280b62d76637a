package cachetest

import (
	"github.com/larder-go/larder/cache"
)

var viewCases = []test{
	{
		name: "view/kind",
		rule: "the kind of a value makes no difference to Go: bytes are returned as they were stored, and numbers count",
		run:  viewKind,
	},
	{
		name: "view/prefix",
		rule: "a prefix is a part of the key, in every operation, and results name keys without it",
		run:  viewPrefix, portable: true,
	},
}

func viewKind(s *suite) {
	plain := s.c
	for _, kind := range []cache.Kind{cache.Bytes, cache.Text, cache.Number} {
		for key, v := range map[string]string{"number": "42", "text": "текст", "empty": ""} {
			if kind == cache.Number && key != "number" {
				continue
			}
			for _, st := range s.storers() {
				s.prepare(st, key, "1", 0)
				s.c = plain.as(kind)
				err := st.do(s, key, []byte(v), 0)
				s.c = plain
				s.none(err, "%s as %v", st.name, kind)
				s.has(key, v)
				if key == "number" && !s.c.Discards() {
					s.increment(key, 1, 43)
					s.has(key, "43")
				}
			}
		}
	}
}

func viewPrefix(s *suite) {
	view := s.c.withPrefix("p:").withPrefix("q:")
	s.set("k", "plain")
	s.none(view.Set(s.ctx, "k", []byte("1"), 0), "Set")
	s.has("k", "plain")
	s.has("p:q:k", "1")
	s.none(view.SetMulti(s.ctx, map[string][]byte{"a": []byte("2"), "b": []byte("3")}, 0), "SetMulti")
	s.hasMulti([]string{"p:q:a", "p:q:b", "a", "b"}, map[string]string{"p:q:a": "2", "p:q:b": "3"})
	got, err := view.GetMulti(s.ctx, []string{"k", "a", "b", "absent"})
	s.none(err, "GetMulti")
	s.sameValues("GetMulti with a prefix", got, map[string]string{"k": "1", "a": "2", "b": "3"})
	if s.c.Discards() {
		return
	}
	n, err := view.Increment(s.ctx, "a", 1)
	s.counted(n, err, 3, "Increment")
	s.is(view.Add(s.ctx, "a", value, 0), cache.ErrNotStored, "Add of a present key")
	s.failedFor(view.AddMulti(s.ctx, map[string][]byte{"a": value, "c": value}, 0), cache.OpAddMulti,
		map[string]error{"a": cache.ErrNotStored}, "AddMulti with a prefix")
	if s.c.Supports(cache.OpCompareAndSwap) {
		s.prefixedItems(view)
	}
	if s.c.Supports(cache.OpTouch) {
		got, err := view.GetAndTouch(s.ctx, "k", 0)
		s.found("GetAndTouch with a prefix", "k", got, err, "1")
		s.none(view.Touch(s.ctx, "k", 0), "Touch with a prefix")
	}
	s.none(view.Delete(s.ctx, "k"), "Delete")
	s.none(view.DeleteMulti(s.ctx, []string{"a", "b", "c"}), "DeleteMulti")
	s.hasMulti([]string{"k", "p:q:k", "p:q:a", "p:q:b", "p:q:c"}, map[string]string{"k": "plain"})
	s.none(view.Flush(s.ctx), "Flush")
	s.misses("k")
}

// prefixedItems reads items in a view with the prefix "p:q:" and swaps them in another.
func (s *suite) prefixedItems(view subject) {
	s.t.Helper()
	items, err := view.GetItemMulti(s.ctx, []string{"b", "absent"})
	s.none(err, "GetItemMulti")
	s.sameValues("GetItemMulti with a prefix", itemValues(items), map[string]string{"b": "3"})
	s.none(s.swap(items["b"], "4"), "CompareAndSwap in another view of the cache")
	s.has("p:q:b", "4")
	items, added, err := view.GetOrAddMulti(s.ctx, map[string][]byte{"b": nil, "d": []byte("5")}, 0)
	s.none(err, "GetOrAddMulti")
	s.sameValues("GetOrAddMulti with a prefix", itemValues(items), map[string]string{"b": "4", "d": "5"})
	if len(added) != 1 || !added["d"] {
		s.errorf("GetOrAddMulti with a prefix: added %v, want d", added)
	}
	s.has("p:q:d", "5")
	s.none(s.c.CompareAndDelete(s.ctx, items["d"]), "CompareAndDelete in another view of the cache")
	s.misses("p:q:d")
}
