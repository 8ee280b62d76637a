package ketama_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// late is a context whose deadline has passed, and which does not know it yet, as on a machine
// that is busy.
type late struct{ context.Context }

func (late) Deadline() (time.Time, bool) { return time.Now().Add(-time.Second), true }

// Without time left no call waits for the server, in particular not without end.
func TestNoTimeLeft(t *testing.T) {
	f := memcachedtest.StartFake(t, func(int) []memcachedtest.Step { return nil })
	c := open(t, ketama.Config{Servers: []string{f.Addr()}})
	for _, a := range actions {
		start := time.Now()
		err := a.run(late{t.Context()}, c)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%v: %v, want that the deadline is exceeded", a.op, err)
		}
		bounded(t, start)
	}
}

// Rainycape's connection keeps the deadline of the call before where that is late enough. A
// server that stops replying is noticed all the same, and so is one that was restarted and does
// not reply from then on.
func TestTimeoutAfterCalls(t *testing.T) {
	for _, a := range actions {
		if a.op != cache.OpSet && a.op != cache.OpIncrement {
			continue
		}
		step := memcachedtest.Step{Expect: a.request, Reply: a.reply}
		last := step
		last.Close = true
		for name, steps := range map[string][]memcachedtest.Step{
			"silent":    {step, step, step},
			"restarted": {step, step, last},
		} {
			t.Run(a.op.String()+", "+name, func(t *testing.T) {
				t.Parallel()
				f := fake(t, steps, nil)
				c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: time.Second})
				for range 3 {
					if err := a.run(t.Context(), c); err != nil { // on a busy machine
						isOutage(t, err, a.op, f.Addr())
					}
				}
				done := make(chan error, 1)
				go func() { done <- a.run(t.Context(), c) }()
				select {
				case err := <-done:
					isOutage(t, err, a.op, f.Addr())
				case <-time.After(patient):
					t.Errorf("no end after %v", patient)
				}
			})
		}
	}
}

// A call has its own time, also after one with a deadline that has passed since.
func TestTimeoutAfterADeadline(t *testing.T) {
	s := memcachedtest.Start(t, "tcp")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}})
	for _, op := range []func(context.Context) error{
		func(ctx context.Context) error { return c.Set(ctx, "n", []byte("1"), 0) },
		func(ctx context.Context) error { _, err := c.Increment(ctx, "n", 1); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		if err := op(ctx); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		<-ctx.Done()
		cancel()
		if err := op(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
