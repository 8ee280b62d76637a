package memory

import (
	"runtime"
	"sync"
	"sync/atomic"
)

// garbage counts the bytes of slabs and tables in use, and of those dropped since the last
// garbage collection. Until that runs, dropped ones take memory like the others, and the
// collector may be in no hurry: it goes by what is allocated, and after a million
// entries expired, nothing may be. So when there is too much, a collection is started
// in the background.
type garbage struct {
	least   int64 // so many bytes may always lie dropped,
	part    int64 // or one part in so many of those in use
	strict  bool  // stores wait when there is twice as much
	held    atomic.Int64
	dropped atomic.Int64
	running sync.Mutex // locked while a collection runs
}

func (g *garbage) hold(n int) { g.held.Add(int64(n)) }

func (g *garbage) drop(n int) {
	g.held.Add(int64(-n))
	dropped := g.dropped.Add(int64(n))
	if dropped == int64(n) && n > 0 {
		// The first since the last collection: learn of the next.
		runtime.AddCleanup(new(sentinel), func(dropped *atomic.Int64) { dropped.Store(0) }, &g.dropped)
	}
	if dropped > g.limit() && g.running.TryLock() {
		go func() {
			runtime.GC()
			g.dropped.Store(0)
			g.running.Unlock()
		}()
	}
}

func (g *garbage) limit() int64 { return max(g.least, g.held.Load()/g.part) }

// wait holds up a store when the collector cannot keep up with a bounded cache. No lock
// may be held.
func (g *garbage) wait() {
	if g.strict && g.dropped.Load() > 2*g.limit() {
		g.running.Lock()
		//lint:ignore SA2001 the end of the collection is what is waited for
		g.running.Unlock()
	}
}

// sentinel is too large for the allocator of tiny objects, which would keep it with
// its neighbours.
type sentinel [16]byte
