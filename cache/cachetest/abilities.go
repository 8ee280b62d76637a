package cachetest

import (
	"errors"

	"github.com/larder-go/larder/cache"
)

var abilityCases = []test{
	{
		name: "ability/answers",
		rule: "Supports tells the truth: what it denies is errors.ErrUnsupported, what it affirms is not",
		run:  abilityAnswers,
	},
	{
		name: "ability/required",
		rule: "only items, compare-and-swap, compare-and-delete, touch and stats may be missing",
		run:  abilityRequired,
	},
	{
		name: "stats/counts",
		rule: "Stats counts hits, misses and stores one by one, and the entries that are held",
		run:  statsCounts, drops: statsUnsupported,
	},
}

// mayLack are the operations that a backend need not have.
var mayLack = map[cache.Op]bool{
	cache.OpGetItem: true, cache.OpGetItemMulti: true, cache.OpGetOrAdd: true, cache.OpGetOrAddMulti: true,
	cache.OpCompareAndSwap: true, cache.OpCompareAndSwapMulti: true,
	cache.OpCompareAndDelete: true, cache.OpCompareAndDeleteMulti: true,
	cache.OpTouch: true, cache.OpGetAndTouch: true, cache.OpStats: true,
}

func abilityAnswers(s *suite) {
	for _, c := range calls {
		err := c.do(s, s.ctx, input{key: "k"})
		if s.c.Supports(c.op) {
			if errors.Is(err, errors.ErrUnsupported) {
				s.errorf("%s: error %q, although it is supported", c.name, err)
			}
			continue
		}
		s.unsupported(c.op)
	}
	if s.c.Supports(cache.Op(255)) {
		s.errorf("Supports(255): true, and there is no such operation")
	}
}

func abilityRequired(s *suite) {
	for _, c := range calls {
		if !s.c.Supports(c.op) && !mayLack[c.op] {
			s.errorf("%s is not supported", c.name)
		}
	}
	can := s.c.Supports(cache.OpCompareAndSwap)
	for _, op := range []cache.Op{cache.OpGetItem, cache.OpGetItemMulti, cache.OpGetOrAdd, cache.OpGetOrAddMulti, cache.OpCompareAndSwapMulti, cache.OpCompareAndDelete, cache.OpCompareAndDeleteMulti} {
		if s.c.Supports(op) != can {
			s.errorf("%v: Supports says %v, and %v of compare and swap; one is of no use without the other", op, !can, can)
		}
	}
}

// unsupported checks that the operations answer that they are not supported, and who
// says so.
func (s *suite) unsupported(ops ...cache.Op) {
	s.t.Helper()
	for _, op := range ops {
		for _, c := range calls {
			if c.op != op {
				continue
			}
			if s.c.Supports(op) {
				s.errorf("%s: Supports says true", c.name)
			}
			err := c.do(s, s.ctx, input{key: "k"})
			s.is(err, errors.ErrUnsupported, "%s", c.name)
			var e *cache.Error
			if !errors.As(err, &e) || e.Driver == "" || e.Op == 0 {
				s.errorf("%s: error %#v, want a *cache.Error with driver and operation", c.name, err)
			}
		}
	}
}

func statsUnsupported(s *suite) {
	if !s.c.Supports(cache.OpStats) {
		s.unsupported(cache.OpStats)
	}
}

func statsCounts(s *suite) {
	if !s.c.Supports(cache.OpStats) {
		s.unsupported(cache.OpStats)
		return
	}
	stats := func() cache.Stats {
		s.t.Helper()
		st, err := s.c.Stats(s.ctx)
		s.none(err, "Stats")
		return st
	}
	before := stats()
	s.set("a", "1")
	s.none(s.c.SetMulti(s.ctx, map[string][]byte{"b": []byte("2"), "c": []byte("3")}, 0), "SetMulti")
	s.is(s.c.Add(s.ctx, "a", value, 0), cache.ErrNotStored, "Add of a present key")
	s.is(s.c.Replace(s.ctx, "absent", value, 0), cache.ErrNotStored, "Replace of an absent key")
	s.none(s.c.Add(s.ctx, "d", []byte("4"), 0), "Add")
	s.has("a", "1")
	s.misses("absent")
	s.hasMulti([]string{"a", "absent", "b", "none"}, map[string]string{"a": "1", "b": "2"})
	after := stats()
	for _, count := range []struct {
		name                string
		before, after, more uint64
	}{
		{"Hits", before.Hits, after.Hits, 3},
		{"Misses", before.Misses, after.Misses, 3},
		{"Writes", before.Writes, after.Writes, 4},
		{"Entries", before.Entries, after.Entries, 4},
	} {
		if count.after != count.before+count.more {
			s.errorf("%s went from %d to %d, want %d more", count.name, count.before, count.after, count.more)
		}
	}
	if after.Bytes <= before.Bytes && after.Bytes != 0 {
		s.errorf("Bytes went from %d to %d while entries were stored", before.Bytes, after.Bytes)
	}
}
