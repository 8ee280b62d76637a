package conn

import (
	"context"
	"time"
)

// A sweeper checks the contexts of the calls of a connection, so that callers wait for their
// replies only. A select on the context as well costs an allocation and more time than the rest
// of a call, and few calls take long enough for the context to matter.
//
// While calls with contexts are owed replies, a timer makes the reader check their contexts once
// in a sweepPeriod. The reader notifies the owner of a call whose context has ended, and of a call
// that has waited for maxSweeps sweeps: from then on the owner watches its context. The timer
// stops when no call is left for it.
//
// Conn.mu guards it.
type sweeper struct {
	timer   *time.Timer
	period  time.Duration // sweepPeriod, except in tests
	running bool
	due     bool // the reader is to sweep before its next read
}

// The end of a context is noticed within about a sweepPeriod, and at once if the call has waited
// for maxSweeps of them.
const (
	sweepPeriod = time.Millisecond
	maxSweeps   = 16
)

// mayEnd returns ctx, or nil if it is context.Background(), which never ends. It does not call Done,
// which allocates.
func mayEnd(ctx context.Context) context.Context {
	if ctx == context.Background() {
		return nil
	}
	return ctx
}

func (s *sweeper) init(c *Conn) {
	s.period = sweepPeriod
	s.timer = time.AfterFunc(s.period, c.onSweep)
	s.timer.Stop()
}

// start starts the timer if it does not run. The caller holds mu.
func (s *sweeper) start() {
	if !s.running {
		s.running = true
		s.timer.Reset(s.period)
	}
}

// stop stops it for good. The caller holds mu.
func (s *sweeper) stop() {
	s.timer.Stop()
	s.running, s.due = true, false
}

// onSweep makes the reader sweep, and ends its read if it blocks.
func (c *Conn) onSweep() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	s := &c.sweep
	s.due = c.owed() > 0
	s.running = s.due
	blocked := s.due && c.reading && !c.active.Load()
	c.mu.Unlock()
	if blocked {
		c.reader.interrupt()
	}
}

// sweepCalls checks the contexts of the calls that wait. The caller is the reader and holds mu.
func (c *Conn) sweepCalls() {
	c.sweep.due = false
	left := false
	for _, l := range [...]*list{&c.reader.run, &c.sent, &c.queued} {
		for call := l.head; call != nil; call = call.next {
			left = call.sweep() || left
		}
	}
	if left {
		c.sweep.timer.Reset(c.sweep.period)
	} else {
		c.sweep.running = false
	}
}

// sweep checks the context of a call whose owner does not watch it, and notifies the owner if
// necessary. It reports whether the call needs another sweep. The caller is the reader, which
// checks its own context before each read.
func (call *Call) sweep() bool {
	state := call.state.Load()
	if state != waiting && state != mine || call.ctx == nil || call.sweeps >= maxSweeps {
		return false
	}
	call.sweeps++
	if state == waiting && (call.sweeps == maxSweeps || call.ctx.Err() != nil) {
		call.sweeps = maxSweeps
		call.state.Store(notified) // its owner only waits
		call.wake <- struct{}{}
	}
	return call.sweeps < maxSweeps
}
