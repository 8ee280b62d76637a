package memory

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/larder-go/larder/cache/driver"
)

// counters count gets. A get takes the stripe of its goroutine, so that
// processors do not fight for one cache line.
type counters [stripes]struct {
	hits, misses atomic.Uint64
	_            [112]byte
}

const stripes = 64

// stripe chooses by the address of the stack, which differs between goroutines.
func (c *counters) stripe() *struct {
	hits, misses atomic.Uint64
	_            [112]byte
} {
	var here byte
	at := uintptr(unsafe.Pointer(&here))
	return &c[at>>11%stripes]
}

// Stats returns exact counts.
func (s *store) Stats(context.Context) (driver.Stats, error) {
	var st driver.Stats
	for i := range s.counters {
		st.Hits += s.counters[i].hits.Load()
		st.Misses += s.counters[i].misses.Load()
	}
	for i := range s.shards {
		sh := &s.shards[i]
		sh.mu.Lock()
		st.Sets += sh.sets
		st.Expired += sh.expired
		st.EvictedForEntries += sh.evictedEntries
		st.EvictedForBytes += sh.evictedBytes
		st.Entries += uint64(sh.entries)
		st.Bytes += uint64(sh.bytes())
		sh.mu.Unlock()
	}
	return st, nil
}
