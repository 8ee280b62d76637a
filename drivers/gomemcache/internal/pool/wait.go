package pool

import (
	"context"
	"errors"
	"slices"
	"time"
)

// ErrNone is returned by GetThat when there is no connection that fits, idle or in use.
var ErrNone = errors.New("there is no such connection")

// waiter is a call that waits for a connection of a kind.
type waiter[C Conn] struct {
	fits func(C) bool
	got  chan C // receives one, or is closed if there is none any more
}

// GetThat takes the connection that was put last of those for which fits returns true. If
// there is one, but it is in use, it waits: until the deadline, or the end of ctx.
func (p *Pool[C]) GetThat(ctx context.Context, deadline time.Time, fits func(C) bool) (C, error) {
	p.mu.Lock()
	for i := len(p.idle) - 1; i >= 0; i-- {
		if c := p.idle[i]; fits(c) {
			p.idle = slices.Delete(p.idle, i, i+1)
			p.mu.Unlock()
			return c, nil
		}
	}
	var none C
	if !p.has(fits) {
		p.mu.Unlock()
		return none, ErrNone
	}
	w := &waiter[C]{fits: fits, got: make(chan C, 1)}
	p.waiters = append(p.waiters, w)
	p.counts.WaitCount++
	p.mu.Unlock()

	began := time.Now()
	timer := time.NewTimer(deadline.Sub(began))
	defer timer.Stop()
	err := error(context.DeadlineExceeded)
	select {
	case c, ok := <-w.got:
		return p.waited(began, c, ok)
	case <-timer.C:
	case <-ctx.Done():
		err = ctx.Err()
	}
	p.mu.Lock()
	i := slices.Index(p.waiters, w)
	if i >= 0 {
		p.waiters = slices.Delete(p.waiters, i, i+1)
	}
	p.mu.Unlock()
	if i < 0 { // it came in that moment
		c, ok := <-w.got
		return p.waited(began, c, ok)
	}
	p.waited(began, none, false) //nolint:errcheck // it counts
	return none, err
}

// waited counts a wait, and returns what it came to.
func (p *Pool[C]) waited(began time.Time, c C, ok bool) (C, error) {
	p.mu.Lock()
	p.counts.WaitDuration += time.Since(began)
	p.mu.Unlock()
	if !ok {
		return c, ErrNone
	}
	return c, nil
}

// has reports whether a connection fits, idle or in use. It wants p.mu locked.
func (p *Pool[C]) has(fits func(C) bool) bool {
	for c := range p.open {
		if fits(c) {
			return true
		}
	}
	return false
}

// hand gives c to the first call that waits for it. It wants p.mu locked.
func (p *Pool[C]) hand(c C) bool {
	if p.closed {
		return false
	}
	for i, w := range p.waiters {
		if w.fits(c) {
			p.waiters = slices.Delete(p.waiters, i, i+1)
			w.got <- c
			return true
		}
	}
	return false
}

// giveUp ends the waits for connections that are there no more. It wants p.mu locked.
func (p *Pool[C]) giveUp() {
	p.waiters = slices.DeleteFunc(p.waiters, func(w *waiter[C]) bool {
		if p.has(w.fits) {
			return false
		}
		close(w.got)
		return true
	})
}
