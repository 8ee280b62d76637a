// Package pool keeps the idle connections to a server, and counts all of them.
package pool

import (
	"sync"
	"time"
)

// A Conn is a connection.
type Conn interface {
	comparable
	Close()
}

// A Pool keeps connections that wait for the next call: last in, first out, so that those
// which are not needed grow old together. It does not make connections, nor bound how many
// are in use. It is safe for concurrent use.
type Pool[C Conn] struct {
	maxIdle int

	mu      sync.Mutex // guards the fields below
	idle    []C
	open    map[C]struct{} // idle and in use
	waiters []*waiter[C]
	closed  bool
	counts  Counts
}

// New returns a pool that keeps up to maxIdle connections.
func New[C Conn](maxIdle int) *Pool[C] {
	return &Pool[C]{maxIdle: maxIdle, open: make(map[C]struct{})}
}

// Counts are the numbers of connections, now and since the pool was made, and of waits.
type Counts struct {
	InUse, Idle    int
	Opened, Closed uint64

	WaitCount    uint64
	WaitDuration time.Duration
}

// Counts returns the numbers of connections, all of one moment.
func (p *Pool[C]) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.counts
	n.Idle = len(p.idle)
	n.InUse = len(p.open) - len(p.idle)
	return n
}

// Closed reports whether the pool was closed.
func (p *Pool[C]) Closed() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// Opened adds a connection that was made. It is in use.
func (p *Pool[C]) Opened(c C) {
	p.mu.Lock()
	p.counts.Opened++
	p.open[c] = struct{}{}
	p.mu.Unlock()
}

// Get takes the connection that was put last, if there is one.
func (p *Pool[C]) Get() (c C, ok bool) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		c, ok = p.idle[n-1], true
		var none C
		p.idle[n-1] = none
		p.idle = p.idle[:n-1]
	}
	p.mu.Unlock()
	return c, ok
}

// Put gives back a connection that is fit for another call. It closes it if there are
// enough, or the pool was closed.
func (p *Pool[C]) Put(c C) {
	p.mu.Lock()
	if len(p.waiters) > 0 && p.hand(c) {
		p.mu.Unlock()
		return
	}
	if !p.closed && len(p.idle) < p.maxIdle {
		p.idle = append(p.idle, c)
		p.mu.Unlock()
		return
	}
	p.remove(c)
	p.mu.Unlock()
	c.Close()
}

// Discard closes a connection that was taken and is not fit for another call.
func (p *Pool[C]) Discard(c C) {
	p.mu.Lock()
	p.remove(c)
	p.mu.Unlock()
	c.Close()
}

// DiscardIdle closes the idle connections.
func (p *Pool[C]) DiscardIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.remove(idle...)
	p.mu.Unlock()
	for _, c := range idle {
		c.Close()
	}
}

// Close closes the idle connections now, and those in use when they are put back.
func (p *Pool[C]) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.DiscardIdle()
}

// remove forgets connections, of which some may have been waited for. It wants p.mu locked.
func (p *Pool[C]) remove(conns ...C) {
	for _, c := range conns {
		delete(p.open, c)
	}
	p.counts.Closed += uint64(len(conns))
	p.giveUp()
}
