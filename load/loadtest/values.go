package loadtest

import (
	"context"
	"errors"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

var valueCases = []test{
	{
		name: "value/kept",
		rule: "what was loaded is returned to later callers without loading, empty values too",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			for key, v := range map[string]string{"text": "v", "empty": "", "long": strings.Repeat("long ", 1000), "binary": "\x00\xff\r\n"} {
				s.is(l, key, v, value(v))
				s.is(l, key, v, s.never())
				s.is(s.loader(s.client(), nil), key, v, s.never())
			}
		},
	},
	{
		name: "value/of another program",
		rule: "an item without a header, which another program stored, is decoded as it is",
		run: func(s *suite) {
			s.none(s.c.Set(s.ctx, "k", []byte("plain"), 0), "Set")
			s.is(s.loader(s.c, nil), "k", "plain", s.never())
		},
	},
	{
		name: "value/that does not decode",
		rule: "a value that cannot be decoded is loaded again, in its place",
		run: func(s *suite) {
			s.none(s.c.Set(s.ctx, "k", []byte("bad: of an older version"), 0), "Set")
			l := s.loader(s.c, func(c *load.Config[string]) { c.Codec = picky{} })
			s.is(l, "k", "v", value("v"))
			s.is(l, "k", "v", s.never())
			if n := l.Stats().Undecodable; n != 1 {
				s.errorf("Stats count %d values that cannot be decoded, want 1", n)
			}
		},
	},
	{
		name: "value/counter in its place",
		rule: "whatever is at a key and cannot be decoded is replaced, numbers too",
		run: func(s *suite) {
			_, err := s.c.IncrementFrom(s.ctx, "k", 7, 0, 0)
			s.none(err, "IncrementFrom")
			l := s.loader(s.c, func(c *load.Config[string]) { c.Codec = picky{"7"} })
			s.is(l, "k", "v", value("v"))
			s.is(l, "k", "v", s.never())
		},
	},
	{
		name: "value/too large",
		rule: "a value that the cache does not take is returned and not cached, and nobody waits for a lease",
		run: func(s *suite) {
			large := strings.Repeat("v", s.o.TooLarge)
			l := s.loader(s.c, nil)
			for range 2 {
				s.is(l, "k", large, value(large))
			}
			s.is(l, "k", "small", value("small"))
			s.is(l, "k", "small", s.never())
		},
		large: true,
	},
	{
		name: "value/not to be stored",
		rule: "a load may keep its value from being stored",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "v", func(_ context.Context, e *entry) (string, error) { e.NoStore(); return "v", nil })
			s.is(l, "k", "w", func(_ context.Context, e *entry) (string, error) { e.TTL(-1); return "w", nil })
			s.is(l, "k", "x", value("x"))
			s.is(l, "k", "x", s.never())
		},
	},
	{
		name: "value/deleted",
		rule: "Delete of a key removes its value; for an absent key it returns nil",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.none(l.Delete(s.ctx, "k"), "Delete of an absent key")
			s.is(l, "k", "old", value("old"))
			s.none(s.loader(s.client(), nil).Delete(s.ctx, "k"), "Delete")
			s.is(l, "k", "new", value("new"))
		},
	},
	{
		name: "value/deleted while it is loaded",
		rule: "a value that is deleted while it is loaded is not stored",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "old", func(ctx context.Context, e *entry) (string, error) {
				return "old", l.Delete(ctx, "k")
			})
			s.is(l, "k", "new", value("new"))
		},
	},
	{
		name: "value/set while it is loaded",
		rule: "a load does not overwrite what was set meanwhile",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "old", func(ctx context.Context, e *entry) (string, error) {
				return "old", s.c.Set(ctx, "k", []byte("set"), 0)
			})
			s.is(l, "k", "set", s.never())
		},
	},
	{
		name: "not found/is not an error",
		rule: "ErrNotFound is returned to all who wait, and is not cached unless NotFoundTTL is set",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.together(10, func(int) { s.fails(l, "k", load.ErrNotFound, s.slow(nothing)) })
			s.is(l, "k", "v", value("v"))
		},
	},
	{
		name: "not found/remembered",
		rule: "with NotFoundTTL ErrNotFound is cached, with its tags",
		run: func(s *suite) {
			remember := func(c *load.Config[string]) { c.NotFoundTTL = c.TTL }
			l, other := s.loader(s.c, remember), s.loader(s.client(), remember)
			s.fails(l, "k", load.ErrNotFound, nothing, "tag")
			s.fails(other, "k", load.ErrNotFound, s.never(), "tag")
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(other, "k", "v", value("v"), "tag")
		},
	},
	{
		name: "value/nil load",
		rule: "without a load function a Get returns what is cached, or ErrMiss",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.fails(l, "k", cache.ErrMiss, nil)
			s.is(l, "k", "v", value("v"))
			s.is(l, "k", "v", nil)
			m, err := l.GetMulti(s.ctx, []string{"k", "absent"}, nil)
			if err != nil || len(m) != 1 || m["k"] != "v" {
				s.errorf("GetMulti: %v, %v; want k alone", m, err)
			}
		},
	},
}

func nothing(context.Context, *entry) (string, error) { return "", load.ErrNotFound }

// picky is a codec that does not decode everything.
type picky struct{ bad string }

func (picky) Append(dst []byte, v string) ([]byte, error) { return append(dst, v...), nil }

func (p picky) Decode(b []byte) (string, error) {
	if string(b) == p.bad || strings.HasPrefix(string(b), "bad") {
		return "", errors.New("bad value")
	}
	return string(b), nil
}
