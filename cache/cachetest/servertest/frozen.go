package servertest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// These cases stop a server as SIGSTOP does: connections to it can be made, and nothing
// replies.
var frozenCases = []test{
	{
		name: "frozen/one of three",
		rule: "when one server of several does not reply, its keys are errors that name it, in bounded time, and those of the others work; all is well when it replies again",
		run:  frozenOne, waits: true,
	},
	{
		name: "frozen/every operation",
		rule: "every operation on a server that does not reply ends with its timeout, as an outage",
		run:  frozenEvery, waits: true,
	},
	{
		name: "frozen/back-off",
		rule: "a server that timed out twice in a row gets calls of one caller at a time until it replies; the others get ErrUnavailable at once",
		run:  frozenBackOff, waits: true,
	},
	{
		name: "frozen/late replies",
		rule: "a reply that comes after its call has given up is never taken for the reply to another call",
		run:  frozenLate, waits: true,
	},
}

func frozenOne(s *suite) {
	const sick = 1
	all := keys(120)
	servers, c, on := s.cluster(3, sick, all, s.short)
	addr := servers[sick].Addr()
	servers[sick].Freeze()
	start := time.Now()
	found, err := c.GetMulti(context.Background(), all)
	s.failedFor(c, err, on, addr, "GetMulti")
	s.owned(found, "GetMulti")
	s.within(start, 2*s.short, "GetMulti with a server that does not reply")
	start = time.Now()
	s.partial(c, all, on, addr)
	// Each call waits once and may be tried twice, by callers that share the processors: three times
	// what that takes is less than ten calls take that do not end with their timeout.
	s.within(start, 60*s.short, "ten calls with a server that does not reply")
	servers[sick].Thaw()
	s.whole(c, all, on, servers[sick])
}

func frozenEvery(s *suite) {
	server := s.start()
	var frozen sync.WaitGroup
	var starts []func()
	each(s.ready(server, s.short), func(k call) {
		c := s.ready(server, s.short) // another one, which has not seen the server fail
		starts = append(starts, func() {
			start := time.Now()
			err := k.do(context.Background(), c, "k")
			s.outage(c, err, server.Addr(), "%v on a server that does not reply", k.op)
			s.within(start, 2*s.short, "%v on a server that does not reply", k.op)
			var timeout interface{ Timeout() bool }
			if !errors.As(err, &timeout) || !timeout.Timeout() {
				s.errorf("%v on a server that does not reply: error %v does not say that it is a timeout", k.op, err)
			}
		})
	})
	server.Freeze()
	for _, f := range starts {
		frozen.Go(f)
	}
	frozen.Wait()
}

func frozenBackOff(s *suite) {
	const callers = 16
	server := s.start()
	c := s.ready(server, s.short)
	ctx := context.Background()
	server.Freeze()
	for range 2 {
		_, err := c.Get(ctx, "k")
		s.outage(c, err, server.Addr(), "Get on a server that does not reply")
	}
	for round := range 2 {
		var slow atomic.Int32
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for i := range callers {
			wg.Go(func() {
				<-begin
				start := time.Now()
				var err error
				switch i % 3 {
				case 0:
					_, err = c.Get(ctx, "k")
				case 1:
					_, err = c.GetMulti(ctx, []string{"k", "l"})
				case 2:
					err = c.Set(ctx, "k", valueOf("k"), 0)
				}
				if time.Since(start) > s.short/2 {
					slow.Add(1)
				}
				s.outage(c, err, server.Addr(), "a call to a server that timed out before")
			})
		}
		close(begin)
		wg.Wait()
		if n := slow.Load(); n > 1 {
			s.errorf("round %d: %d of %d callers waited for a server that had timed out twice in a row, want one at most", round+1, n, callers)
		}
	}
	if c.Supports(cache.OpStats) {
		st, err := c.Stats(ctx)
		s.none(err, "Stats")
		if f := failures(st); f.Rejected < callers || f.Timeout < 2 {
			s.errorf("Stats count %d calls that were rejected and %d that timed out, want at least %d and 2", f.Rejected, f.Timeout, callers)
		}
	}
	server.Thaw()
	s.eventually(func() bool { return c.Set(ctx, "k", valueOf("k"), 0) == nil }, "Set succeeds when the server replies again")
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			v, err := c.Get(ctx, "k")
			s.none(checked(v, "k", err), "Get, when the server had replied again")
		})
	}
	wg.Wait()
}

func frozenLate(s *suite) {
	server, c := s.one(s.patient)
	ctx := context.Background()
	all := keys(64)
	s.must(c.SetMulti(ctx, valuesOf(all), 0), "SetMulti")
	for range 3 {
		server.Freeze()
		var wg sync.WaitGroup
		for i, k := range all {
			wg.Go(func() {
				hasty, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
				defer cancel()
				if i%2 == 0 {
					_, _ = c.Get(hasty, k)
				} else {
					_, _ = c.GetMulti(hasty, all[i:])
				}
			})
		}
		wg.Wait()
		server.Thaw()
		s.eventually(func() bool { return c.Ping(ctx) == nil }, "Ping succeeds when the server replies again")
		for i, k := range all {
			wg.Go(func() {
				v, err := c.Get(ctx, k)
				s.none(checked(v, k, err), "Get of %q, after calls that gave up", k)
				found, err := c.GetMulti(ctx, all[i:])
				s.none(err, "GetMulti, after calls that gave up")
				s.owned(found, "GetMulti, after calls that gave up")
			})
		}
		wg.Wait()
	}
}
