package cachetest

import (
	"math"
	"strconv"

	"github.com/larder-go/larder/cache"
)

var countCases = []test{
	{
		name: "count/steps",
		rule: "Increment and Decrement count by the delta, from a number that was stored as digits, and return the result",
		run:  countSteps, drops: dropsCounts,
	},
	{
		name: "count/absent",
		rule: "counting an absent key is ErrMiss and creates nothing",
		run:  countAbsent,
	},
	{
		name: "count/wrap",
		rule: "Increment wraps at 2^64",
		run:  countWrap, drops: dropsCounts,
	},
	{
		name: "count/floor",
		rule: "Decrement stops at 0",
		run:  countFloor, drops: dropsCounts,
	},
	{
		name: "count/not a number",
		rule: "counting what is not a decimal number of 64 bits is ErrNotNumber and leaves the value",
		run:  countNotNumber, drops: dropsCounts,
	},
	{
		name: "count/padding",
		rule: "a counter reads back as its decimal digits without padding, on every read",
		run:  countPadding, drops: dropsCounts,
	},
	{
		name: "count/user bytes",
		rule: "bytes that look like a padded number come back exactly as they were stored",
		run:  countUserBytes,
	},
	{
		name: "count/concurrent",
		rule: "counting is atomic: concurrent increments all count",
		run:  countConcurrent, drops: dropsCounts,
	},
}

func (s *suite) increment(key string, delta, want uint64) {
	s.t.Helper()
	n, err := s.c.Increment(s.ctx, key, delta)
	s.counted(n, err, want, "Increment of %q by %d", key, delta)
}

func (s *suite) decrement(key string, delta, want uint64) {
	s.t.Helper()
	n, err := s.c.Decrement(s.ctx, key, delta)
	s.counted(n, err, want, "Decrement of %q by %d", key, delta)
}

func countSteps(s *suite) {
	s.set("n", "5")
	s.increment("n", 1, 6)
	s.increment("n", 36, 42)
	s.increment("n", 0, 42)
	s.decrement("n", 2, 40)
	s.decrement("n", 0, 40)
	s.has("n", "40")
	s.set("zero", "0")
	s.increment("zero", 7, 7)
	s.none(s.c.Add(s.ctx, "added", []byte("10"), 0), "Add")
	s.decrement("added", 3, 7)
	s.none(s.c.SetMulti(s.ctx, map[string][]byte{"multi": []byte("100")}, 0), "SetMulti")
	s.increment("multi", 1, 101)
}

// dropsCounts says what counting is on a cache that discards.
func dropsCounts(s *suite) {
	s.set("n", "5")
	_, err := s.c.Increment(s.ctx, "n", 1)
	s.is(err, cache.ErrMiss, "Increment")
	_, err = s.c.Decrement(s.ctx, "n", 1)
	s.is(err, cache.ErrMiss, "Decrement")
}

func countAbsent(s *suite) {
	n, err := s.c.Increment(s.ctx, "absent", 1)
	s.is(err, cache.ErrMiss, "Increment of an absent key")
	if n != 0 {
		s.errorf("Increment of an absent key: %d, want 0 beside the error", n)
	}
	_, err = s.c.Decrement(s.ctx, "absent", 1)
	s.is(err, cache.ErrMiss, "Decrement of an absent key")
	s.misses("absent")
}

func countWrap(s *suite) {
	s.set("n", strconv.FormatUint(math.MaxUint64, 10))
	s.increment("n", 0, math.MaxUint64)
	s.increment("n", 1, 0)
	s.has("n", "0")
	s.increment("n", math.MaxUint64, math.MaxUint64)
	s.has("n", strconv.FormatUint(math.MaxUint64, 10))
	s.increment("n", 11, 10)
	s.has("n", "10")
	s.set("n", strconv.FormatUint(math.MaxInt64, 10))
	s.increment("n", 1, 1<<63)
	s.has("n", strconv.FormatUint(1<<63, 10))
}

func countFloor(s *suite) {
	s.set("n", "5")
	s.decrement("n", 7, 0)
	s.has("n", "0")
	s.decrement("n", 1, 0)
	s.decrement("n", math.MaxUint64, 0)
	s.increment("n", 3, 3)
	s.set("n", strconv.FormatUint(math.MaxUint64, 10))
	s.decrement("n", math.MaxUint64-1, 1)
	s.has("n", "1")
}

func countNotNumber(s *suite) {
	for _, v := range []string{
		"", "x", "five", "-1", "1.5", "1e3", "0x10", "5x", "1,000", "  ", "\x00", "٣",
		"18446744073709551616", "99999999999999999999", "100000000000000000000000000000000", string(fill(300, '1')),
	} {
		s.set("n", v)
		_, err := s.c.Increment(s.ctx, "n", 1)
		s.is(err, cache.ErrNotNumber, "Increment of %.40q", v)
		_, err = s.c.Decrement(s.ctx, "n", 1)
		s.is(err, cache.ErrNotNumber, "Decrement of %.40q", v)
		s.has("n", v)
	}
}

func countPadding(s *suite) {
	check := func(want string) {
		s.t.Helper()
		s.has("n", want)
		s.hasMulti([]string{"n", "absent"}, map[string]string{"n": want})
		if !s.c.Supports(cache.OpGetItem) {
			return
		}
		if it := s.item("n"); string(it.Value) != want {
			s.errorf("GetItem: %q, want %q", it.Value, want)
		}
		items, err := s.c.GetItemMulti(s.ctx, []string{"n"})
		s.none(err, "GetItemMulti")
		s.sameValues("GetItemMulti", itemValues(items), map[string]string{"n": want})
	}
	for _, kind := range []cache.Kind{cache.Bytes, cache.Text, cache.Number} {
		s.none(s.c.as(kind).Set(s.ctx, "n", []byte("10"), 0), "Set as %v", kind)
		s.decrement("n", 1, 9)
		check("9")
		s.increment("n", 1, 10)
		check("10")
		s.increment("n", 99990, 100000)
		s.decrement("n", 99995, 5)
		check("5")
		s.decrement("n", 5, 0)
		check("0")
	}
	n, err := s.c.IncrementFrom(s.ctx, "initial", 0, 100, 0)
	s.counted(n, err, 100, "IncrementFrom")
	s.decrement("initial", 95, 5)
	s.has("initial", "5")
}

func countUserBytes(s *suite) {
	want := map[string]string{"a": "9 ", "b": "5  ", "c": "0                   ", "d": " 9", "e": "10\n", "f": "7\x00"}
	var keys []string
	for k, v := range want {
		s.set(k, v)
		keys = append(keys, k)
	}
	for k, v := range want {
		s.has(k, v)
		s.none(s.c.as(cache.Text).Set(s.ctx, k, []byte(v), 0), "Set as text")
		s.has(k, v)
	}
	s.hasMulti(keys, want)
}

func countConcurrent(s *suite) {
	s.set("up", "0")
	s.set("down", "1000")
	const workers, steps = 8, 25
	together(workers, func(int) {
		for range steps {
			if _, err := s.c.Increment(s.ctx, "up", 2); err != nil {
				s.errorf("Increment: %v", err)
			}
			if _, err := s.c.Decrement(s.ctx, "down", 3); err != nil {
				s.errorf("Decrement: %v", err)
			}
		}
	})
	s.has("up", strconv.Itoa(workers*steps*2))
	s.has("down", strconv.Itoa(1000-workers*steps*3))
}
