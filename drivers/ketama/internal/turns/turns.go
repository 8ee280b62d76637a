// Package turns admits a bounded number of callers at a time. The others wait in the order in
// which they came.
package turns

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrTimeout is returned when no turn came in time.
	ErrTimeout = errors.New("no client was free in time")

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("closed")
)

// Turns are the turns of a number of callers. They are safe for concurrent use.
//
// A caller takes a free turn, and gives it back while nobody waits, with one addition each: a
// lock that every call of a process takes twice would cost more than the rest of it.
type Turns struct {
	// free is the number of free turns. Below 0 it is the number of callers that wait, or
	// are about to. Each Leave that finds it below 0 owes one of them a turn. After Close
	// it is far below.
	free atomic.Int64
	_    [56]byte // all callers write free: the fields below are not on its cache line

	mu      sync.Mutex // guards the fields below
	waiting []*waiter  // the first is next
	owed    int        // turns for callers that are about to wait
	spare   []*waiter
	closed  bool

	waits  uint64
	waited time.Duration
}

// far is below every number of waiting callers, and leaves room for more.
const far = math.MinInt64 / 2

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
func New(n int) *Turns {
	t := &Turns{}
	t.free.Store(int64(n))
	return t
}

// Enter waits for a turn, until timeout has passed or ctx ends. It reports whether it had to
// wait. A turn that was taken must be given back with Leave.
func (t *Turns) Enter(ctx context.Context, timeout time.Duration) (waited bool, err error) {
	if t.free.Add(-1) >= 0 {
		return false, nil
	}
	return t.enter(ctx, timeout)
}

// enter is Enter where free was counted down below 0.
func (t *Turns) enter(ctx context.Context, timeout time.Duration) (waited bool, err error) {
	t.mu.Lock()
	if t.closed {
		t.mu.Unlock()
		return false, ErrClosed
	}
	if t.owed > 0 {
		t.owed--
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
	if !t.giveUp(w) { // it comes in this moment
		return result(<-w.turn)
	}
	return err
}

// giveUp takes w out of the line, unless a turn is on its way to it.
func (t *Turns) giveUp(w *waiter) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.Index(t.waiting, w)
	if i < 0 {
		return false
	}
	for {
		free := t.free.Load()
		if free >= 0 {
			return false // every waiter is owed a turn
		}
		if t.free.CompareAndSwap(free, free+1) {
			t.waiting = slices.Delete(t.waiting, i, i+1)
			return true
		}
	}
}

func result(turn bool) error {
	if !turn {
		return ErrClosed
	}
	return nil
}

// Leave gives a turn back.
func (t *Turns) Leave() {
	if t.free.Add(1) <= 0 {
		t.handOver()
	}
}

// handOver gives a turn to the caller that is next.
func (t *Turns) handOver() {
	t.mu.Lock()
	switch {
	case t.closed:
	case len(t.waiting) > 0:
		w := t.waiting[0]
		t.waiting = slices.Delete(t.waiting, 0, 1)
		w.turn <- true
	default:
		t.owed++
	}
	t.mu.Unlock()
}

// Close ends the waits, and lets nobody in any more.
func (t *Turns) Close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	t.free.Store(far)
	for _, w := range t.waiting {
		w.turn <- false
	}
	t.waiting = nil
}

// Closed reports whether Close was called.
func (t *Turns) Closed() bool { return t.free.Load() < far/2 }

// Waits returns how many callers had to wait, and how long together.
func (t *Turns) Waits() (n uint64, d time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.waits, t.waited
}
