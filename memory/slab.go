package memory

import (
	"sync/atomic"
	"unsafe"
)

// slab is a stretch of memory without pointers that records are appended to. The
// bytes of a published record change only under the rules of shard.overwrite, and when the
// slab begins again: the open one, if its records are all dead and nobody has read from it.
// Any other without live records is dropped from the directory and left to the garbage
// collector, which keeps it for as long as a caller holds bytes of it.
type slab struct {
	data []byte // set once

	// Under the lock of the shard:
	id         uint16
	used       int    // bytes appended
	live       int    // bytes of live records
	shared     bool   // a reader has or had a record
	walked     int    // bytes that eviction or compaction has been through
	first      uint64 // no deadline in the slab is earlier
	last       uint64 // no deadline in the slab is later
	queue      *queue // nil once dropped
	prev, next *slab  // in the queue
}

const (
	minSlab = 4 << 10
	maxSlab = 1 << offsetBits
)

// queue is a first-in-first-out list of slabs; records are appended to the last.
type queue struct {
	head, tail *slab
	open       *slab // with room at its end; nil: none
	bytes      int   // size of all slabs
	live       int   // bytes of live records
	entries    int
}

func (q *queue) push(s *slab) {
	s.queue, s.prev = q, q.tail
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
	q.bytes += len(s.data)
}

func (q *queue) remove(s *slab) {
	if s.prev == nil {
		q.head = s.next
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		q.tail = s.prev
	} else {
		s.next.prev = s.prev
	}
	q.bytes -= len(s.data)
	s.queue, s.prev, s.next = nil, nil, nil
}

// directory maps the numbers of slabs to their bytes, for readers, who need nothing else of
// them, in pages that stay where they are. shard.slabs is the same for writers.
type directory struct {
	pages [1 << (slabBits - 8)]atomic.Pointer[page]
}

type page [1 << 8]atomic.Pointer[byte]

// slot returns where the bytes of that slab are noted. The page must exist.
func (d *directory) slot(id uint16) *atomic.Pointer[byte] {
	return &d.pages[id>>8%uint16(len(d.pages))].Load()[id&0xff]
}

// numbers deals out the numbers of slabs, under the lock of the shard.
type numbers struct {
	free []uint16
	next int // from here on none was ever used
}

// number gives s a number, and reports false if all are in use.
func (sh *shard) number(s *slab) bool {
	n := &sh.numbers
	if last := len(n.free) - 1; last >= 0 {
		s.id = n.free[last]
		n.free = n.free[:last]
	} else if n.next < 1<<slabBits {
		s.id = uint16(n.next)
		if n.next&0xff == 0 {
			sh.dir.pages[s.id>>8].Store(new(page))
		}
		n.next++
		sh.slabs = append(sh.slabs, nil)
	} else {
		return false
	}
	sh.dir.slot(s.id).Store(unsafe.SliceData(s.data))
	sh.slabs[s.id] = s
	return true
}

func (sh *shard) freeNumber(s *slab) {
	sh.dir.slot(s.id).Store(nil)
	sh.slabs[s.id] = nil
	sh.numbers.free = append(sh.numbers.free, s.id)
}

// rewind makes an empty slab new. It must not be shared.
func (s *slab) rewind() {
	s.used, s.walked, s.first, s.last = 0, 0, forever, 0
}

// note widens the range of deadlines in s.
func (s *slab) note(deadline uint64) {
	if deadline < s.first {
		s.first = deadline
	}
	if deadline > s.last {
		s.last = deadline
	}
}
