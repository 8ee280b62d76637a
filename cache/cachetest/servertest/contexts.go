package servertest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

var contextCases = []test{
	{
		name: "context/canceled during a call",
		rule: "a call that waits ends soon after its context is canceled, with the error of the context, which names the server; the next call works",
		run:  contextCanceled, waits: true,
	},
	{
		name: "context/deadline during a call",
		rule: "a call that waits ends soon after the deadline of its context, with the error of the context, which names the server; the next call works",
		run:  contextDeadline, waits: true,
	},
	{
		name: "context/values keep to their keys",
		rule: "however calls end, no value is returned for another key, and every error is an outage or that of the context",
		run:  contextValues,
	},
}

func contextCanceled(s *suite) {
	s.ends(context.Canceled, func(f func(context.Context)) {
		ctx, cancel := context.WithCancel(context.Background())
		timer := time.AfterFunc(s.short/10, cancel)
		defer timer.Stop()
		f(ctx)
	})
}

func contextDeadline(s *suite) {
	s.ends(context.DeadlineExceeded, func(f func(context.Context)) {
		ctx, cancel := context.WithTimeout(context.Background(), s.short/10)
		defer cancel()
		f(ctx)
	})
}

// ends makes every call on a frozen server, with a context that ends meanwhile.
func (s *suite) ends(want error, with func(f func(context.Context))) {
	server := s.start()
	var calls []func(frozen bool)
	each(s.open(Config{Servers: []string{server.Addr()}}), func(k call) {
		timeout := s.patient
		if want == context.Canceled && s.o.IgnoresCancel != nil && s.o.IgnoresCancel(k.op) {
			timeout = s.short
		}
		c := s.ready(server, timeout)
		calls = append(calls, func(frozen bool) {
			if !frozen {
				s.eventually(func() bool { return k.possible(k.do(context.Background(), c, "k")) }, "%v works when the server does", k.op)
				return
			}
			with(func(ctx context.Context) {
				start := time.Now()
				err := k.do(ctx, c, "k")
				if !errors.Is(err, want) || errors.Is(err, cache.ErrMiss) {
					s.errorf("%v while its context ended: error %v, want %q", k.op, err, want)
				}
				s.named(c, err, server.Addr(), "%v while its context ended", k.op)
				s.within(start, s.short, "%v while its context ended", k.op)
			})
		})
	})
	for _, frozen := range []bool{true, false} {
		if frozen {
			server.Freeze()
		} else {
			server.Thaw()
		}
		var wg sync.WaitGroup
		for _, f := range calls {
			wg.Go(func() { f(frozen) })
		}
		wg.Wait()
	}
}

func contextValues(s *suite) {
	server, c := s.one(s.short)
	all := keys(50)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	fine := func(what string, err error) {
		for _, e := range []error{nil, cache.ErrMiss, cache.ErrUnavailable, context.DeadlineExceeded, context.Canceled} {
			if errors.Is(err, e) {
				return
			}
		}
		s.errorf("%s: error %q", what, err)
	}
	for g := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				k := all[(g*7+i)%len(all)]
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(i%20)*20*time.Microsecond+10*time.Microsecond)
				if i%5 == 0 { // a context that has time
					cancel()
					ctx, cancel = context.WithTimeout(context.Background(), s.short)
				}
				fine("Set", c.Set(ctx, k, valueOf(k), 0))
				v, err := c.Get(ctx, k)
				fine("Get", checked(v, k, err))
				found, err := c.GetMulti(ctx, []string{k, all[g]})
				fine("GetMulti", err)
				s.owned(found, "GetMulti")
				cancel()
			}
		})
	}
	for range 5 {
		time.Sleep(20 * time.Millisecond)
		server.Freeze()
		time.Sleep(20 * time.Millisecond)
		server.Thaw()
		server.Restart()
	}
	close(stop)
	wg.Wait()
	ctx := context.Background()
	s.eventually(func() bool { return c.SetMulti(ctx, valuesOf(all), 0) == nil }, "SetMulti succeeds after it all")
	found, err := c.GetMulti(ctx, all)
	s.none(err, "GetMulti after it all")
	s.owned(found, "GetMulti after it all")
	if len(found) != len(all) {
		s.errorf("GetMulti after it all returned %d values, want %d", len(found), len(all))
	}
}
