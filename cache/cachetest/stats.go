package cachetest

import (
	"time"

	"github.com/larder-go/larder/cache"
)

var statsCases = []test{
	{
		name: "stats/counts",
		rule: "the Stats of a cache in the process count hits, misses and writes one by one, in every operation, and the entries that are held; those of a cache with servers describe the connections to each, and leave counting to the servers",
		run:  statsCounts, drops: dropsStats,
	},
}

func (s *suite) stats() cache.Stats {
	s.t.Helper()
	st, err := s.c.Stats(s.ctx)
	s.none(err, "Stats")
	return st
}

// A statsStep is an operation and what it adds to the statistics.
type statsStep struct {
	op           cache.Op
	name         string
	hits, misses uint64
	writes       uint64
	writesEither bool // whether it is a write is not defined
	do           func(s *suite) error
}

var statsSteps = []statsStep{
	{op: cache.OpSet, name: "Set", writes: 1, do: func(s *suite) error {
		return s.c.Set(s.ctx, "a", []byte("1"), 0)
	}},
	{op: cache.OpSetMulti, name: "SetMulti", writes: 2, do: func(s *suite) error {
		return s.c.SetMulti(s.ctx, map[string][]byte{"b": []byte("2"), "c": []byte("3")}, 0)
	}},
	{op: cache.OpGet, name: "Get", hits: 1, do: func(s *suite) error {
		_, err := s.c.Get(s.ctx, "a")
		return err
	}},
	{op: cache.OpGet, name: "Get of an absent key", misses: 1, do: func(s *suite) error {
		_, err := s.c.Get(s.ctx, "absent")
		return except(err, cache.ErrMiss)
	}},
	{op: cache.OpGetMulti, name: "GetMulti", hits: 2, misses: 3, do: func(s *suite) error {
		_, err := s.c.GetMulti(s.ctx, []string{"a", "absent", "b", "none", "nothing"})
		return err
	}},
	{op: cache.OpReplace, name: "Replace of an absent key", do: func(s *suite) error {
		return except(s.c.Replace(s.ctx, "absent", value, 0), cache.ErrNotStored)
	}},
	{op: cache.OpAdd, name: "Add of a present key", do: func(s *suite) error {
		return except(s.c.Add(s.ctx, "a", value, 0), cache.ErrNotStored)
	}},
	{op: cache.OpReplace, name: "Replace", writes: 1, do: func(s *suite) error {
		return s.c.Replace(s.ctx, "a", []byte("1"), 0)
	}},
	{op: cache.OpAdd, name: "Add", writes: 1, do: func(s *suite) error {
		return s.c.Add(s.ctx, "d", []byte("4"), 0)
	}},
	{op: cache.OpAddMulti, name: "AddMulti", writes: 1, do: func(s *suite) error {
		return s.c.AddMulti(s.ctx, map[string][]byte{"e": nil}, 0)
	}},
	{op: cache.OpReplaceMulti, name: "ReplaceMulti", writes: 1, do: func(s *suite) error {
		return s.c.ReplaceMulti(s.ctx, map[string][]byte{"e": nil}, 0)
	}},
	{op: cache.OpIncrement, name: "Increment", writes: 1, do: func(s *suite) error {
		_, err := s.c.Increment(s.ctx, "a", 1)
		return err
	}},
	{op: cache.OpDecrement, name: "Decrement", writes: 1, do: func(s *suite) error {
		_, err := s.c.Decrement(s.ctx, "a", 1)
		return err
	}},
	{op: cache.OpIncrement, name: "Increment of an absent key", do: func(s *suite) error {
		_, err := s.c.Increment(s.ctx, "absent", 1)
		return except(err, cache.ErrMiss)
	}},
	{op: cache.OpIncrement, name: "IncrementFrom of an absent key", writes: 1, do: func(s *suite) error {
		_, err := s.c.IncrementFrom(s.ctx, "f", 1, 1, 0)
		return err
	}},
	{op: cache.OpDecrement, name: "DecrementFrom of an absent key", writes: 1, do: func(s *suite) error {
		_, err := s.c.DecrementFrom(s.ctx, "g", 1, 1, 0)
		return err
	}},
	{op: cache.OpDelete, name: "Delete", do: func(s *suite) error {
		return s.c.DeleteMulti(s.ctx, []string{"d", "e", "f", "g"})
	}},
	{op: cache.OpGetItem, name: "GetItem", hits: 1, do: func(s *suite) error {
		_, err := s.c.GetItem(s.ctx, "a")
		return err
	}},
	{op: cache.OpGetItem, name: "GetItem of an absent key", misses: 1, do: func(s *suite) error {
		_, err := s.c.GetItem(s.ctx, "absent")
		return except(err, cache.ErrMiss)
	}},
	{op: cache.OpGetItemMulti, name: "GetItemMulti", hits: 2, misses: 1, do: func(s *suite) error {
		_, err := s.c.GetItemMulti(s.ctx, []string{"a", "absent", "b"})
		return err
	}},
	{op: cache.OpCompareAndSwap, name: "GetItem and CompareAndSwap", hits: 1, writes: 1, do: func(s *suite) error {
		return s.swap(s.item("a"), "5")
	}},
	{op: cache.OpCompareAndSwapMulti, name: "GetItem and CompareAndSwapMulti", hits: 1, writes: 1, do: func(s *suite) error {
		return s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: s.item("a"), Value: []byte("6")}})
	}},
	{op: cache.OpGetOrAdd, name: "GetOrAdd of a present key", hits: 1, do: func(s *suite) error {
		_, _, err := s.c.GetOrAdd(s.ctx, "a", value, 0)
		return err
	}},
	{op: cache.OpGetOrAddMulti, name: "GetOrAddMulti of present keys", hits: 2, do: func(s *suite) error {
		_, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{"a": value, "b": value}, 0)
		return err
	}},
	{op: cache.OpGetAndTouch, name: "GetAndTouch", hits: 1, writesEither: true, do: func(s *suite) error {
		_, err := s.c.GetAndTouch(s.ctx, "a", time.Hour)
		return err
	}},
	{op: cache.OpGetAndTouch, name: "GetAndTouch of an absent key", misses: 1, do: func(s *suite) error {
		_, err := s.c.GetAndTouch(s.ctx, "absent", time.Hour)
		return except(err, cache.ErrMiss)
	}},
}

func statsCounts(s *suite) {
	if !s.c.Supports(cache.OpStats) {
		s.unsupported(cache.OpStats)
		return
	}
	first := s.stats()
	if first.Servers != nil {
		s.statsOfServers()
		return
	}
	for _, step := range statsSteps {
		if !s.c.Supports(step.op) {
			continue
		}
		before := s.stats()
		s.none(step.do(s), "%s", step.name)
		after := s.stats()
		counted := func(name string, before, after, more uint64) {
			s.t.Helper()
			if after != before+more {
				s.errorf("%s: %s went from %d to %d, want %d more", step.name, name, before, after, more)
			}
		}
		counted("Hits", before.Hits, after.Hits, step.hits)
		counted("Misses", before.Misses, after.Misses, step.misses)
		if !step.writesEither {
			counted("Writes", before.Writes, after.Writes, step.writes)
		}
	}
	last := s.stats()
	if last.Entries != first.Entries+3 {
		s.errorf("Entries went from %d to %d, want 3 more", first.Entries, last.Entries)
	}
	if last.Bytes <= first.Bytes && last.Bytes != 0 {
		s.errorf("Bytes went from %d to %d while entries were stored", first.Bytes, last.Bytes)
	}
}

func (s *suite) statsOfServers() {
	s.t.Helper()
	for i := range 100 { // so many that every server of a small cluster has some
		s.set(string(rune('a'+i%26))+string(rune('a'+i/26)), "v")
	}
	st := s.stats()
	if st.Hits+st.Misses+st.Writes != 0 {
		s.errorf("Hits, Misses and Writes are %d, %d and %d, want 0: the servers count for all their clients", st.Hits, st.Misses, st.Writes)
	}
	opened := uint64(0)
	for _, server := range st.Servers {
		opened += server.Opened
		switch {
		case server.Server == "":
			s.errorf("a server has no address: %+v", server)
		case server.Open != server.InUse+server.Idle || server.Open < 0:
			s.errorf("%s: %d connections are open, %d in use and %d idle", server.Server, server.Open, server.InUse, server.Idle)
		case server.MaxOpen > 0 && server.Open > server.MaxOpen:
			s.errorf("%s: %d connections are open, at most %d may be", server.Server, server.Open, server.MaxOpen)
		case server.Opened < server.Closed || server.Opened-server.Closed != uint64(server.Open):
			s.errorf("%s: %d connections were opened and %d closed, and %d are open", server.Server, server.Opened, server.Closed, server.Open)
		case server.Failures.Total() != 0:
			s.errorf("%s: %+v, and no call failed", server.Server, server.Failures)
		}
	}
	if opened == 0 {
		s.errorf("no connection was opened, although values were stored")
	}
}
