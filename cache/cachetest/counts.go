package cachetest

import (
	"fmt"
	"math"
	"strconv"
	"sync"

	"github.com/larder-go/larder/cache"
)

var countCases = []test{
	{
		name: "count/steps",
		rule: "Increment and Decrement count by the delta, from a number that any operation stored as digits, and return the result",
		run:  countSteps, drops: dropsCounts,
	},
	{
		name: "count/absent",
		rule: "counting an absent key returns ErrMiss and stores nothing",
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
		rule: "counting a value that is not a decimal number of 64 bits returns ErrNotNumber and leaves the value, with an initial value or without",
		run:  countNotNumber, drops: dropsCounts,
	},
	{
		name: "count/padding",
		rule: "every read returns a counter as its decimal digits without padding",
		run:  countPadding, drops: dropsCounts,
	},
	{
		name: "count/user bytes",
		rule: "bytes that look like a padded number are returned exactly as they were stored",
		run:  countUserBytes,
	},
	{
		name: "count/concurrent",
		rule: "counting is atomic: concurrent increments and decrements all count",
		run:  countConcurrent, drops: dropsCounts,
	},
	{
		name: "initial/absent",
		rule: "IncrementFrom and DecrementFrom set an absent key to the initial value, then count",
		run:  initialAbsent,
	},
	{
		name: "initial/present",
		rule: "the initial value makes no difference to a key that is present",
		run:  initialPresent, drops: dropsInitials,
	},
	{
		name: "initial/concurrent",
		rule: "if several callers begin a counter, one sets it and all count",
		run:  initialConcurrent, drops: dropsInitials,
	},
}

func countSteps(s *suite) {
	for _, st := range s.storers() {
		s.prepare(st, "n", "1", 0)
		s.none(st.do(s, "n", []byte("5"), 0), "%s", st.name)
		s.increment("n", 1, 6)
		s.increment("n", 36, 42)
		s.increment("n", 0, 42)
		s.decrement("n", 2, 40)
		s.decrement("n", 0, 40)
		s.has("n", "40")
	}
	s.set("zero", "0")
	s.increment("zero", 7, 7)
}

func countAbsent(s *suite) {
	n, err := s.c.Increment(s.ctx, "absent", 1)
	s.is(err, cache.ErrMiss, "Increment of an absent key")
	if n != 0 {
		s.errorf("Increment of an absent key: %d, want 0 beside the error", n)
	}
	s.misses("absent")
	n, err = s.c.Decrement(s.ctx, "absent", 1)
	s.is(err, cache.ErrMiss, "Decrement of an absent key")
	if n != 0 {
		s.errorf("Decrement of an absent key: %d, want 0 beside the error", n)
	}
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
	s.set("n", strconv.FormatUint(1<<63, 10))
	s.decrement("n", 1, math.MaxInt64)
}

// counting are the operations that count, by 1 and from an initial value if they take one.
var counting = []struct {
	name string
	do   func(s *suite, key string) (uint64, error)
}{
	{"Increment", func(s *suite, key string) (uint64, error) { return s.c.Increment(s.ctx, key, 1) }},
	{"Decrement", func(s *suite, key string) (uint64, error) { return s.c.Decrement(s.ctx, key, 1) }},
	{"IncrementFrom", func(s *suite, key string) (uint64, error) { return s.c.IncrementFrom(s.ctx, key, 1, 1, 0) }},
	{"DecrementFrom", func(s *suite, key string) (uint64, error) { return s.c.DecrementFrom(s.ctx, key, 1, 1, 0) }},
}

// notNumbers are values that cannot be counted, though some servers count a few of them.
var notNumbers = []string{
	"", "x", "five", "-1", "-0", "1.5", "1e3", "0x10", "0b1", "0o7", "5x", "1,000", "1_000", "\x00", "٣", "１２",
	"+5", "+0", " 5", "5 ", "\t5", "5\n", "5\x00", "  ",
	"18446744073709551616", "99999999999999999999", "100000000000000000000000000000000", string(fill(300, '1')),
}

func countNotNumber(s *suite) {
	for _, v := range notNumbers {
		for _, c := range counting {
			s.set("n", v)
			n, err := c.do(s, "n")
			s.is(err, cache.ErrNotNumber, "%s of %.40q", c.name, v)
			if n != 0 {
				s.errorf("%s of %.40q: %d beside the error, want 0", c.name, v, n)
			}
			s.has("n", v)
		}
	}
}

func countPadding(s *suite) {
	check := func(want string) {
		s.t.Helper()
		for _, r := range s.readers() {
			got, err := r.do(s, "n")
			s.found(r.name, "n", got, err, want)
		}
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
	n, err = s.c.DecrementFrom(s.ctx, "initial", 95, 100, 0)
	s.counted(n, err, 5, "DecrementFrom of a present key")
	s.has("initial", "5")
}

func countUserBytes(s *suite) {
	want := map[string]string{"a": "9 ", "b": "5  ", "c": "0                   ", "d": " 9", "e": "10\n", "f": "7\x00"}
	var keys []string
	for k, v := range want {
		s.set(k, v)
		keys = append(keys, k)
	}
	check := func() {
		s.t.Helper()
		for k, v := range want {
			for _, r := range s.readers() {
				if s.c.Discards() {
					continue
				}
				got, err := r.do(s, k)
				s.found(r.name, k, got, err, v)
			}
		}
		s.hasMulti(keys, want)
	}
	check()
	for k, v := range want {
		s.none(s.c.as(cache.Text).Set(s.ctx, k, []byte(v), 0), "Set as text")
	}
	check()
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
	up("g", 1, 1<<40, 1<<40+1)
	down("h", 1, 1<<40, 1<<40-1)
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

func initialConcurrent(s *suite) {
	const workers, rounds = 8, 5
	for round := range rounds {
		for _, count := range []struct {
			name string
			do   func(key string) (uint64, error)
			want int
		}{
			{"IncrementFrom", func(key string) (uint64, error) { return s.c.IncrementFrom(s.ctx, key, 1, 100, 0) }, 100 + workers},
			{"DecrementFrom", func(key string) (uint64, error) { return s.c.DecrementFrom(s.ctx, key, 1, 100, 0) }, 100 - workers},
		} {
			key := fmt.Sprint(count.name, round)
			var mu sync.Mutex
			seen := map[uint64]bool{}
			together(workers, func(int) {
				n, err := count.do(key)
				if err != nil {
					s.errorf("%s: %v", count.name, err)
				}
				mu.Lock()
				defer mu.Unlock()
				if seen[n] {
					s.errorf("%s returned %d twice", count.name, n)
				}
				seen[n] = true
			})
			s.has(key, strconv.Itoa(count.want))
		}
	}
}
