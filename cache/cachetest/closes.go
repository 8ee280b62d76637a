package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

var closeCases = []test{
	{
		name: "close/twice",
		rule: "Close may be called twice, and closes every view",
		run:  closeTwice, portable: true,
	},
	{
		name: "close/afterwards",
		rule: "after Close every operation returns ErrClosed",
		run:  closeAfterwards, portable: true,
	},
	{
		name: "context/done before",
		rule: "if the context is done before the call, every operation returns its error, and nothing is sent",
		run:  contextDone, portable: true,
	},
}

// itemIfAny reads key, if the cache has items.
func (s *suite) itemIfAny(key string) cache.Item {
	s.t.Helper()
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		return s.item(key)
	}
	return cache.Item{}
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
	item := s.itemIfAny("k")
	s.none(s.c.Close(), "Close")
	for _, c := range calls {
		s.is(c.do(s, s.ctx, input{key: "k", item: item}), cache.ErrClosed, "%s after Close", c.name)
	}
}

func contextDone(s *suite) {
	s.set("k", "5")
	item := s.itemIfAny("k")
	canceled, cancel := context.WithCancel(s.ctx)
	cancel()
	late, cancel := context.WithDeadline(s.ctx, time.Now().Add(-time.Second))
	defer cancel()
	for _, done := range []context.Context{canceled, late} {
		for _, c := range calls {
			for _, ttl := range []time.Duration{0, 1} { // what got the short one has expired
				for _, key := range []string{"k", "absent"} {
					s.is(c.do(s, done, input{key: key, item: item, ttl: ttl}), done.Err(), "%s of %q", c.name, key)
				}
				if s.o.Synctest {
					time.Sleep(2 * ttl)
				}
				s.has("k", "5")
				s.misses("absent")
			}
		}
	}
	if item.Value != nil {
		s.none(s.swap(item, "6"), "CompareAndSwap after calls with a context that was done")
	}
}
