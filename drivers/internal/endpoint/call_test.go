package endpoint

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A call that its context ended says that the server does not reply only if the server had
// time to.
func TestDeadlinesAndTheServer(t *testing.T) {
	const timeout = time.Minute
	for name, tt := range map[string]struct {
		deadline time.Duration
		starts   bool
		silent   bool // the server counts as one that does not reply
	}{
		"not started":     {timeout / 2, false, false},
		"next to no time": {timeout / 100, true, false},
		"half the time":   {timeout / 2, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := New("driver", "tcp", "server", timeout)
				for range 5 {
					ctx, cancel := context.WithTimeout(t.Context(), tt.deadline)
					defer cancel()
					call, err := e.Begin(ctx, 0)
					if err != nil {
						t.Fatal(err)
					}
					if tt.starts {
						call.Start()
					}
					<-ctx.Done()
					if err := call.Failed(ctx.Err()); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, driver.ErrUnavailable) {
						t.Errorf("error %v, want that of the context", err)
					}
				}
				first, err := e.Begin(t.Context(), 0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = e.Begin(t.Context(), 0)
				if errors.Is(err, driver.ErrUnavailable) != tt.silent {
					t.Errorf("a second call at the same time: error %v, want one: %v", err, tt.silent)
				}
				first.Done()
				if _, err := e.Begin(t.Context(), 0); err != nil {
					t.Errorf("after a reply: error %v", err)
				}
				want := driver.Failures{Canceled: 5}
				if tt.silent {
					want.Rejected = 1
				}
				if got := e.Failures(); got != want {
					t.Errorf("failures %+v, want %+v", got, want)
				}
			})
		})
	}
}
