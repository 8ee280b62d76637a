package memory

import (
	"context"
	"sync/atomic"
	"unsafe"

	"github.com/larder-go/larder/cache/driver"
)

// counters count gets. A get takes the stripe of its goroutine, so that processors do not
// compete for one cache line.
type counters [stripes]stripe

type stripe struct {
	hits, misses atomic.Uint64
	_            [112]byte
}

const (
	stripeBits = 6
	stripes    = 1 << stripeBits
)

// stripe chooses by the address of the stack, which differs between goroutines, in a
// multiplicative hash (Knuth, The Art of Computer Programming 3, 6.4): stacks of the same size
// lie at regular distances.
func (c *counters) stripe() *stripe {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here)))
	return &c[(at>>11)*0x9e37_79b9_7f4a_7c15>>(64-stripeBits)]
}

func (c *counters) note(hit bool) {
	if hit {
		c.stripe().hits.Add(1)
	} else {
		c.stripe().misses.Add(1)
	}
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
		st.Writes += sh.version
		st.Expirations += sh.expired
		st.EvictionsByCount += sh.evictedEntries
		st.EvictionsBySize += sh.evictedBytes
		st.Entries += uint64(sh.index.live)
		st.Bytes += uint64(sh.bytes())
		sh.mu.Unlock()
	}
	return st, nil
}
