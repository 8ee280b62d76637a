package servertest

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

var statsCases = []test{
	{
		name: "stats/connections",
		rule: "Stats report, for each server in the order of the configuration, how many connections are open, in use, idle, were opened and closed, and waited for: exactly, when no call is in progress",
		run:  statsConnections,
	},
	{
		name: "stats/failures",
		rule: "Stats count each failure once, by its kind",
		run:  statsFailures, waits: true,
	},
}

// servers returns the statistics of c by server, or skips the case.
func (s *suite) stats(c *cache.Cache) []driver.ServerStats {
	s.t.Helper()
	if !c.Supports(cache.OpStats) {
		s.t.Skip("the driver reports no statistics")
	}
	st, err := c.Stats(context.Background())
	s.must(err, "Stats")
	if len(st.Servers) == 0 {
		s.t.Skip("the driver reports no statistics of its servers")
	}
	return st.Servers
}

// failures returns the failures of all servers together.
func failures(st cache.Stats) driver.Failures {
	var sum driver.Failures
	for _, server := range st.Servers {
		f := server.Failures
		sum.Dial += f.Dial
		sum.PoolTimeout += f.PoolTimeout
		sum.Timeout += f.Timeout
		sum.Lost += f.Lost
		sum.Protocol += f.Protocol
		sum.Refused += f.Refused
		sum.Rejected += f.Rejected
		sum.Canceled += f.Canceled
	}
	return sum
}

// atRest reports whether st can be the statistics of a server without calls: no connection is
// in use, all open ones are idle, and there are as many as were opened and not closed.
func atRest(st driver.ServerStats) bool {
	return st.InUse == 0 && st.Open == st.Idle && st.Open >= 0 && st.Opened-st.Closed == uint64(st.Open) && (st.MaxOpen <= 0 || st.Open <= st.MaxOpen)
}

// A count of connections is formatted when a failure is reported.
type count int

func (n *count) String() string { return fmt.Sprintf("the server has %d", int(*n)) }

func statsConnections(s *suite) {
	servers, addrs := s.startN(2)
	c := s.open(Config{Servers: addrs})
	check := func() {
		s.t.Helper()
		for i, server := range servers {
			var st driver.ServerStats
			var have int
			s.eventually(func() bool {
				st = s.stats(c)[i]
				have = connections(server, st.Open)
				return atRest(st) && have == st.Open
			}, "no connection is in use, and the server has as many as its statistics say: %+v; %v", &st, (*count)(&have))
			if st.Server != addrs[i] {
				s.errorf("the statistics with index %d are those of %q, want %q", i, st.Server, addrs[i])
			}
		}
	}
	for _, st := range s.stats(c) {
		if st.Opened != 0 || st.Open != 0 {
			s.errorf("before the first call: %+v, want no connection", st)
		}
	}
	for range 3 {
		s.warm(c)
		check()
	}
	before := s.stats(c)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 20 {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i)*20*time.Microsecond)
				_, _ = c.GetMulti(ctx, keys(20+g))
				cancel()
			}
		})
	}
	wg.Wait()
	check()
	for i, st := range s.stats(c) {
		if st.Opened < before[i].Opened || st.Closed < before[i].Closed || st.WaitCount < before[i].WaitCount || st.WaitDuration < before[i].WaitDuration {
			s.errorf("statistics went down: %+v, then %+v", before[i], st)
		}
	}
	servers[0].Restart()
	s.eventually(func() bool { return c.Ping(context.Background()) == nil }, "Ping succeeds after a restart")
	s.warm(c)
	check()
	if st := s.stats(c)[0]; st.Closed == before[0].Closed {
		s.errorf("after a restart: %+v, and before %+v; want the connections that were lost counted as closed", st, before[0])
	}
}

func statsFailures(s *suite) {
	ctx := context.Background()
	kind := func(name string, c *cache.Cache, calls int, get func(driver.Failures) uint64) {
		s.t.Helper()
		s.stats(c)
		st, err := c.Stats(ctx)
		s.must(err, "Stats")
		f := failures(st)
		if n := get(f); n != uint64(calls) {
			s.errorf("after %d calls that failed by %s, Stats count %d: %s", calls, name, n, fmt.Sprintf("%+v", f))
		}
		if f.Total() != uint64(calls) {
			s.errorf("after %d calls that failed by %s, Stats count %d failures of all kinds: %+v", calls, name, f.Total(), f)
		}
	}
	server := s.start()
	c := s.ready(server, s.short)
	kind("nothing", c, 0, func(f driver.Failures) uint64 { return f.Total() })

	server.Freeze()
	_, err := c.Get(ctx, "k")
	s.outage(c, err, server.Addr(), "Get on a server that does not reply")
	kind("a timeout", c, 1, func(f driver.Failures) uint64 { return f.Timeout })
	server.Thaw()

	_, c = server, s.open(Config{Servers: []string{server.Addr()}})
	s.eventually(func() bool { return c.Ping(ctx) == nil }, "Ping succeeds")
	server.Freeze()
	hasty, cancel := context.WithTimeout(ctx, s.short/10)
	_, err = c.Get(hasty, "k")
	cancel()
	if err == nil {
		s.errorf("Get on a server that does not reply: no error")
	}
	kind("their context", c, 1, func(f driver.Failures) uint64 { return f.Canceled })
	server.Thaw()

	server.Kill()
	c = s.open(Config{Servers: []string{server.Addr()}})
	for range 3 {
		_, err = c.Get(ctx, "k")
		s.outage(c, err, server.Addr(), "Get on a server that is down")
	}
	kind("a refused connection", c, 3, func(f driver.Failures) uint64 { return f.Dial })
	if st := s.stats(c)[0]; st.Opened != 0 {
		s.errorf("connections to a server that is down: %+v, want none opened", st)
	}
}
