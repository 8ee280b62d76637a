package loadtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/load"
)

var onceCases = []test{
	{
		name: "once/one process",
		rule: "a key is loaded once for all who want it at the same time in a process",
		run: func(s *suite) {
			var loads atomic.Int32
			l := s.loader(s.c, nil)
			s.together(50, func(int) { s.is(l, "k", "v", counted(&loads, s.slow(value("v")))) })
			s.loads(&loads, 1)
			s.is(l, "k", "v", s.never())
		},
	},
	{
		name: "once/all processes",
		rule: "a key is loaded once for all who want it at the same time in all processes",
		run: func(s *suite) {
			var loads atomic.Int32
			ls := []*loader{s.loader(s.c, nil), s.loader(s.client(), nil), s.loader(s.client(), nil)}
			s.together(30, func(i int) { s.is(ls[i%3], "k", "v", counted(&loads, s.slow(value("v", "tag")))) })
			s.loads(&loads, 1)
		},
	},
	{
		name: "once/after an invalidation",
		rule: "a value that was invalidated is loaded again once for all who want it",
		run: func(s *suite) {
			var loads atomic.Int32
			ls := []*loader{s.loader(s.c, nil), s.loader(s.client(), nil)}
			s.is(ls[0], "k", "old", value("old"), "tag")
			s.none(ls[1].Invalidate(s.ctx, "tag"), "Invalidate")
			s.together(20, func(i int) { s.is(ls[i%2], "k", "new", counted(&loads, s.slow(value("new"))), "tag") })
			s.loads(&loads, 1)
		},
	},
	{
		name: "once/errors",
		rule: "an error of a load is returned to all who waited for it, and the next Get loads at once",
		run: func(s *suite) {
			broken := errors.New("broken")
			var loads atomic.Int32
			l := s.loader(s.c, nil)
			fail := func(context.Context, *entry) (string, error) { return "", broken }
			// One that comes when the load has failed loads again.
			s.together(20, func(int) { s.fails(l, "k", broken, counted(&loads, s.slower(2*time.Second, fail))) })
			s.loads(&loads, 1)
			began := time.Now()
			s.is(l, "k", "v", value("v"))
			if took := time.Since(began); took > 5*time.Second {
				s.errorf("the load after one that failed took %v, want no waiting for its lease", took)
			}
		},
	},
	{
		name: "detached/the first caller leaves",
		rule: "a load goes on when its first caller gives up, as long as another one waits",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			var loads atomic.Int32
			began, leave := make(chan struct{}), make(chan struct{})
			f := func(ctx context.Context, _ *entry) (string, error) {
				loads.Add(1)
				close(began)
				select {
				case <-leave:
				case <-ctx.Done():
				}
				return "v", ctx.Err()
			}
			ctx, cancel := context.WithCancel(s.ctx)
			var wg sync.WaitGroup
			wg.Go(func() {
				if _, err := l.Get(ctx, "k", f); !errors.Is(err, context.Canceled) {
					s.errorf("Get of the one who gave up: %v, want the error of its context", err)
				}
			})
			<-began
			wg.Go(func() { s.is(l, "k", "v", value("v")) })
			time.Sleep(50 * time.Millisecond) // the second one waits by now, or loads itself
			cancel()
			close(leave)
			wg.Wait()
			if n := loads.Load(); n != 1 {
				s.errorf("%d loads by the first caller, want 1", n)
			}
		},
	},
	{
		name: "detached/nobody waits",
		rule: "the context of a load is done when nobody waits for it any more",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			ended := make(chan struct{})
			ctx, cancel := context.WithCancel(s.ctx)
			_, err := l.Get(ctx, "k", func(ctx context.Context, _ *entry) (string, error) {
				cancel()
				<-ctx.Done()
				close(ended)
				return "", ctx.Err()
			})
			if !errors.Is(err, context.Canceled) {
				s.errorf("Get: %v, want the error of the context", err)
			}
			<-ended
			s.is(l, "k", "v", value("v"))
		},
	},
	{
		name:  "lease/of one that died",
		rule:  "the lease of a process that died is taken over when it is over",
		waits: true,
		run: func(s *suite) {
			// A load that does not return is as good as a dead process.
			stuck := make(chan struct{})
			dead := s.loader(s.c, func(c *load.Config[string]) { c.Lease = s.unit() })
			ctx, cancel := context.WithCancel(s.ctx)
			began := make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_, _ = dead.Get(ctx, "k", func(context.Context, *entry) (string, error) {
					close(began)
					<-stuck
					return "", errors.New("stuck")
				})
			})
			<-began
			other := s.loader(s.client(), nil) // with a lease that its load does not outlast
			s.is(other, "k", "v", value("v"))
			close(stuck)
			cancel()
			wg.Wait()
			s.is(other, "k", "v", s.never())
		},
	},
}

// together calls f in n goroutines at the same time, with their numbers.
func (s *suite) together(n int, f func(i int)) {
	s.t.Helper()
	var wg sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

func (s *suite) loads(n *atomic.Int32, want int32) {
	s.t.Helper()
	if got := n.Load(); got != want {
		s.errorf("%d loads, want %d", got, want)
	}
}
