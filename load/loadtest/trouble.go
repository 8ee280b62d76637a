package loadtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

var troubleCases = []test{
	{
		name: "trouble/panic",
		rule: "a load that panics leaves nobody waiting: its caller panics, the others get an error, and the next Get loads",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			var wg sync.WaitGroup
			var panics atomic.Int32
			began, goOn := make(chan struct{}), make(chan struct{})
			get := func(f fn) {
				defer func() {
					var p *load.PanicError
					if err, _ := recover().(error); errors.As(err, &p) && p.Value == "in load" {
						panics.Add(1)
					}
				}()
				var p *load.PanicError
				if v, err := l.Get(s.ctx, "k", f); !errors.As(err, &p) && v != "v" {
					s.errorf("Get: %q, %v; want a value, or the panic", v, err)
				}
			}
			wg.Go(func() {
				get(func(context.Context, *entry) (string, error) { close(began); <-goOn; panic("in load") })
			})
			<-began
			joined := make(chan struct{})
			wg.Go(func() { close(joined); get(value("v")) })
			<-joined
			close(goOn) // the second one waits by now, or will load itself
			wg.Wait()
			if panics.Load() != 1 {
				s.errorf("%d callers panicked, want the one whose load function did", panics.Load())
			}
			s.is(l, "k", "v", value("v"))
		},
	},
	{
		name: "trouble/closed",
		rule: "after Close a Get is an error that matches ErrClosed",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "v", value("v"))
			s.none(l.Close(), "Close")
			s.fails(l, "k", cache.ErrClosed, s.never())
			s.fails(l, "other", cache.ErrClosed, s.never())
			s.none(l.Close(), "Close again")
		},
	},
	{
		name: "trouble/its own key",
		rule: "a load may get other keys, and its own is an error",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "outer", "inner", func(ctx context.Context, _ *entry) (string, error) {
				return l.Get(ctx, "inner", func(ctx context.Context, _ *entry) (string, error) {
					if _, err := l.Get(ctx, "outer", s.never()); err == nil {
						s.errorf("a Get of the key that is being loaded: no error")
					}
					return "inner", nil
				})
			})
			s.is(l, "inner", "inner", s.never())
		},
	},
	{
		name: "trouble/context",
		rule: "a Get whose context is done returns its error, also if the value is cached",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "v", value("v"))
			ctx, cancel := context.WithCancel(s.ctx)
			cancel()
			if _, err := l.Get(ctx, "k", s.never()); !errors.Is(err, context.Canceled) {
				s.errorf("Get: %v, want the error of the context", err)
			}
			if _, err := l.GetMulti(ctx, []string{"k"}, s.neverMulti()); !errors.Is(err, context.Canceled) {
				s.errorf("GetMulti: %v, want the error of the context", err)
			}
		},
	},
	{
		name: "trouble/outage", outage: true,
		rule: "in an outage values are loaded, once for all who wait, and not cached; Tag returns no error, and Invalidate does",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			tagged := func(ctx context.Context, e *entry) (string, error) {
				if err := e.Tag(ctx, "tag"); err != nil {
					s.errorf("Tag: %v, want none in an outage", err)
				}
				return "v", nil
			}
			s.is(l, "k", "v", tagged, "known")
			s.multi(l, []string{"a", "b"}, map[string]string{"a": "A", "b": "B"}, constant(map[string]string{"a": "A", "b": "B"}), "known")
			if err := l.Invalidate(s.ctx, "tag"); !errors.Is(err, cache.ErrUnavailable) {
				s.errorf("Invalidate: %v, want ErrUnavailable", err)
			}
			if err := l.Delete(s.ctx, "k"); !errors.Is(err, cache.ErrUnavailable) {
				s.errorf("Delete: %v, want ErrUnavailable", err)
			}
			s.fails(l, "k", cache.ErrUnavailable, nil)
		},
	},
}
