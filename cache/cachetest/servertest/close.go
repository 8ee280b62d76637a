package servertest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

var closeCases = []test{
	{
		name: "close/nothing is left",
		rule: "opening a cache makes no connection; after Close none of its connections and goroutines is left, however its calls ended",
		run:  closeNothing,
	},
	{
		name: "close/in traffic",
		rule: "calls that run while the cache is closed succeed, or are ErrClosed or ErrUnavailable; later ones are ErrClosed, and nothing is left",
		run:  closeInTraffic,
	},
	{
		name: "close/servers that fail",
		rule: "Close ends soon and leaves nothing, also when servers are down or do not reply",
		run:  closeFailing, waits: true,
	},
}

// connections returns how many connections server has, or expected if it cannot tell.
func connections(server Server, expected int) int {
	if c, ok := server.(ConnectionCounter); ok {
		return c.Connections()
	}
	return expected
}

// unconnected waits until the servers have no connections.
func (s *suite) unconnected(servers []Server, when string) {
	s.t.Helper()
	for _, server := range servers {
		s.eventually(func() bool { return connections(server, 0) == 0 }, "%s has no connection %s", server.Addr(), when)
	}
}

func closeNothing(s *suite) {
	servers, addrs := s.startN(2)
	ctx := context.Background()
	s.unconnected(servers, "before there is a client")
	before := s.goroutines()
	c := s.openCache(Config{Servers: addrs, Timeout: s.patient})
	s.unconnected(servers, "before the first call")
	s.warm(c)
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			all := keys(100)
			for i := range 20 {
				hasty, cancel := context.WithTimeout(ctx, time.Duration(i*g)*5*time.Microsecond)
				_, _ = c.Get(hasty, all[g])
				_, _ = c.GetMulti(hasty, all)
				cancel()
			}
			s.none(c.SetMulti(ctx, valuesOf(all), 0), "SetMulti")
		})
	}
	wg.Wait()
	servers[0].Restart()
	s.eventually(func() bool { return c.Ping(ctx) == nil }, "Ping succeeds after a restart")
	s.none(c.Close(), "Close")
	s.gone(servers, before)
}

// gone waits until there are no connections, and no more goroutines than before a cache was
// opened.
func (s *suite) gone(servers []Server, goroutines int) {
	s.t.Helper()
	s.unconnected(servers, "after Close")
	s.eventually(func() bool { return s.goroutines() <= goroutines }, "no goroutine is left after Close")
}

func closeInTraffic(s *suite) {
	const workers = 10
	servers, addrs := s.startN(2)
	before := s.goroutines()
	for range 3 {
		c := s.openCache(Config{Servers: addrs, Timeout: s.patient, Conns: 4})
		all := keys(1000)
		values := valuesOf(all)
		var working, closed atomic.Int64
		var wg sync.WaitGroup
		for i := range workers {
			wg.Go(func() {
				ctx := context.Background()
				for {
					var err error
					switch i % 3 {
					case 0:
						err = c.SetMulti(ctx, values, 0)
					case 1:
						_, err = c.GetMulti(ctx, all)
					default:
						err = c.Set(ctx, all[i], values[all[i]], 0)
					}
					working.Add(1)
					if errors.Is(err, cache.ErrClosed) {
						closed.Add(1)
						return
					}
					if err != nil && !errors.Is(err, cache.ErrUnavailable) {
						s.errorf("a call while the cache is closed: error %q", err)
						return
					}
				}
			})
		}
		s.eventually(func() bool { return working.Load() > 2*workers }, "there is traffic")
		s.none(c.Close(), "Close")
		wg.Wait()
		if n := closed.Load(); n != workers {
			s.errorf("%d of %d callers got ErrClosed", n, workers)
		}
		s.none(c.Close(), "Close for the second time")
		s.gone(servers, before)
	}
}

func closeFailing(s *suite) {
	servers, addrs := s.startN(2)
	c := s.openCache(Config{Servers: addrs, Timeout: s.short})
	ctx := context.Background()
	s.stored(c, keys(50))
	servers[0].Kill()
	servers[1].Freeze()
	const callers = 20
	var began, ended atomic.Int32
	var wg sync.WaitGroup
	for _, k := range keys(callers) {
		wg.Go(func() {
			began.Add(1)
			defer ended.Add(1)
			if _, err := c.Get(ctx, k); !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, cache.ErrClosed) {
				s.errorf("Get while the cache is closed, on servers that fail: error %v", err)
			}
		})
	}
	s.eventually(func() bool { return began.Load() == callers && ended.Load() > 0 }, "the calls to the server that is down have ended")
	start := time.Now()
	s.none(c.Close(), "Close with servers that fail")
	wg.Wait()
	s.within(start, 2*s.short, "Close with servers that fail")
}
