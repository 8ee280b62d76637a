package servertest

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/larder-go/larder/cache"
)

var restartCases = []test{
	{
		name: "restarted/between two calls",
		rule: "a call whose connections were lost with a restart works if it is idempotent; otherwise it works or is ErrUnavailable, and the next one works",
		run:  restartedBetween,
	},
	{
		name: "restarted/one loss is enough",
		rule: "after a restart, calls that are not idempotent fail once at most: the first connection that is found lost makes the others lost too",
		run:  restartedOnce,
	},
	{
		name: "restarted/counts",
		rule: "a count after a restart is done once, or returns an error and is done once at most",
		run:  restartedCounts,
	},
}

const clients = 8

// warm has several goroutines make calls at the same time, which leaves as many
// connections in a cache that opens one for each call.
func (s *suite) warm(c *cache.Cache) {
	s.t.Helper()
	var wg sync.WaitGroup
	for g := range clients {
		wg.Go(func() {
			ctx := context.Background()
			key := fmt.Sprint("warm:", g)
			for range 20 {
				s.none(c.Set(ctx, key, valueOf(key), 0), "Set")
				v, err := c.Get(ctx, key)
				s.none(checked(v, key, err), "Get")
			}
		})
	}
	wg.Wait()
}

func restartedBetween(s *suite) {
	server, c := s.one(s.patient)
	ctx := context.Background()
	each(c, func(k call) {
		s.warm(c)
		s.none(c.Set(ctx, "k", valueOf("k"), 0), "Set")
		server.Restart()
		err := k.do(ctx, c, "k")
		if k.fits(err, false) {
			return
		}
		if k.idempotent {
			s.errorf("%v after a restart: error %v, want what an empty server replies", k.op, err)
			return
		}
		s.outage(c, err, server.Addr(), "%v after a restart", k.op)
		// The first may have been done.
		if err := k.do(ctx, c, "k"); !k.possible(err) {
			s.errorf("%v for the second time after a restart: error %v", k.op, err)
		}
	})
}

func restartedOnce(s *suite) {
	server, c := s.one(s.patient)
	ctx := context.Background()
	for range 3 {
		s.warm(c)
		server.Restart()
		failed := 0
		for i := range 2 * clients {
			if err := c.Add(ctx, strconv.Itoa(i), []byte("0"), 0); err != nil {
				failed++
				s.outage(c, err, server.Addr(), "Add after a restart")
			}
		}
		if failed > 1 {
			s.errorf("%d of %d calls of Add after a restart failed, want at most one", failed, 2*clients)
		}
		var wg sync.WaitGroup
		for g := range clients {
			wg.Go(func() {
				for range 20 {
					if _, err := c.IncrementFrom(ctx, strconv.Itoa(g), 1, 0, 0); err != nil {
						s.errorf("IncrementFrom, when a lost connection had been found: error %q", err)
					}
				}
			})
		}
		wg.Wait()
	}
}

func restartedCounts(s *suite) {
	server, c := s.one(s.patient)
	feeder := s.open(Config{Servers: []string{server.Addr()}})
	ctx := context.Background()
	for _, down := range []bool{false, true} {
		s.warm(c)
		server.Restart()
		s.must(feeder.Set(ctx, "n", []byte("100"), 0), "Set after a restart")
		count, step := c.Increment, uint64(1)
		if down {
			count, step = c.Decrement, ^uint64(0)
		}
		n, err := count(ctx, "n", 1)
		if err == nil && n != 100+step {
			s.errorf("a count of 100 by 1 after a restart returned %d", n)
		}
		if err == nil {
			continue
		}
		s.outage(c, err, server.Addr(), "a count after a restart")
		n, err = count(ctx, "n", 1)
		s.none(err, "the second count after a restart")
		if n != 100+step && n != 100+2*step {
			s.errorf("two counts of 100 by 1, of which the first returned an error, came to %d", n)
		}
	}
	if _, err := c.Increment(ctx, "absent", 1); !errors.Is(err, cache.ErrMiss) {
		s.errorf("Increment of an absent key: error %v, want %q", err, cache.ErrMiss)
	}
}
