package servertest

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

var killedCases = []test{
	{
		name: "killed/one of three",
		rule: "if one server of several is killed, its keys are errors that name it and those of the others work; keys do not move, and all is well when the server is back",
		run:  killedOne,
	},
	{
		name: "killed/in traffic",
		rule: "while a server is killed and restarted, calls return correct results or ErrUnavailable, and nothing else",
		run:  killedInTraffic,
	},
	{
		name: "killed/counts",
		rule: "a count that returns an error was done once or not at all, and never twice; one that returns none was done once",
		run:  killedCounts,
	},
}

func killedOne(s *suite) {
	const sick = 1
	all := keys(120)
	servers, c, on := s.cluster(3, sick, all, s.patient)
	servers[sick].Kill()
	s.partial(c, all, on, servers[sick].Addr())
	servers[sick].Restart()
	s.whole(c, all, on, servers[sick])
}

// partial checks what works while the server at addr, which holds the keys on, is down.
func (s *suite) partial(c *cache.Cache, all []string, on map[string]bool, addr string) {
	s.t.Helper()
	ctx := context.Background()
	values := valuesOf(all)
	found, err := c.GetMulti(ctx, all)
	s.failedFor(c, err, on, addr, "GetMulti")
	s.owned(found, "GetMulti")
	if want := len(all) - len(on); len(found) != want {
		s.errorf("GetMulti returned %d values, want the %d of the other servers", len(found), want)
	}
	s.failedFor(c, c.SetMulti(ctx, values, 0), on, addr, "SetMulti")
	s.failedFor(c, c.ReplaceMulti(ctx, values, 0), on, addr, "ReplaceMulti")
	if c.Supports(cache.OpGetItemMulti) {
		items, err := c.GetItemMulti(ctx, all)
		s.failedFor(c, err, on, addr, "GetItemMulti")
		var swaps []cache.Swap
		for k, it := range items {
			swaps = append(swaps, cache.Swap{Old: it, Value: valueOf(k)})
		}
		s.none(c.CompareAndSwapMulti(ctx, swaps), "CompareAndSwapMulti of items on the other servers")
		items, _, err = c.GetOrAddMulti(ctx, values, 0)
		s.failedFor(c, err, on, addr, "GetOrAddMulti")
		if want := len(all) - len(on); len(items) != want {
			s.errorf("GetOrAddMulti returned %d items, want the %d of the other servers", len(items), want)
		}
	}
	s.failedFor(c, c.DeleteMulti(ctx, all), on, addr, "DeleteMulti")
	s.failedFor(c, c.AddMulti(ctx, values, 0), on, addr, "AddMulti")
	var wg sync.WaitGroup
	for _, k := range all {
		wg.Go(func() {
			v, err := c.Get(ctx, k)
			if on[k] {
				s.outage(c, err, addr, "Get of %q", k)
			} else if err = checked(v, k, err); err != nil {
				s.errorf("Get of %q, which is on another server: error %q", k, err)
			}
		})
	}
	wg.Wait()
	s.outage(c, c.Ping(ctx), addr, "Ping")
}

// whole checks that everything works again, and that the server holds what it held.
func (s *suite) whole(c *cache.Cache, all []string, on map[string]bool, server Server) {
	s.t.Helper()
	ctx := context.Background()
	s.eventually(func() bool { return c.Ping(ctx) == nil }, "Ping succeeds with the server back")
	// A server that was frozen may still do what it was sent before, such as deletes. Until it
	// has, each check can fail although the one before succeeded.
	s.eventually(func() bool {
		if c.SetMulti(ctx, valuesOf(all), 0) != nil {
			return false
		}
		found, err := c.GetMulti(ctx, all)
		s.owned(found, "GetMulti with the server back")
		return err == nil && len(found) == len(all) && maps.Equal(s.on(server, all), on)
	}, "with the server back SetMulti succeeds, GetMulti finds all %d keys, and the server holds the %d that it held", len(all), len(on))
}

func killedInTraffic(s *suite) {
	servers, addrs := s.startN(2)
	c := s.open(Config{Servers: addrs})
	all := keys(50)
	var stop, starting atomic.Bool
	var failed, worked atomic.Int64
	check := func(what string, err error) {
		if starting.Load() || err != nil {
			time.Sleep(time.Millisecond) // leaves the processor to the server that starts
		}
		switch {
		case errors.Is(err, cache.ErrUnavailable):
			failed.Add(1)
			s.outage(c, err, addrs[0], "%s", what)
		case err == nil, errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrNotStored):
			worked.Add(1)
		default:
			s.errorf("%s while a server is killed and restarted: error %q", what, err)
		}
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	for seed := range 8 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(seed), 0))
			ctx := context.Background()
			for !stop.Load() {
				k := all[r.IntN(len(all))]
				switch r.IntN(6) {
				case 0:
					check("Set", c.Set(ctx, k, valueOf(k), 0))
				case 1:
					check("Add", c.Add(ctx, k, valueOf(k), 0))
				case 2:
					check("Delete", c.Delete(ctx, k))
				case 3:
					v, err := c.Get(ctx, k)
					check("Get", checked(v, k, err))
				case 4:
					found, err := c.GetMulti(ctx, all)
					check("GetMulti", err)
					s.owned(found, "GetMulti while a server is killed and restarted")
				case 5:
					check("SetMulti", c.SetMulti(ctx, valuesOf(all[:10]), 0))
				}
			}
		})
	}
	for range 3 {
		base := worked.Load()
		s.eventually(func() bool { return worked.Load() > base+200 }, "calls succeed")
		base = failed.Load()
		servers[0].Kill()
		s.eventually(func() bool { return failed.Load() > base+20 }, "calls fail while a server is down")
		starting.Store(true)
		servers[0].Restart()
		starting.Store(false)
	}
	stop.Store(true)
	wg.Wait()
	s.eventually(func() bool { return c.SetMulti(context.Background(), valuesOf(all), 0) == nil }, "SetMulti succeeds after it all")
}

// killedCounts gives each goroutine a separate counter, so that it knows what the next number
// must be.
func killedCounts(s *suite) {
	server, c := s.one(s.patient)
	var stop atomic.Bool
	var worked, failed atomic.Int64
	var wg sync.WaitGroup
	defer wg.Wait()
	defer stop.Store(true)
	for g := range 8 {
		wg.Go(func() {
			ctx := context.Background()
			key := keys(8)[g]
			last, unsure := uint64(0), uint64(0) // unsure counts since then may have been done
			for !stop.Load() {
				n, err := c.IncrementFrom(ctx, key, 1, 0, 0)
				if err != nil {
					unsure++
					failed.Add(1)
					s.outage(c, err, server.Addr(), "IncrementFrom")
					continue
				}
				// A server that was restarted counts from 0 again.
				if (n <= last || n > last+unsure+1) && (n == 0 || n > unsure+1) {
					s.errorf("IncrementFrom returned %d after %d and %d counts that failed", n, last, unsure)
				}
				last, unsure = n, 0
				worked.Add(1)
			}
		})
	}
	for range 3 {
		base := worked.Load()
		s.eventually(func() bool { return worked.Load() > base+200 }, "counts succeed")
		base = failed.Load()
		server.Kill()
		s.eventually(func() bool { return failed.Load() > base+8 }, "counts fail while the server is down")
		server.Restart()
	}
}
