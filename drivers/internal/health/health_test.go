package health

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const timeout = 500 * time.Millisecond

// fails makes calls that time out, one after the other.
func fails(t *testing.T, g *Gate, n int) {
	t.Helper()
	for range n {
		p, ok := g.Enter(timeout)
		if !ok {
			t.Fatal("a lone caller was turned away")
		}
		time.Sleep(p.Timeout)
		g.Leave(p, TimedOut)
	}
}

func replies(t *testing.T, g *Gate) {
	t.Helper()
	p, ok := g.Enter(timeout)
	if !ok {
		t.Fatal("a lone caller was turned away")
	}
	g.Leave(p, Replied)
}

func TestEverybodyMayAskAServerThatReplies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		fails(t, &g, 1)
		replies(t, &g)
		fails(t, &g, 1) // not two in a row
		for range 10 {
			if p, ok := g.Enter(timeout); !ok || p.Timeout != timeout {
				t.Errorf("a caller was let in: %v, for %v; want %v", ok, p.Timeout, timeout)
			}
		}
	})
}

func TestOneAtATimeMayAskOneThatDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		fails(t, &g, Down)
		if !g.Waits() {
			t.Error("after two timeouts in a row everybody is let in")
		}
		var in, out atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				p, ok := g.Enter(timeout)
				if !ok {
					out.Add(1)
					return
				}
				in.Add(1)
				time.Sleep(p.Timeout)
				g.Leave(p, TimedOut)
			})
		}
		wg.Wait()
		if in.Load() != 1 || out.Load() != 9 {
			t.Errorf("%d callers were let in and %d turned away, want 1 and 9", in.Load(), out.Load())
		}
		replies(t, &g)
		first, _ := g.Enter(timeout)
		if _, ok := g.Enter(timeout); !ok || g.Waits() || first.Timeout != timeout {
			t.Error("after a reply callers are still let in one at a time, or for a short time")
		}
	})
}

// An outcome that says nothing of the server neither ends the wait nor begins it.
func TestUnknownOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		for range 5 {
			p, _ := g.Enter(timeout)
			g.Leave(p, Unknown)
		}
		if g.Waits() {
			t.Error("calls that said nothing of the server made it one that does not reply")
		}
		fails(t, &g, Down)
		p, _ := g.Enter(timeout)
		g.Leave(p, Unknown)
		if !g.Waits() {
			t.Error("a call that said nothing of the server made it one that replies")
		}
		if _, ok := g.Enter(timeout); !ok {
			t.Error("nobody is let in after a call that said nothing")
		}
	})
}

// A program that makes one call after the other waits for a small part of the time.
func TestLoneCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Gate
		fails(t, &g, Down)
		start := time.Now()
		fails(t, &g, 10)
		if took := time.Since(start); took > 3*timeout/2 {
			t.Errorf("ten calls took %v, want less than one timeout and a half of %v", took, timeout)
		}
		start = time.Now()
		fails(t, &g, 3)
		if took := time.Since(start); took > 3*least {
			t.Errorf("three more calls took %v, want at most %v", took, 3*least)
		}
		// And a server that replies within the timeout, and slower than the short
		// one, is found again.
		slow := timeout / 2
		for start := time.Now(); g.Waits(); {
			p, _ := g.Enter(timeout)
			if p.Timeout > slow {
				time.Sleep(slow)
				g.Leave(p, Replied)
			} else {
				time.Sleep(p.Timeout)
				g.Leave(p, TimedOut)
			}
			if time.Since(start) > 2*pause*timeout {
				t.Fatalf("a server that replies after %v was not found within %v", slow, time.Since(start))
			}
		}
	})
}

func TestShortTimeouts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, timeout := range []time.Duration{time.Millisecond, 20 * time.Millisecond, time.Second, time.Hour} {
			var g Gate
			for range Down {
				p, _ := g.Enter(timeout)
				g.Leave(p, TimedOut)
			}
			p, ok := g.Enter(timeout)
			if !ok || p.Timeout <= 0 || p.Timeout > timeout {
				t.Errorf("with a timeout of %v the lone caller has %v", timeout, p.Timeout)
			}
		}
	})
}
