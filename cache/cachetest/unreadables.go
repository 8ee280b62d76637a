package cachetest

import (
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
)

// These cases run with a value that the driver cannot decode.
var unreadableCases = []test{
	{
		name: "unreadable/reads",
		rule: "a value that cannot be decoded is ErrUnreadable in every read, with an error that names the key; in a batch the MultiError names its key, and the other values are returned",
		run:  unreadableReads, unreadable: true,
	},
	{
		name: "unreadable/writes",
		rule: "a value that cannot be decoded is present, and can be stored over and removed",
		run:  unreadableWrites, unreadable: true,
	},
}

// spoil stores a value that cannot be decoded at the key "bad".
func (s *suite) spoil() { s.corrupt(s.encoded("bad")) }

func unreadableReads(s *suite) {
	s.set("a", "1")
	s.set("b", "2")
	s.spoil()
	for _, r := range s.readers() {
		if r.op == cache.OpGetAndTouch {
			continue // below, since it may change the TTL
		}
		_, err := oneKey(s, r, "bad")
		s.unreadableError(r.name, err)
	}
	if s.c.Supports(cache.OpGetAndTouch) {
		_, err := s.c.GetAndTouch(s.ctx, "bad", 0)
		s.unreadableError("GetAndTouch", err)
	}
	for _, r := range s.multiReaders() {
		got, err := r.do([]string{"a", "bad", "absent", "b", "bad"})
		s.failedFor(err, r.op, map[string]error{"bad": cache.ErrUnreadable}, "%s", r.name)
		s.sameValues(r.name, got, map[string]string{"a": "1", "b": "2"})
	}
	if s.c.Supports(cache.OpGetOrAddMulti) {
		items, added, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{"a": nil, "bad": nil, "new": []byte("3")}, 0)
		s.failedFor(err, cache.OpGetOrAddMulti, map[string]error{"bad": cache.ErrUnreadable}, "GetOrAddMulti")
		s.sameValues("GetOrAddMulti", itemValues(items), map[string]string{"a": "1", "new": "3"})
		if len(added) != 1 || !added["new"] {
			s.errorf("GetOrAddMulti: added %v, want new", added)
		}
	}
}

func (s *suite) unreadableError(what string, err error) {
	s.t.Helper()
	s.is(err, cache.ErrUnreadable, "%s", what)
	for _, other := range []error{cache.ErrMiss, cache.ErrUnavailable} {
		if errors.Is(err, other) {
			s.errorf("%s: error %q also matches %q", what, err, other)
		}
	}
	if err == nil {
		return
	}
	s.fromDriver(err, what)
	if key := s.encoded("bad"); len(key) <= 40 && !strings.Contains(err.Error(), key) {
		s.errorf("%s: error %q does not name the key %q", what, err, key)
	}
}

func unreadableWrites(s *suite) {
	for name, write := range map[string]func() error{
		"Set":     func() error { return s.c.Set(s.ctx, "bad", []byte("1"), 0) },
		"Replace": func() error { return s.c.Replace(s.ctx, "bad", []byte("1"), 0) },
		"SetMulti": func() error {
			return s.c.SetMulti(s.ctx, map[string][]byte{"bad": []byte("1")}, 0)
		},
		"ReplaceMulti": func() error {
			return s.c.ReplaceMulti(s.ctx, map[string][]byte{"bad": []byte("1")}, 0)
		},
	} {
		s.spoil()
		s.is(s.c.Add(s.ctx, "bad", value, 0), cache.ErrNotStored, "Add over a value that cannot be decoded")
		s.none(write(), "%s over a value that cannot be decoded", name)
		s.has("bad", "1")
	}
	for name, remove := range map[string]func() error{
		"Delete":      func() error { return s.c.Delete(s.ctx, "bad") },
		"DeleteMulti": func() error { return s.c.DeleteMulti(s.ctx, []string{"bad"}) },
	} {
		s.spoil()
		s.none(remove(), "%s of a value that cannot be decoded", name)
		s.misses("bad")
	}
}
