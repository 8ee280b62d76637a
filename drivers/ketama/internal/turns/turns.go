// Package turns admits a bounded number of callers at a time. The others wait in the order in
// which they came.
package turns

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

var (
	// ErrTimeout is returned when no turn came in time.
	ErrTimeout = errors.New("no turn came in time")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("closed")
)

// Turns are the turns of a number of callers. They are safe for concurrent use.
type Turns struct {
	mu      sync.Mutex // guards what follows
	free    int
	waiting []*waiter // the first is next
	spare   []*waiter
	closed  bool

	waits  uint64
	waited time.Duration
}

// waiter is a caller that waits. It is used again, so that waiting does not allocate.
type waiter struct {
	turn  chan bool // true: it is the caller's turn; false: there are no more
	timer *time.Timer
}

func newWaiter() *waiter {
	w := &waiter{turn: make(chan bool, 1), timer: time.NewTimer(time.Hour)}
	w.timer.Stop()
	return w
}

// New returns the turns of n callers at a time.
func New(n int) *Turns { return &Turns{free: n} }

// Enter waits for a turn, until timeout has passed or ctx ends. It reports whether it had to
// wait. A turn that was taken must be given back with Leave.
func (t *Turns) Enter(ctx context.Context, timeout time.Duration) (waited bool, err error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return false, ErrClosed
	}
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return false, nil
	}
	var w *waiter
	if n := len(t.spare); n > 0 {
		w, t.spare = t.spare[n-1], t.spare[:n-1]
	} else {
		w = newWaiter()
	}
	t.waiting = append(t.waiting, w)
	t.waits++
	t.mu.Unlock()
	began := time.Now()
	err = t.wait(ctx, w, timeout)
	t.mu.Lock()
	t.spare = append(t.spare, w)
	t.waited += time.Since(began)
	t.mu.Unlock()
	return true, err
}

// wait leaves w as it was made.
func (t *Turns) wait(ctx context.Context, w *waiter, timeout time.Duration) error {
	w.timer.Reset(timeout)
	defer w.timer.Stop()
	err := ErrTimeout
	select {
	case turn := <-w.turn:
		return result(turn)
	case <-w.timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	t.mu.Lock()
	i := slices.Index(t.waiting, w)
	if i >= 0 {
		t.waiting = slices.Delete(t.waiting, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // it came in that moment
		return result(<-w.turn)
	}
	return err
}

func result(turn bool) error {
	if !turn {
		return ErrClosed
	}
	return nil
}

// Leave gives a turn back.
func (t *Turns) Leave() {
	t.mu.Lock()
	if len(t.waiting) > 0 {
		w := t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		w.turn <- true
	} else {
		t.free++
	}
	t.mu.Unlock()
}

// Close ends the waits, and lets nobody in any more.
func (t *Turns) Close() {
	t.mu.Lock()
	t.closed = true
	for _, w := range t.waiting {
		w.turn <- false
	}
	t.waiting = nil
	t.mu.Unlock()
}

// Closed reports whether Close was called.
func (t *Turns) Closed() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.closed
}

// Waits returns how many callers had to wait, and how long together.
func (t *Turns) Waits() (n uint64, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waits, t.waited
}
