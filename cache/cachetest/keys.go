package cachetest

import (
	"maps"
	"slices"
	"strings"

	"github.com/larder-go/larder/cache"
)

var keyCases = []test{
	{
		name: "key/any",
		rule: "a key works on every operation if it encodes to 1..250 bytes with no byte <= 0x20 and no 0x7f",
		run:  keysWork, drops: keysAccepted,
	},
	{
		name: "key/illegal",
		rule: "a key that does not encode to 1..250 bytes with no byte <= 0x20 and no 0x7f is ErrInvalidKey on every operation, and nothing is sent",
		run:  keysRefused,
	},
	{
		name: "key/illegal in a batch",
		rule: "an illegal key among many is named in the MultiError with ErrInvalidKey, and the other keys are served",
		run:  keysRefusedInBatch,
	},
	{
		name: "key/distinct",
		rule: "two different keys never share a value",
		run:  keysDistinct,
	},
}

// keys are all sorts of keys. Which are legal depends on the encoding.
func (s *suite) keys() []string {
	keys := []string{
		"k", "K", "user:1", "0", "-1", "a/b?c=d&e#f", "100%", "~tilde", `back\slash"quote'`, "a,b;c", "{braces}", "=azE=",
		"ключ", "鍵", "\x80\xff", "caf\u00e9", "end\u0085line", "noreply", "get", "VALUE",
		"", " ", "my key", " k", "k ", "tab\tkey", "nul\x00key", "line\nkey", "line\r\nkey", "del\x7fkey", "\x1f", "\x01", "\u00a0 ",
		strings.Repeat("a", 7) + " ", strings.Repeat("a", 8) + "\x7f", strings.Repeat("a", 20) + " " + strings.Repeat("b", 20),
		"a 0 0 1\r\nx\r\nset smuggled 0 0 1\r\ny\r\n",
		strings.Repeat("x", 251), strings.Repeat("y", 1000), strings.Repeat("ж", 126),
	}
	for _, n := range []int{249, 250} {
		if left := n - len(s.o.KeyPrefix); left > 0 {
			keys = append(keys, strings.Repeat("l", left), strings.Repeat("\xd0\xb6", left/2))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// sorted splits the keys by the contract.
func (s *suite) sorted() (legal, illegal []string) {
	for _, k := range s.keys() {
		if s.legal(k) {
			legal = append(legal, k)
		} else {
			illegal = append(illegal, k)
		}
	}
	return legal, illegal
}

func keysAccepted(s *suite) {
	legal, _ := s.sorted()
	for _, k := range legal {
		s.set(k, "v")
		s.misses(k)
	}
}

func keysWork(s *suite) {
	legal, _ := s.sorted()
	want := map[string]string{}
	for _, k := range legal {
		s.none(s.c.CheckKey(k), "CheckKey of %.40q", k)
		want[k] = "value of " + k
		s.set(k, want[k])
	}
	for _, k := range legal {
		s.has(k, want[k])
	}
	s.hasMulti(legal, want)
	for _, k := range legal {
		s.is(s.c.Add(s.ctx, k, value, 0), cache.ErrNotStored, "Add of the present %.40q", k)
		s.none(s.c.Replace(s.ctx, k, []byte("7"), 0), "Replace of %.40q", k)
		n, err := s.c.Increment(s.ctx, k, 1)
		s.counted(n, err, 8, "Increment of %.40q", k)
		s.has(k, "8")
	}
	s.none(s.c.DeleteMulti(s.ctx, legal[:len(legal)/2]), "DeleteMulti")
	for i, k := range legal {
		if i >= len(legal)/2 {
			s.none(s.c.Delete(s.ctx, k), "Delete of %.40q", k)
		}
		s.misses(k)
	}
	values := map[string][]byte{}
	for _, k := range legal {
		values[k] = []byte(want[k])
	}
	s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti")
	s.hasMulti(legal, want)
}

func keysRefused(s *suite) {
	s.set("k", "kept")
	_, illegal := s.sorted()
	for _, k := range illegal {
		s.is(s.c.CheckKey(k), cache.ErrInvalidKey, "CheckKey of %.40q", k)
	}
	for _, c := range calls {
		if !c.keyed || !s.c.Supports(c.op) {
			continue
		}
		for _, k := range illegal {
			s.is(c.do(s, s.ctx, input{key: k}), cache.ErrInvalidKey, "%s of %.40q", c.name, k)
		}
	}
	s.has("k", "kept")
	s.misses("smuggled")
}

func keysRefusedInBatch(s *suite) {
	_, illegal := s.sorted()
	good := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	want := map[string]string{"a": "1", "b": "2"}
	keys := []string{"a"}
	keys = append(append(keys, illegal...), "b")

	all := maps.Clone(good)
	failed := map[string]error{}
	for _, k := range illegal {
		all[k] = value
		failed[k] = cache.ErrInvalidKey
	}
	stores := []struct {
		op    cache.Op
		store func() error
	}{
		{cache.OpAddMulti, func() error { return s.c.AddMulti(s.ctx, all, 0) }},
		{cache.OpReplaceMulti, func() error { return s.c.ReplaceMulti(s.ctx, all, 0) }},
		{cache.OpSetMulti, func() error { return s.c.SetMulti(s.ctx, all, 0) }},
	}
	for _, m := range stores {
		s.failedFor(m.store(), m.op, failed, "%v with illegal keys", m.op)
		s.hasMulti([]string{"a", "b"}, want)
	}
	got, err := s.c.GetMulti(s.ctx, keys)
	s.failedFor(err, cache.OpGetMulti, failed, "GetMulti with illegal keys")
	s.sameValues("GetMulti with illegal keys", got, want)
	if s.c.Supports(cache.OpGetItemMulti) {
		items, err := s.c.GetItemMulti(s.ctx, keys)
		s.failedFor(err, cache.OpGetItemMulti, failed, "GetItemMulti with illegal keys")
		s.sameValues("GetItemMulti with illegal keys", itemValues(items), want)
	}
	s.failedFor(s.c.DeleteMulti(s.ctx, keys), cache.OpDeleteMulti, failed, "DeleteMulti with illegal keys")
	s.misses("a")
	s.misses("b")
}

func keysDistinct(s *suite) {
	var keys []string
	for _, k := range []string{"a", "A", "aa", "aA", "a:", "a:1", "a:10", "a:01", "а", "á", "a\u0301", "~a", "a~", "a%20", "a+", "YQ==", "a=", "0", "00"} {
		if s.legal(k) {
			keys = append(keys, k)
		}
	}
	// A key that looks like the encoded form of another is a key of its own.
	for _, k := range s.keys() {
		if form := s.o.KeyEncoding.Encode(k); s.legal(k) && s.legal(form) {
			keys = append(keys, form)
		}
	}
	slices.Sort(keys)
	keys = slices.Compact(keys)
	want := map[string]string{}
	for _, k := range keys {
		want[k] = "only " + k
		s.set(k, want[k])
	}
	for _, k := range keys {
		s.has(k, want[k])
	}
	s.none(s.c.DeleteMulti(s.ctx, keys[:1]), "DeleteMulti of %.40q", keys[0])
	delete(want, keys[0])
	s.hasMulti(keys, want)
}

// itemValues takes the values out of items.
func itemValues(items map[string]cache.Item) map[string][]byte {
	values := make(map[string][]byte, len(items))
	for k, it := range items {
		values[k] = it.Value
	}
	return values
}
