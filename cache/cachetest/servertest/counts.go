package servertest

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"

	"github.com/larder-go/larder/cache"
)

var countCases = []test{
	{
		name: "counts/large",
		rule: "numbers of 2^63 and more count like others, whatever was stored before; an increment wraps at 2^64, and a decrement stops at 0",
		run:  countsLarge,
	},
	{
		name: "counts/large together",
		rule: "no count is lost or rejected when many callers count past 2^64 at once",
		run:  countsTogether,
	},
}

// litter leaves minus signs in the memory of the server, where counters with short keys
// may be stored next: some versions of memcached read them.
func (s *suite) litter(c *cache.Cache, keys ...string) {
	s.t.Helper()
	ctx := context.Background()
	for _, k := range keys {
		s.must(c.Set(ctx, k, bytes.Repeat([]byte("-"), 37-len(k)), 0), "Set")
	}
	s.must(c.DeleteMulti(ctx, keys), "DeleteMulti")
}

func countsLarge(s *suite) {
	_, c := s.one(s.patient)
	ctx := context.Background()
	number := c.WithKind(cache.Number)
	for _, count := range []struct {
		name  string
		do    func(context.Context, string, uint64) (uint64, error)
		delta uint64
		want  uint64
	}{
		{"Increment", c.Increment, 5, 4},
		{"Increment", c.Increment, 0, math.MaxUint64},
		{"Decrement", c.Decrement, 5, math.MaxUint64 - 5},
		{"Decrement", c.Decrement, math.MaxUint64, 0},
	} {
		s.litter(c, "n")
		s.must(number.Set(ctx, "n", []byte("18446744073709551615"), 0), "Set")
		if n, err := count.do(ctx, "n", count.delta); err != nil || n != count.want {
			s.errorf("%s of 2^64-1 by %d: %d, error %v; want %d", count.name, count.delta, n, err, count.want)
		}
	}
	for _, v := range []string{"", " ", "-1", "-18446744073709551615", "x", "18446744073709551616", "+18446744073709551615", "18446744073709551615 "} {
		s.litter(c, "n")
		s.must(c.Set(ctx, "n", []byte(v), 0), "Set")
		if n, err := c.Increment(ctx, "n", 1); !errors.Is(err, cache.ErrNotNumber) {
			s.errorf("Increment of %q: %d, error %v; want %q", v, n, err, cache.ErrNotNumber)
		}
	}
}

func countsTogether(s *suite) {
	const workers, each = 8, 5
	_, c := s.one(s.patient)
	ctx := context.Background()
	for range 20 {
		s.litter(c, keys(50)...)
		s.must(c.Set(ctx, "n", []byte("18446744073709551600"), 0), "Set")
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if _, err := c.Increment(ctx, "n", 1); err != nil {
						s.errorf("Increment past 2^64: error %q", err)
					}
				}
			})
		}
		wg.Wait()
		const want = workers*each - 16
		if n, err := c.Increment(ctx, "n", 0); err != nil || n != want {
			s.errorf("%d increments of 2^64-16 came to %d, error %v; want %d", workers*each, n, err, want)
			return
		}
	}
}
