package loadtest

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/load"
)

var ageCases = []test{
	{
		name: "age/TTL", waits: true,
		rule: "a value expires after its TTL, or after the one that its load chose",
		run: func(s *suite) {
			l := s.loader(s.c, func(c *load.Config[string]) { c.TTL = s.unit() })
			s.is(l, "k", "old", value("old", "tag"))
			s.is(l, "longer", "old", func(_ context.Context, e *entry) (string, error) { e.TTL(0); return "old", nil })
			time.Sleep(s.expired())
			s.is(l, "k", "new", value("new"))
			s.is(l, "longer", "old", s.never())
		},
	},
	{
		name: "age/refresh", waits: true,
		rule: "after RefreshAfter the old value is returned at once, while one process loads the new one",
		run: func(s *suite) {
			var loads atomic.Int32
			refresh := func(c *load.Config[string]) { c.RefreshAfter = s.unit() }
			l, other := s.loader(s.c, refresh), s.loader(s.client(), refresh)
			fresh := s.loader(s.c, func(c *load.Config[string]) { c.RefreshAfter = 30 * time.Minute })
			s.is(fresh, "fresh", "old", value("old"))
			s.is(fresh, "fresh", "old", s.never())
			s.is(l, "k", "old", value("old", "tag"))
			time.Sleep(s.unit() + 50*time.Millisecond)
			goOn := make(chan struct{})
			f := counted(&loads, func(ctx context.Context, e *entry) (string, error) {
				<-goOn
				return "new", e.Tag(ctx, "tag")
			})
			for range 10 {
				s.is(l, "k", "old", f)
				s.is(other, "k", "old", f)
			}
			close(goOn)
			s.eventually("the new value is there", func() bool {
				v, err := other.Get(s.ctx, "k", nil)
				return err == nil && v == "new"
			})
			s.loads(&loads, 1)
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(l, "k", "newer", value("newer"))
		},
	},
	{
		name: "age/refresh of what was invalidated", waits: true,
		rule: "a value that was invalidated is not returned while it is refreshed, nor put back afterwards",
		run: func(s *suite) {
			l := s.loader(s.c, func(c *load.Config[string]) { c.RefreshAfter = s.unit() })
			s.is(l, "k", "old", value("old", "tag"))
			time.Sleep(s.unit() + 50*time.Millisecond)
			began, goOn := make(chan struct{}), make(chan struct{})
			s.is(l, "k", "old", func(ctx context.Context, e *entry) (string, error) {
				close(began)
				<-goOn
				return "", errors.New("failed")
			})
			<-began
			s.none(l.Delete(s.ctx, "k"), "Delete")
			close(goOn)
			s.none(l.Close(), "Close") // waits for the refresh
			s.is(s.loader(s.c, nil), "k", "new", value("new"))
		},
	},
	{
		name: "age/stale if loading fails", waits: true,
		rule: "a value is returned past its TTL, for KeepStale, if loading fails; it is tried again after RetryAfter",
		run: func(s *suite) {
			var loads atomic.Int32
			l := s.loader(s.c, func(c *load.Config[string]) {
				c.TTL, c.KeepStale, c.RetryAfter = s.unit(), time.Hour, time.Hour
			})
			s.is(l, "k", "old", value("old", "tag"))
			time.Sleep(s.unit() + 50*time.Millisecond)
			fail := counted(&loads, func(context.Context, *entry) (string, error) { return "", errors.New("failed") })
			for range 3 {
				s.is(l, "k", "old", fail)
			}
			s.loads(&loads, 1)
			if st := l.Stats(); st.StaleHits != 3 {
				s.errorf("Stats count %d stale hits, want 3", st.StaleHits)
			}
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(l, "k", "new", value("new"))
		},
	},
	{
		name: "age/stale after patience", waits: true,
		rule: "a value is returned past its TTL if loading takes longer than Patience, and the load goes on",
		run: func(s *suite) {
			l := s.loader(s.c, func(c *load.Config[string]) {
				c.TTL, c.KeepStale, c.Patience = s.unit(), time.Hour, 20*time.Millisecond
			})
			s.is(l, "k", "old", value("old"))
			time.Sleep(s.unit() + 50*time.Millisecond)
			goOn := make(chan struct{})
			s.is(l, "k", "old", func(context.Context, *entry) (string, error) { <-goOn; return "new", nil })
			close(goOn)
			s.eventually("the new value is there", func() bool {
				v, err := l.Get(s.ctx, "k", nil)
				return err == nil && v == "new"
			})
		},
	},
	{
		name: "age/not modified", waits: true,
		rule: "a load may say that the old value is still right; its life then begins again",
		run: func(s *suite) {
			l := s.loader(s.c, func(c *load.Config[string]) { c.TTL, c.KeepStale = s.unit(), time.Hour })
			same := func(ctx context.Context, e *entry) (string, error) {
				if old, ok := e.Old(); !ok || old != "value" {
					s.errorf("Old: %q, %v; want the value", old, ok)
				}
				return "", load.ErrNotModified
			}
			s.is(l, "k", "value", value("value"))
			time.Sleep(s.unit() + 50*time.Millisecond)
			began := time.Now()
			s.is(l, "k", "value", same)
			s.is(l, "k", "value", func(context.Context, *entry) (string, error) {
				if lived := time.Since(began); lived < s.unit() {
					s.errorf("it is loaded again after %v, want %v", lived, s.unit())
				}
				return "value", nil
			})
			// A value that was invalidated can be asked about as well.
			t := s.loader(s.c, nil)
			s.is(t, "tagged", "value", value("value"), "tag")
			s.none(t.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(t, "tagged", "value", same, "tag")
			s.is(t, "tagged", "value", s.never(), "tag")
			if _, err := t.Get(s.ctx, "absent", func(_ context.Context, e *entry) (string, error) {
				return "", load.ErrNotModified
			}); err == nil {
				s.errorf("ErrNotModified without an old value: no error")
			}
		},
	},
}

// expired returns the time to wait until a value with a TTL of one unit has expired.
func (s *suite) expired() time.Duration { return s.unit() + 2*s.o.Granularity + 50*time.Millisecond }
