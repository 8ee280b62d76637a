package cachetest

import (
	"bytes"
	"slices"

	"github.com/larder-go/larder/cache"
)

var valueCases = []test{
	{
		name: "value/empty",
		rule: "nil and empty are the same empty value, which is found and is not nil",
		run:  emptyValues, drops: dropsValues,
	},
	{
		name: "value/binary",
		rule: "a value is any bytes, and comes back as it was stored",
		run:  binaryValues,
	},
	{
		name: "value/copied",
		rule: "the cache keeps no reference to the bytes it is given",
		run:  copiedValues,
	},
	{
		name: "value/stable",
		rule: "bytes that were returned never change under the reader",
		run:  stableValues, drops: dropsValues,
	},
	{
		name: "value/large",
		rule: "a large value is stored whole or is ErrTooLarge, and nothing else that was stored is lost",
		run:  largeValues,
	},
}

// dropsValues is the whole life of a value in a cache that discards.
func dropsValues(s *suite) {
	for _, v := range [][]byte{nil, {}, value} {
		s.none(s.c.Set(s.ctx, "k", v, 0), "Set")
		s.misses("k")
	}
}

func emptyValues(s *suite) {
	keys := []string{"nil", "empty", "nil-multi", "added"}
	s.none(s.c.Set(s.ctx, "nil", nil, 0), "Set of nil")
	s.none(s.c.Set(s.ctx, "empty", []byte{}, 0), "Set of an empty value")
	s.none(s.c.SetMulti(s.ctx, map[string][]byte{"nil-multi": nil}, 0), "SetMulti of nil")
	s.none(s.c.Add(s.ctx, "added", nil, 0), "Add of nil")
	want := map[string]string{}
	for _, k := range keys {
		want[k] = ""
		got, err := s.c.Get(s.ctx, k)
		if err != nil || got == nil || len(got) != 0 {
			s.errorf("Get of %q: %#v and error %v, want an empty value that is not nil", k, got, err)
		}
		s.is(s.c.Add(s.ctx, k, value, 0), cache.ErrNotStored, "Add over the empty value at %q", k)
	}
	s.hasMulti(keys, want)
	if !s.c.Supports(cache.OpGetItem) {
		return
	}
	for _, k := range keys {
		if it := s.item(k); it.Value == nil || len(it.Value) != 0 {
			s.errorf("GetItem of %q: %#v, want an empty value that is not nil", k, it.Value)
		}
	}
	items, err := s.c.GetItemMulti(s.ctx, keys)
	s.none(err, "GetItemMulti")
	s.sameValues("GetItemMulti", itemValues(items), want)
	s.none(s.c.CompareAndSwap(s.ctx, items["nil"], nil, 0), "CompareAndSwap to nil")
	s.has("nil", "")
}

// binaries are values that a careless protocol or encoding would spoil.
func binaries() map[string]string {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return map[string]string{
		"all":     string(all),
		"nul":     "\x00",
		"crlf":    "\r\n",
		"end":     "\r\nEND\r\n",
		"command": "1\r\nset smuggled 0 0 1\r\nx\r\n",
		"spaces":  "  both sides  ",
		"number":  "9 ",
		"padded":  "10   ",
		"zeros":   "007",
		"sign":    "+1",
		"text":    "текст",
		"invalid": "\xff\xfe\xfd",
	}
}

func binaryValues(s *suite) {
	want := binaries()
	keys := make([]string, 0, len(want))
	for k, v := range want {
		s.set(k, v)
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		s.has(k, want[k])
	}
	s.hasMulti(keys, want)
	s.misses("smuggled")
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		for _, k := range keys {
			if it := s.item(k); string(it.Value) != want[k] {
				s.errorf("GetItem of %q: %q, want %q", k, it.Value, want[k])
			}
		}
	}
}

func copiedValues(s *suite) {
	stored := []byte("original")
	spoil := func() { copy(stored, "spoiled!") }
	check := func(what string, err error) {
		s.t.Helper()
		s.none(err, "%s", what)
		spoil()
		s.has("k", "original")
		copy(stored, "original")
	}
	check("Set", s.c.Set(s.ctx, "k", stored, 0))
	check("Replace", s.c.Replace(s.ctx, "k", stored, 0))
	check("SetMulti", s.c.SetMulti(s.ctx, map[string][]byte{"k": stored}, 0))
	check("ReplaceMulti", s.c.ReplaceMulti(s.ctx, map[string][]byte{"k": stored}, 0))
	if s.c.Supports(cache.OpCompareAndSwap) && !s.c.Discards() {
		check("CompareAndSwap", s.c.CompareAndSwap(s.ctx, s.item("k"), stored, 0))
	}
	s.none(s.c.DeleteMulti(s.ctx, []string{"k"}), "DeleteMulti")
	check("Add", s.c.Add(s.ctx, "k", stored, 0))
	s.none(s.c.DeleteMulti(s.ctx, []string{"k"}), "DeleteMulti")
	check("AddMulti", s.c.AddMulti(s.ctx, map[string][]byte{"k": stored}, 0))
}

func stableValues(s *suite) {
	changes := map[string]func() error{
		"Set of the same length": func() error { return s.c.Set(s.ctx, "k", []byte("20000"), 0) },
		"Set of another length":  func() error { return s.c.Set(s.ctx, "k", []byte("3"), 0) },
		"Replace":                func() error { return s.c.Replace(s.ctx, "k", []byte("40000"), 0) },
		"Increment":              func() error { _, err := s.c.Increment(s.ctx, "k", 1); return err },
		"Decrement":              func() error { _, err := s.c.Decrement(s.ctx, "k", 9999); return err },
		"Delete":                 func() error { return s.c.Delete(s.ctx, "k") },
		"Flush":                  func() error { return s.c.Flush(s.ctx) },
		"Delete and Set": func() error {
			if err := s.c.Delete(s.ctx, "k"); err != nil {
				return err
			}
			return s.c.Set(s.ctx, "k", []byte("50000"), 0)
		},
	}
	if s.c.Supports(cache.OpCompareAndSwap) {
		changes["CompareAndSwap"] = func() error { return s.c.CompareAndSwap(s.ctx, s.item("k"), []byte("60000"), 0) }
	}
	for name, change := range changes {
		s.set("k", "10000")
		first, err := s.c.Get(s.ctx, "k")
		s.none(err, "Get")
		many, err := s.c.GetMulti(s.ctx, []string{"k"})
		s.none(err, "GetMulti")
		s.none(change(), "%s", name)
		for range 100 { // room that is free now is taken again
			s.none(s.c.Set(s.ctx, "other", []byte("70000"), 0), "Set")
		}
		if string(first) != "10000" || string(many["k"]) != "10000" {
			s.errorf("after %s the bytes that were got before are %q and %q, want %q", name, first, many["k"], "10000")
		}
	}
}

func largeValues(s *suite) {
	s.set("small", "kept")
	var limit error // what a value of s.large answers
	if s.o.MaxValue > 0 {
		limit = cache.ErrTooLarge
		most := fill(s.o.MaxValue, 'm')
		s.none(s.c.Set(s.ctx, "most", most, 0), "Set of MaxValue, %d bytes", len(most))
		s.has("most", string(most))
	}
	large := fill(s.large, 'x')
	check := func(what, key string, err error) {
		s.t.Helper()
		if limit != nil && !s.c.Discards() {
			s.is(err, limit, "%s of %d bytes", what, len(large))
			if got, err := s.c.Get(s.ctx, key); err == nil && len(got) > 3 {
				s.errorf("after a refused %s of %d bytes there are %d bytes", what, len(large), len(got))
			}
		} else {
			s.none(err, "%s of %d bytes", what, len(large))
			s.hasBytes(key, large)
		}
		s.has("small", "kept")
		s.none(s.c.DeleteMulti(s.ctx, []string{key}), "DeleteMulti")
	}
	check("Set", "set", s.c.Set(s.ctx, "set", large, 0))
	check("Add", "add", s.c.Add(s.ctx, "add", large, 0))
	s.set("replace", "old")
	check("Replace", "replace", s.c.Replace(s.ctx, "replace", large, 0))
	if s.c.Supports(cache.OpCompareAndSwap) && !s.c.Discards() {
		s.set("swap", "old")
		check("CompareAndSwap", "swap", s.c.CompareAndSwap(s.ctx, s.item("swap"), large, 0))
	}

	err := s.c.SetMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": large, "c": []byte("3")}, 0)
	if limit != nil && !s.c.Discards() {
		s.failedFor(err, cache.OpSetMulti, map[string]error{"b": limit}, "SetMulti with %d bytes", len(large))
	} else {
		s.none(err, "SetMulti with %d bytes", len(large))
		s.hasBytes("b", large)
	}
	s.has("a", "1")
	s.has("c", "3")
	s.has("small", "kept")
}

// hasBytes is has for a value that is too long to be a string.
func (s *suite) hasBytes(key string, want []byte) {
	s.t.Helper()
	got, err := s.c.Get(s.ctx, key)
	if s.c.Discards() {
		s.is(err, cache.ErrMiss, "Get of %q", key)
		return
	}
	s.none(err, "Get of %q", key)
	if !bytes.Equal(got, want) {
		s.errorf("Get of %q: %d bytes, want the %d that were stored", key, len(got), len(want))
	}
}
