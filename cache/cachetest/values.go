package cachetest

import (
	"bytes"
	"fmt"

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
		rule: "a value is any bytes; every operation stores and returns them unchanged",
		run:  binaryValues,
	},
	{
		name: "value/copied",
		rule: "the cache does not modify the bytes that it is given, and keeps no reference to them, however many they are",
		run:  copiedValues,
	},
	{
		name: "value/stable",
		rule: "bytes that were returned never change",
		run:  stableValues, drops: dropsValues,
	},
	{
		name: "value/large",
		rule: "a large value is stored in full or is ErrTooLarge, and nothing else that was stored is lost",
		run:  largeValues,
	},
	{
		name: "value/kind",
		rule: "a driver that keeps the kind of a value keeps it in every operation; a swap keeps that of the old item, unless the view has another",
		run:  swaps(keptKinds), drops: dropsItems,
	},
}

func emptyValues(s *suite) {
	for _, st := range s.storers() {
		for _, empty := range [][]byte{nil, {}} {
			key := fmt.Sprintf("%s:%t", st.name, empty == nil)
			s.prepare(st, key, "old", 0)
			s.none(st.do(s, key, empty, 0), "%s of an empty value", st.name)
			for _, r := range s.readers() {
				got, err := r.do(s, key)
				s.found(r.name+" after "+st.name, key, got, err, "")
			}
			s.is(s.c.Add(s.ctx, key, value, 0), cache.ErrNotStored, "Add over the empty value at %q", key)
			s.none(s.c.Replace(s.ctx, key, nil, 0), "Replace of the empty value at %q", key)
			s.none(s.c.Delete(s.ctx, key), "Delete of the empty value at %q", key)
		}
	}
}

// binaries are values that a careless protocol or encoding would change.
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
	var keys []string
	for k, v := range want {
		s.set(k, v)
		keys = append(keys, k)
	}
	s.hasMulti(keys, want)
	for _, st := range s.storers() {
		for k, v := range want {
			s.prepare(st, k, "old", 0)
			s.none(st.do(s, k, []byte(v), 0), "%s of %q", st.name, k)
			if s.c.Discards() {
				s.misses(k)
				continue
			}
			for _, r := range s.readers() {
				got, err := r.do(s, k)
				s.found(r.name+" after "+st.name, k, got, err, v)
			}
		}
	}
	s.misses("smuggled")
}

func copiedValues(s *suite) {
	for _, size := range []int{8, 5_000, 100_000, 1 << 20} {
		size = min(size, s.most())
		want := string(fill(size, 'o'))
		for _, st := range s.storers() {
			s.prepare(st, "k", "old", 0)
			stored := []byte(want)
			s.none(st.do(s, "k", stored, 0), "%s of %d bytes", st.name, size)
			if string(stored) != want {
				s.errorf("%s of %d bytes modified the slice that the caller had passed", st.name, size)
			}
			for i := range stored {
				stored[i] = 'x'
			}
			got, err := s.c.Get(s.ctx, "k")
			if s.c.Discards() {
				s.is(err, cache.ErrMiss, "Get")
			} else if err != nil || string(got) != want {
				s.errorf("%d bytes changed after %s, when the caller wrote to the slice that it had passed (error %v)", size, st.name, err)
			}
		}
	}
	if s.c.Discards() || !s.c.Supports(cache.OpGetOrAdd) {
		return
	}
	for _, g := range s.getOrAdds() { // the item that they return is not the slice either
		s.none(s.c.DeleteMulti(s.ctx, []string{"k"}), "DeleteMulti")
		stored := []byte("value")
		it, _, err := g.give("k", stored)
		clear(stored)
		s.found("the item of "+g.name+", after the caller wrote to the slice that it had passed:", "k", it.Value, err, "value")
	}
}

// changes returns the operations that change or remove the value at "k", a number of five
// digits.
func (s *suite) changes() map[string]func() error {
	changes := map[string]func() error{
		"Increment": func() error { _, err := s.c.Increment(s.ctx, "k", 1); return err },
		"Decrement": func() error { _, err := s.c.Decrement(s.ctx, "k", 1); return err },
		"IncrementFrom": func() error {
			_, err := s.c.IncrementFrom(s.ctx, "k", 1, 1, 0)
			return err
		},
		"DecrementFrom": func() error {
			_, err := s.c.DecrementFrom(s.ctx, "k", 1, 1, 0)
			return err
		},
		"Delete":      func() error { return s.c.Delete(s.ctx, "k") },
		"DeleteMulti": func() error { return s.c.DeleteMulti(s.ctx, []string{"k"}) },
		"Flush":       func() error { return s.c.Flush(s.ctx) },
	}
	for _, st := range s.storers() {
		for name, v := range map[string]string{" of the same length": "20000", " of another length": "3"} {
			changes[st.name+name] = func() error {
				if !st.present {
					if err := s.c.Delete(s.ctx, "k"); err != nil {
						return err
					}
				}
				return st.do(s, "k", []byte(v), 0)
			}
		}
	}
	if s.c.Supports(cache.OpTouch) {
		changes["Touch"] = func() error { return s.c.Touch(s.ctx, "k", 0) }
		changes["GetAndTouch"] = func() error { _, err := s.c.GetAndTouch(s.ctx, "k", 0); return err }
	}
	if s.c.Supports(cache.OpCompareAndSwap) {
		changes["CompareAndDelete"] = func() error { return s.c.CompareAndDelete(s.ctx, s.item("k")) }
		changes["CompareAndDeleteMulti"] = func() error { return s.c.CompareAndDeleteMulti(s.ctx, s.itemsOf("k")) }
	}
	return changes
}

func stableValues(s *suite) {
	changes := s.changes()
	noise := map[string][]byte{"other": []byte("70000"), "others": []byte("80000")}
	for name, change := range changes {
		s.none(s.c.DeleteMulti(s.ctx, []string{"k", "k:2"}), "DeleteMulti")
		s.set("k", "50000")
		got := map[string][]byte{}
		for _, r := range s.readers() {
			v, err := r.do(s, "k")
			s.found(r.name, "k", v, err, "50000")
			got[r.name] = v
		}
		s.none(change(), "%s", name)
		for range 4 { // memory that is free now is used again
			s.none(s.c.SetMulti(s.ctx, noise, 0), "SetMulti")
		}
		for _, r := range s.readers() { // buffers too
			_, err := r.do(s, "other")
			s.none(err, "%s", r.name)
		}
		for op, v := range got {
			if string(v) != "50000" {
				s.errorf("after %s the bytes that %s had returned are %q, want %q", name, op, v, "50000")
			}
		}
	}
}

func largeValues(s *suite) {
	s.set("small", "kept")
	most := fill(s.most(), 'm')
	if s.o.MaxValue > 0 {
		s.none(s.c.Set(s.ctx, "most", most, 0), "Set of MaxValue, %d bytes", len(most))
		s.has("most", string(most))
		s.none(s.c.DeleteMulti(s.ctx, []string{"most"}), "DeleteMulti")
	}
	large := fill(s.large, 'x')
	tooLarge := s.o.MaxValue > 0 && !s.c.Discards()
	check := func(what, key string, err error) {
		s.t.Helper()
		if tooLarge {
			s.is(err, cache.ErrTooLarge, "%s of %d bytes", what, len(large))
			if got, err := s.c.Get(s.ctx, key); err == nil && string(got) != "old" {
				s.errorf("after a rejected %s of %d bytes there are %d bytes", what, len(large), len(got))
			}
		} else {
			s.none(err, "%s of %d bytes", what, len(large))
			s.hasBytes(key, large)
		}
		s.has("small", "kept")
	}
	for _, st := range s.storers() {
		s.prepare(st, "k", "old", 0)
		check(st.name, "k", st.do(s, "k", large, 0))
		s.none(s.c.DeleteMulti(s.ctx, []string{"k", "k:2"}), "DeleteMulti")
	}
	s.largeInBatch(large, tooLarge)
	s.has("small", "kept")
}

// largeInBatch stores a large value between small ones.
func (s *suite) largeInBatch(large []byte, tooLarge bool) {
	s.t.Helper()
	keys := []string{"a", "b", "c"}
	values := map[string][]byte{"a": []byte("1"), "b": large, "c": []byte("3")}
	failed := map[string]error{}
	if tooLarge {
		failed["b"] = cache.ErrTooLarge
	}
	check := func(op cache.Op, err error) {
		s.t.Helper()
		s.failedFor(err, op, failed, "%v with %d bytes", op, len(large))
		s.has("a", "1")
		s.has("c", "3")
		if !tooLarge {
			s.hasBytes("b", large)
		}
	}
	old := func() {
		for _, k := range keys {
			s.set(k, "old")
		}
	}
	check(cache.OpSetMulti, s.c.SetMulti(s.ctx, values, 0))
	s.none(s.c.DeleteMulti(s.ctx, keys), "DeleteMulti")
	check(cache.OpAddMulti, s.c.AddMulti(s.ctx, values, 0))
	old()
	check(cache.OpReplaceMulti, s.c.ReplaceMulti(s.ctx, values, 0))
	if s.c.Discards() || !s.c.Supports(cache.OpCompareAndSwap) {
		return
	}
	old()
	var swaps []cache.Swap
	for _, it := range s.itemsOf(keys...) {
		swaps = append(swaps, cache.Swap{Old: it, Value: values[it.Key]})
	}
	check(cache.OpCompareAndSwapMulti, s.c.CompareAndSwapMulti(s.ctx, swaps))
	s.none(s.c.DeleteMulti(s.ctx, keys), "DeleteMulti")
	_, _, err := s.c.GetOrAddMulti(s.ctx, values, 0)
	check(cache.OpGetOrAddMulti, err)
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

func keptKinds(s *suite) {
	kinds := []cache.Kind{cache.Bytes, cache.Text, cache.Number}
	s.none(s.c.as(cache.Text).Set(s.ctx, "k", []byte("7"), 0), "Set as text")
	keeps := s.item("k").Kind == cache.Text
	check := func(what, key string, want cache.Kind) {
		s.t.Helper()
		if !keeps {
			want = cache.Bytes
		}
		for op, it := range map[string]cache.Item{"GetItem": s.item(key), "GetItemMulti": s.itemsOf(key)[0]} {
			if it.Kind != want {
				s.errorf("%s after %s: the kind is %v, want %v", op, what, it.Kind, want)
			}
		}
		it, _, err := s.c.GetOrAdd(s.ctx, key, nil, 0)
		s.none(err, "GetOrAdd")
		many, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: nil}, 0)
		s.none(err, "GetOrAddMulti")
		if it.Kind != want || many[key].Kind != want {
			s.errorf("GetOrAdd and GetOrAddMulti after %s: the kinds are %v and %v, want %v", what, it.Kind, many[key].Kind, want)
		}
	}
	plain := s.c
	for _, kind := range kinds {
		for _, st := range s.storers() {
			s.prepare(st, "k", "1", 0)
			s.c = plain.as(kind)
			err := st.do(s, "k", []byte("7"), 0)
			s.c = plain
			s.none(err, "%s as %v", st.name, kind)
			check(fmt.Sprintf("%s as %v", st.name, kind), "k", kind)
		}
		// An operation that stores no value of the caller keeps the kind.
		s.none(plain.as(kind).Set(s.ctx, "k", []byte("7"), 0), "Set as %v", kind)
		s.increment("k", 1, 8)
		check(fmt.Sprintf("Increment of %v", kind), "k", kind)
		s.decrement("k", 1, 7)
		check(fmt.Sprintf("Decrement of %v", kind), "k", kind)
		if s.c.Supports(cache.OpTouch) {
			s.none(s.c.Touch(s.ctx, "k", 0), "Touch")
			check(fmt.Sprintf("Touch of %v", kind), "k", kind)
			_, err := s.c.GetAndTouch(s.ctx, "k", 0)
			s.none(err, "GetAndTouch")
			check(fmt.Sprintf("GetAndTouch of %v", kind), "k", kind)
		}
		s.none(s.swap(s.item("k"), "9"), "CompareAndSwap")
		check(fmt.Sprintf("CompareAndSwap of %v", kind), "k", kind)
		s.none(s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: s.item("k"), Value: []byte("10")}}), "CompareAndSwapMulti")
		check(fmt.Sprintf("CompareAndSwapMulti of %v", kind), "k", kind)
	}
	n, err := s.c.IncrementFrom(s.ctx, "new", 1, 1, 0)
	s.counted(n, err, 2, "IncrementFrom")
	check("IncrementFrom of an absent key", "new", cache.Number)
	n, err = s.c.DecrementFrom(s.ctx, "new:2", 1, 3, 0)
	s.counted(n, err, 2, "DecrementFrom")
	check("DecrementFrom of an absent key", "new:2", cache.Number)
	// A batch with several kinds.
	s.none(plain.as(cache.Text).Set(s.ctx, "text", []byte("7"), 0), "Set as text")
	s.none(plain.as(cache.Number).Set(s.ctx, "number", []byte("7"), 0), "Set as number")
	s.set("bytes", "7")
	var many []cache.Swap
	for _, it := range s.itemsOf("text", "number", "bytes") {
		many = append(many, cache.Swap{Old: it, Value: []byte("9")})
	}
	s.none(s.c.CompareAndSwapMulti(s.ctx, many), "CompareAndSwapMulti of several kinds")
	for key, kind := range map[string]cache.Kind{"text": cache.Text, "number": cache.Number, "bytes": cache.Bytes} {
		check("CompareAndSwapMulti of several kinds", key, kind)
	}
}
