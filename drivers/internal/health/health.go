// Package health keeps callers from all waiting for a server that does not reply.
package health

import (
	"sync/atomic"
	"time"
)

// Down is the number of timeouts in a row after which a server counts as down.
const Down = 2

// A Gate decides who may ask a server. While the server replies, everybody may. When calls
// have timed out Down times in a row, one caller at a time may, until there is a reply;
// the others are turned away. The zero value is a server that replies.
//
// A caller that is let in alone has half of the timeout, the next one half of that, and so
// on, down to a few milliseconds: so a program that makes one call after the other is held up
// little, and a server that replies again soon is found at once. For a server that is slow
// rather than stopped, one in every few of them has the whole timeout.
type Gate struct {
	timeouts atomic.Int32 // in a row
	probing  atomic.Bool  // a caller was let in alone
	full     atomic.Int64 // when a call that had the whole timeout ran out of it; Unix nanoseconds
}

const (
	// least is the shortest time of a caller that is let in alone.
	least = 20 * time.Millisecond

	// pause is for how many timeouts no such caller has the whole, after one did.
	pause = 4

	// enough timeouts in a row are not counted further.
	enough = 32
)

// A Pass is the permission to ask. It must be given back with Leave.
type Pass struct {
	Timeout time.Duration // how long the caller may wait
	alone   bool
	short   bool // Timeout is not the whole
}

// Alone reports whether the caller was let in alone.
func (p Pass) Alone() bool { return p.alone }

// An Outcome is the outcome of a call, as far as it shows the state of the server.
type Outcome uint8

const (
	Unknown  Outcome = iota // nothing can be told from it
	Replied                 // the server, or the system that it is on, reacted
	TimedOut                // it did not
)

// Enter asks for a pass, for a call that may otherwise take timeout. If ok is false the
// caller is not let in: another one is asking a server that does not reply.
func (g *Gate) Enter(timeout time.Duration) (p Pass, ok bool) {
	if g.timeouts.Load() < Down {
		return Pass{Timeout: timeout}, true
	}
	if !g.probing.CompareAndSwap(false, true) {
		return Pass{}, false
	}
	p = Pass{Timeout: timeout, alone: true}
	if time.Since(time.Unix(0, g.full.Load()))/pause < timeout { // so that no timeout is too long
		halves := min(g.timeouts.Load()-Down+1, enough)
		p.Timeout, p.short = min(timeout, max(timeout>>halves, least)), true
	}
	return p, true
}

// Waits reports whether callers are let in one at a time.
func (g *Gate) Waits() bool { return g.timeouts.Load() >= Down }

// Leave gives a pass back.
func (g *Gate) Leave(p Pass, o Outcome) {
	switch o {
	case Replied:
		if g.timeouts.Load() != 0 { // a write for each call would be shared by all
			g.timeouts.Store(0)
		}
	case TimedOut:
		if !p.short {
			g.full.Store(time.Now().UnixNano())
		}
		if g.timeouts.Load() < enough {
			g.timeouts.Add(1)
		}
	}
	if p.alone {
		g.probing.Store(false)
	}
}
