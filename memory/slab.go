package memory

import (
	"slices"
	"sync/atomic"
	"unsafe"
)

// slab is a piece of memory without pointers that records are appended to. The bytes of a
// published record change only under the rules of shard.overwrite, and when the slab
// begins again, which it may if no reader has had a record of it. Any other is left to the
// garbage collector once it has no live records; the collector keeps it for as long as a
// caller holds bytes of it.
//
// It is one cache line, TestLayout: there are many of them in a small cache, which are counted in its
// bound. Everything is under the lock of the shard.
type slab struct {
	data    *byte
	length  int32  // bytes of data
	used    int32  // bytes appended
	live    int32  // bytes of live records
	id      uint16 // its number
	shared  bool   // a reader has or had a record
	perByte uint8  // slabCost for each byte of data, in 1/2048 of a byte
	queue   *queue // nil once dropped
	first   uint64 // no deadline in the slab is earlier
	last    uint64 // no deadline in the slab is later

	prev, next *slab // in the queue
}

const (
	minSlab = 4 << 10
	maxSlab = 1 << offsetBits

	// slabCost is the memory of a slab beside its data: itself, and where it is noted.
	slabCost = int(unsafe.Sizeof(slab{})) + 16
)

// allocate gives s n bytes or more: what the allocator gives.
func (s *slab) allocate(n int) {
	data := slices.Grow([]byte(nil), n)
	s.data, s.length = unsafe.SliceData(data), int32(cap(data))
	s.perByte = uint8(slabCost << 11 / cap(data))
}

func (s *slab) size() int { return int(s.length) + slabCost }

// rewind makes an empty slab new. It must not be shared.
func (s *slab) rewind() { s.used, s.first, s.last = 0, forever, 0 }

// end returns where the next record begins.
func (s *slab) end() int { return int(s.used) }

// note widens the range of deadlines in s.
func (s *slab) note(deadline uint64) {
	if deadline < s.first {
		s.first = deadline
	}
	if deadline > s.last {
		s.last = deadline
	}
}

// queue is a first-in-first-out list of slabs; records are appended to the last.
type queue struct {
	open    *slab // with room at its end; nil: none
	live    int   // bytes of live records
	entries int
	bytes   int // size of all slabs
	head    *slab
	tail    *slab
	scanned int // bytes of head that eviction has been through
}

func (q *queue) push(s *slab) {
	s.queue, s.prev = q, q.tail
	if q.tail == nil {
		q.head = s
	} else {
		q.tail.next = s
	}
	q.tail = s
	q.bytes += s.size()
}

func (q *queue) remove(s *slab) {
	if q.open == s {
		q.open = nil
	}
	if s.prev == nil {
		q.head, q.scanned = s.next, 0
	} else {
		s.prev.next = s.next
	}
	if s.next == nil {
		q.tail = s.prev
	} else {
		s.next.prev = s.prev
	}
	q.bytes -= s.size()
	s.queue, s.prev, s.next = nil, nil, nil
}

// footprint is bytes without the part of slabs that eviction has passed and the part that
// is yet to be used, each with its part of slabCost: so it changes a little with each record,
// and not at once where a slab begins or is dropped.
func (q *queue) footprint() int {
	n := q.bytes
	if s := q.head; s != nil {
		n -= s.part(q.scanned)
	}
	if s := q.open; s != nil {
		n -= s.part(int(s.length - s.used))
	}
	return n
}

// part returns n bytes of s with their part of slabCost.
func (s *slab) part(n int) int { return n + n*int(s.perByte)>>11 }

// directory maps the numbers of slabs to their bytes, for readers, who need nothing else
// of them, in pages that stay where they are. log.slabs is the same for writers.
type directory struct {
	pages [1 << (slabBits - 8)]atomic.Pointer[page]
}

type page [1 << 8]atomic.Pointer[byte]

// slot returns where the bytes of that slab are noted. The page must exist.
func (d *directory) slot(id uint16) *atomic.Pointer[byte] {
	return &d.pages[id>>8%uint16(len(d.pages))].Load()[id&0xff]
}
