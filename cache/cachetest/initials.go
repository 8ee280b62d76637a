package cachetest

import (
	"math"
	"strconv"
	"sync"

	"github.com/larder-go/larder/cache"
)

var initialCases = []test{
	{
		name: "initial/absent",
		rule: "IncrementFrom and DecrementFrom set an absent key to the initial value, then count",
		run:  initialAbsent,
	},
	{
		name: "initial/present",
		rule: "the initial value means nothing to a key that is present",
		run:  initialPresent, drops: dropsInitials,
	},
	{
		name: "initial/not a number",
		rule: "an initial value does not excuse a value that is not a number: ErrNotNumber",
		run:  initialNotNumber, drops: dropsInitials,
	},
	{
		name: "initial/concurrent",
		rule: "of many callers who begin a counter, one sets it and all count",
		run:  initialConcurrent, drops: dropsInitials,
	},
}

func initialAbsent(s *suite) {
	up := func(key string, delta, initial, want uint64) {
		s.t.Helper()
		n, err := s.c.IncrementFrom(s.ctx, key, delta, initial, 0)
		s.counted(n, err, want, "IncrementFrom of %q by %d from %d", key, delta, initial)
		s.has(key, strconv.FormatUint(want, 10))
	}
	down := func(key string, delta, initial, want uint64) {
		s.t.Helper()
		n, err := s.c.DecrementFrom(s.ctx, key, delta, initial, 0)
		s.counted(n, err, want, "DecrementFrom of %q by %d from %d", key, delta, initial)
		s.has(key, strconv.FormatUint(want, 10))
	}
	up("a", 1, 10, 11)
	up("b", 0, 0, 0)
	up("c", 2, math.MaxUint64, 1)
	down("d", 1, 10, 9)
	down("e", 11, 10, 0)
	down("f", 0, 5, 5)
}

func initialPresent(s *suite) {
	s.set("n", "5")
	n, err := s.c.IncrementFrom(s.ctx, "n", 2, 100, 0)
	s.counted(n, err, 7, "IncrementFrom of 5 by 2")
	n, err = s.c.DecrementFrom(s.ctx, "n", 3, 100, 0)
	s.counted(n, err, 4, "DecrementFrom of 7 by 3")
	s.has("n", "4")
	n, err = s.c.IncrementFrom(s.ctx, "new", 1, 1, 0)
	s.counted(n, err, 2, "IncrementFrom")
	n, err = s.c.IncrementFrom(s.ctx, "new", 1, 1, 0)
	s.counted(n, err, 3, "IncrementFrom again")
	s.increment("new", 1, 4)
}

// dropsInitials says that a counter begins anew each time where nothing is kept.
func dropsInitials(s *suite) {
	for range 3 {
		n, err := s.c.IncrementFrom(s.ctx, "n", 2, 10, 0)
		s.counted(n, err, 12, "IncrementFrom")
		n, err = s.c.DecrementFrom(s.ctx, "n", 2, 10, 0)
		s.counted(n, err, 8, "DecrementFrom")
		s.misses("n")
	}
}

func initialNotNumber(s *suite) {
	s.set("n", "x")
	_, err := s.c.IncrementFrom(s.ctx, "n", 1, 1, 0)
	s.is(err, cache.ErrNotNumber, "IncrementFrom of a text")
	_, err = s.c.DecrementFrom(s.ctx, "n", 1, 1, 0)
	s.is(err, cache.ErrNotNumber, "DecrementFrom of a text")
	s.has("n", "x")
}

func initialConcurrent(s *suite) {
	const workers, rounds = 8, 5
	for round := range rounds {
		key := "n" + strconv.Itoa(round)
		var mu sync.Mutex
		seen := map[uint64]bool{}
		together(workers, func(int) {
			n, err := s.c.IncrementFrom(s.ctx, key, 1, 100, 0)
			if err != nil {
				s.errorf("IncrementFrom: %v", err)
			}
			mu.Lock()
			defer mu.Unlock()
			if seen[n] {
				s.errorf("IncrementFrom returned %d twice", n)
			}
			seen[n] = true
		})
		s.has(key, strconv.Itoa(100+workers))
	}
}
