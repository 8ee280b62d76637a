package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

var callCases = []test{
	{
		name: "close/twice",
		rule: "Close is safe to call twice, and closes every view",
		run:  closeTwice,
	},
	{
		name: "close/afterwards",
		rule: "after Close every operation is ErrClosed",
		run:  closeAfterwards,
	},
	{
		name: "context/done before",
		rule: "when the context is done before the call, its error is returned and nothing is sent, on every operation",
		run:  contextDone,
	},
}

func closeTwice(s *suite) {
	prefix, text := s.c.withPrefix("p:"), s.c.as(cache.Text)
	s.none(s.c.Close(), "Close")
	s.none(s.c.Close(), "Close for the second time")
	s.none(prefix.Close(), "Close of a view")
	for _, view := range []subject{prefix, text} {
		s.is(view.Set(s.ctx, "k", value, 0), cache.ErrClosed, "Set in a view after Close")
	}
	c := s.another()
	s.none(c.withPrefix("p:").Close(), "Close of a view")
	s.is(c.Set(s.ctx, "k", value, 0), cache.ErrClosed, "Set after Close of a view")
}

func closeAfterwards(s *suite) {
	s.set("k", "1")
	var item cache.Item
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		item = s.item("k")
	}
	s.none(s.c.Close(), "Close")
	for _, c := range calls {
		s.is(c.do(s, s.ctx, input{key: "k", item: item}), cache.ErrClosed, "%s after Close", c.name)
	}
}

func contextDone(s *suite) {
	s.set("k", "5")
	var item cache.Item
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		item = s.item("k")
	}
	cancelled, cancel := context.WithCancel(s.ctx)
	cancel()
	late, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for _, done := range []context.Context{cancelled, late} {
		for _, c := range calls {
			for _, key := range []string{"k", "absent"} {
				s.is(c.do(s, done, input{key: key, item: item}), done.Err(), "%s of %q", c.name, key)
			}
			s.has("k", "5")
			s.misses("absent")
		}
	}
	if item.Value != nil {
		s.none(s.swap(item, "6"), "CompareAndSwap after calls with a context that was done")
	}
}
