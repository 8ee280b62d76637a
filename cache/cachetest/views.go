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
	plain := s.c
	view := plain.withPrefix("p:").withPrefix("q:")
	// in does something in the view. Without the prefix, "k" has another value and every
	// other key is absent.
	in := func(do func()) {
		s.none(plain.Set(s.ctx, "k", []byte("decoy"), 0), "Set")
		s.c = view
		do()
		s.c = plain
		s.has("k", "decoy")
	}
	for _, st := range s.storers() {
		in(func() {
			s.prepare(st, "k", "old", 0)
			s.none(st.do(s, "k", []byte("1"), 0), "%s with a prefix", st.name)
		})
		s.has("p:q:k", "1")
	}
	in(func() {
		s.set("k", "1")
		s.set("a", "2")
		s.hasMulti([]string{"k", "a", "absent"}, map[string]string{"k": "1", "a": "2"})
	})
	s.hasMulti([]string{"p:q:k", "p:q:a", "a"}, map[string]string{"p:q:k": "1", "p:q:a": "2"})
	if !s.c.Discards() {
		s.prefixed(in)
	}
	s.none(view.Flush(s.ctx), "Flush")
	s.misses("k")
}

// prefixed does in the view what needs items that stay. The values there are 1 at "k" and
// 2 at "a".
func (s *suite) prefixed(in func(func())) {
	s.t.Helper()
	in(func() {
		for _, r := range s.readers() {
			got, err := r.do(s, "k")
			s.found(r.name+" with a prefix", "k", got, err, "1")
		}
		s.is(s.c.Add(s.ctx, "a", value, 0), cache.ErrNotStored, "Add of a present key")
		s.failedFor(s.c.AddMulti(s.ctx, map[string][]byte{"a": value, "c": value}, 0), cache.OpAddMulti,
			map[string]error{"a": cache.ErrNotStored}, "AddMulti with a prefix")
		s.increment("a", 1, 3)
		s.decrement("a", 2, 1)
		n, err := s.c.IncrementFrom(s.ctx, "a", 1, 100, 0)
		s.counted(n, err, 2, "IncrementFrom with a prefix")
		n, err = s.c.DecrementFrom(s.ctx, "a", 1, 100, 0)
		s.counted(n, err, 1, "DecrementFrom with a prefix")
		if s.c.Supports(cache.OpTouch) {
			s.none(s.c.Touch(s.ctx, "a", 0), "Touch with a prefix")
		}
		if s.c.Supports(cache.OpCompareAndSwap) {
			items := s.itemsOf("k", "a")
			if items[0].Key != "k" || s.item("a").Key != "a" {
				s.errorf("items with a prefix have the keys %q and %q", items[0].Key, s.item("a").Key)
			}
		}
	})
	if s.c.Supports(cache.OpCompareAndSwap) {
		var it cache.Item
		in(func() { it = s.item("k") })
		s.none(s.swap(it, "4"), "CompareAndSwap in another view of the cache")
		s.has("p:q:k", "4")
	}
	in(func() {
		s.none(s.c.Delete(s.ctx, "k"), "Delete with a prefix")
		s.none(s.c.DeleteMulti(s.ctx, []string{"a", "c"}), "DeleteMulti with a prefix")
	})
	s.hasMulti([]string{"p:q:k", "p:q:a", "p:q:c"}, nil)
}
