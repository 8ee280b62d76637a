package cachetest

import (
	"slices"
	"strings"

	"github.com/larder-go/larder/cache"
)

var keyCases = []test{
	{
		name: "key/any",
		rule: "a key works in every operation if it encodes to 1 to 250 bytes with no byte <= 0x20 and no 0x7f",
		run:  keysWork, drops: dropsKeys,
	},
	{
		name: "key/invalid",
		rule: "a key that does not encode to 1 to 250 bytes with no byte <= 0x20 and no 0x7f is ErrInvalidKey in every operation, and nothing is sent",
		run:  keysRejected, portable: true,
	},
	{
		name: "key/invalid in a batch",
		rule: "an invalid key among many is named in the MultiError with ErrInvalidKey, and the operation is done for the others",
		run:  keysRejectedInBatch, portable: true,
	},
	{
		name: "key/distinct",
		rule: "two different keys never share a value",
		run:  keysDistinct,
	},
}

// keys are all sorts of keys. Which are valid depends on the encoding.
func (s *suite) keys() []string {
	keys := []string{
		"k", "K", "aA", "aa", "user:1", "0", "-1", "a/b?c=d&e#f", "100%", "~tilde", `back\slash"quote'`, "a,b;c", "{braces}", "=azE=",
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

// sorted divides the keys into valid and invalid ones.
func (s *suite) sorted() (valid, invalid []string) {
	for _, k := range s.keys() {
		if s.valid(k) {
			valid = append(valid, k)
		} else {
			invalid = append(invalid, k)
		}
	}
	return valid, invalid
}

func keysWork(s *suite) {
	valid, _ := s.sorted()
	want, values := map[string]string{}, map[string][]byte{}
	for _, k := range valid {
		s.none(s.c.CheckKey(k), "CheckKey of %.40q", k)
		want[k] = "value of " + k
		values[k] = []byte(want[k])
	}
	// Each operation on each key alone, so that no other key can take its place.
	for _, k := range valid {
		for _, st := range s.storers() {
			s.keyStores(st, k)
		}
		s.keyWorks(k)
	}
	// All keys at once.
	s.none(s.c.SetMulti(s.ctx, values, 0), "SetMulti")
	s.hasMulti(valid, want)
	s.none(s.c.DeleteMulti(s.ctx, valid), "DeleteMulti")
	s.hasMulti(valid, nil)
}

// keyStores stores at k and removes it again.
func (s *suite) keyStores(st storer, k string) {
	s.t.Helper()
	if !st.absent {
		s.set(k, "old")
	}
	v := []byte("by " + st.name)
	var err error
	if st.op == cache.OpGetOrAddMulti { // that of the table has a second key
		_, _, err = s.c.GetOrAddMulti(s.ctx, map[string][]byte{k: v}, 0)
	} else {
		err = st.do(s, k, v, 0)
	}
	s.none(err, "%s of %.40q", st.name, k)
	s.has(k, string(v))
	s.none(s.c.Delete(s.ctx, k), "Delete of %.40q", k)
	s.misses(k)
}

// keyWorks does to k what does not store a value.
func (s *suite) keyWorks(k string) {
	s.t.Helper()
	n, err := s.c.IncrementFrom(s.ctx, k, 1, 5, 0)
	s.counted(n, err, 6, "IncrementFrom of the absent %.40q", k)
	s.none(s.c.DeleteMulti(s.ctx, []string{k}), "DeleteMulti of %.40q", k)
	s.misses(k)
	n, err = s.c.DecrementFrom(s.ctx, k, 1, 8, 0)
	s.counted(n, err, 7, "DecrementFrom of the absent %.40q", k)
	for _, r := range s.readers() {
		got, err := oneKey(s, r, k)
		s.found(r.name, k, got, err, "7")
	}
	s.is(s.c.Add(s.ctx, k, value, 0), cache.ErrNotStored, "Add of the present %.40q", k)
	if s.c.Supports(cache.OpTouch) {
		s.none(s.c.Touch(s.ctx, k, 0), "Touch of %.40q", k)
	}
	s.increment(k, 2, 9)
	s.decrement(k, 1, 8)
	n, err = s.c.IncrementFrom(s.ctx, k, 3, 100, 0)
	s.counted(n, err, 11, "IncrementFrom of the present %.40q", k)
	n, err = s.c.DecrementFrom(s.ctx, k, 1, 100, 0)
	s.counted(n, err, 10, "DecrementFrom of the present %.40q", k)
	s.has(k, "10")
	if !s.c.Supports(cache.OpCompareAndSwap) {
		s.none(s.c.Delete(s.ctx, k), "Delete of %.40q", k)
		return
	}
	s.none(s.c.CompareAndDelete(s.ctx, s.item(k)), "CompareAndDelete of %.40q", k)
	s.misses(k)
	s.set(k, "1")
	s.none(s.c.CompareAndDeleteMulti(s.ctx, []cache.Item{s.item(k)}), "CompareAndDeleteMulti of %.40q", k)
	s.misses(k)
}

// oneKey reads k with an operation that is given no other key.
func oneKey(s *suite, r reader, k string) ([]byte, error) {
	switch r.op {
	case cache.OpGetMulti:
		got, err := s.c.GetMulti(s.ctx, []string{k})
		return one(got, k, err)
	case cache.OpGetItemMulti:
		got, err := s.c.GetItemMulti(s.ctx, []string{k})
		return one(itemValues(got), k, err)
	}
	return r.do(s, k)
}

func keysRejected(s *suite) {
	s.set("k", "kept")
	_, invalid := s.sorted()
	for _, k := range invalid {
		s.is(s.c.CheckKey(k), cache.ErrInvalidKey, "CheckKey of %.40q", k)
	}
	for _, c := range calls {
		if !c.keyed || !s.c.Supports(c.op) {
			continue
		}
		for _, k := range invalid {
			s.is(c.do(s, s.ctx, input{key: k}), cache.ErrInvalidKey, "%s of %.40q", c.name, k)
		}
	}
	s.has("k", "kept")
	s.misses("smuggled")
}

func keysRejectedInBatch(s *suite) {
	_, invalid := s.sorted()
	want := map[string]string{"a": "1", "b": "2"}
	keys := append(append([]string{"a"}, invalid...), "b")
	all := map[string][]byte{"a": []byte("1"), "b": []byte("2")}
	failed := map[string]error{}
	for _, k := range invalid {
		all[k] = value
		failed[k] = cache.ErrInvalidKey
	}
	for _, store := range []struct {
		op cache.Op
		do func() error
	}{
		{cache.OpAddMulti, func() error { return s.c.AddMulti(s.ctx, all, 0) }},
		{cache.OpReplaceMulti, func() error { return s.c.ReplaceMulti(s.ctx, all, 0) }},
		{cache.OpSetMulti, func() error { return s.c.SetMulti(s.ctx, all, 0) }},
	} {
		s.failedFor(store.do(), store.op, failed, "%v with invalid keys", store.op)
		s.hasMulti([]string{"a", "b"}, want)
	}
	got, err := s.c.GetMulti(s.ctx, keys)
	s.failedFor(err, cache.OpGetMulti, failed, "GetMulti with invalid keys")
	s.sameValues("GetMulti with invalid keys", got, want)
	if s.c.Supports(cache.OpGetItemMulti) {
		items, err := s.c.GetItemMulti(s.ctx, keys)
		s.failedFor(err, cache.OpGetItemMulti, failed, "GetItemMulti with invalid keys")
		s.sameValues("GetItemMulti with invalid keys", itemValues(items), want)
	}
	if s.c.Supports(cache.OpGetOrAddMulti) && !s.c.Discards() {
		items, added, err := s.c.GetOrAddMulti(s.ctx, all, 0)
		s.failedFor(err, cache.OpGetOrAddMulti, failed, "GetOrAddMulti with invalid keys")
		s.sameValues("GetOrAddMulti with invalid keys", itemValues(items), want)
		if len(added) != 0 {
			s.errorf("GetOrAddMulti with invalid keys: added %v, want none", added)
		}
	}
	s.failedFor(s.c.DeleteMulti(s.ctx, keys), cache.OpDeleteMulti, failed, "DeleteMulti with invalid keys")
	s.misses("a")
	s.misses("b")
}

func keysDistinct(s *suite) {
	var keys []string
	for _, k := range []string{"a", "A", "aa", "aA", "a:", "a:1", "a:10", "a:01", "а", "á", "a\u0301", "~a", "a~", "a%20", "a+", "YQ==", "a=", "0", "00"} {
		if s.valid(k) {
			keys = append(keys, k)
		}
	}
	// A key that looks like the encoded form of another is a key as any other.
	for _, k := range s.keys() {
		if form := s.o.KeyEncoding.Encode(k); s.valid(k) && s.valid(form) {
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
