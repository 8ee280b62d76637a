package conn

import "sync"

// A group counts goroutines. In contrast to a [sync.WaitGroup], the first one may start while
// somebody waits: a call that is in flight while the connection is closed may start one.
type group struct {
	mu      sync.Mutex
	running int
	changed sync.Cond
}

func (g *group) init() { g.changed.L = &g.mu }

// Go calls f in a new goroutine.
func (g *group) Go(f func()) {
	g.mu.Lock()
	g.running++
	g.mu.Unlock()
	go func() {
		defer g.done()
		f()
	}()
}

func (g *group) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running--
	g.changed.Broadcast()
}

// Wait returns when no goroutine is running.
func (g *group) Wait() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.running > 0 {
		g.changed.Wait()
	}
}
