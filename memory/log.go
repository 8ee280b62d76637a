package memory

// log is the memory of a shard: records in slabs, slabs in queues. It knows nothing of
// keys, bounds or time. The shard, its policy and the search for expired entries use it
// under the lock; readers use the directory alone.
type log struct {
	// Without bounds all entries are in main; see evictor. Its first fields share a
	// cache line with the lock.
	main  queue
	slabs []*slab // by number, as in dir
	dir   *directory

	perShard int // about how many slabs there are to be
	smallest int // size of a slab
	extra    int // how many bytes dead records may take beyond what live ones take
	trailer  int // bytes after each record: 0, or a checksum's

	small queue
	wires queue // what eviction does not choose from; see wires.go

	free []uint16 // numbers of dropped slabs
	next int      // from here on no number was ever used

	spare     *slab // dropped without a reader: the next to be used
	dropped   *slab // others, linked by next: their structs are used again
	victim    place // being compacted
	sweeping  place // of the search for expired entries
	reviewing place // of the search for wires of no use
	rotation  int   // where the search for the next victim begins
}

// place is a position in a slab, of a walk through its records. It is invalid when the slab
// is dropped or used again, except for a walk through a whole queue.
type place struct {
	slab   *slab
	offset int
}

func (l *log) queues() [3]*queue { return [...]*queue{&l.main, &l.small, &l.wires} }

// size returns the length of a record.
func (l *log) size(r *record) int {
	n := r.header().end() + l.trailer
	if r.is(wire) {
		n += wireRefSize
	}
	return n
}

// inUse is the size of all slabs but the spare one.
func (l *log) inUse() int { return l.main.bytes + l.small.bytes + l.wires.bytes }

// bytes returns the memory that the log holds, with dead records.
func (l *log) bytes() int {
	n := l.inUse()
	if l.spare != nil {
		n += l.spare.size()
	}
	return n
}

// footprint returns the memory that the log needs: see queue.
func (l *log) footprint() int {
	return l.main.footprint() + l.small.footprint() + l.wires.footprint()
}

// slabSize grows with the log: a small cache has small slabs.
func (l *log) slabSize() int {
	n := l.smallest
	for total := l.inUse(); n < maxSlab && n*l.perShard < total; {
		n *= 2
	}
	return n
}

// allocate finds room for a record at the end of q, and counts it as live.
func (l *log) allocate(q *queue, size int) (s *slab, offset int, err error) {
	s = q.open
	if s == nil || s.end()+size > int(s.length) {
		if s, err = l.open(q, size); err != nil {
			return nil, 0, err
		}
	}
	offset = s.end()
	s.used += int32(size)
	s.live += int32(size)
	q.live += size
	q.entries++
	return s, offset, nil
}

// open appends a slab with room for a record of that size to q.
func (l *log) open(q *queue, size int) (*slab, error) {
	n := l.slabSize()
	own := size > max(n/8, min(n, minSlab)/4)
	if own {
		n = size
	}
	s := l.take(n, own)
	if !l.number(s) {
		return nil, errFull
	}
	q.push(s)
	if !own {
		if o := q.open; o != nil && o.live == 0 {
			l.drop(o)
		}
		q.open = s
	}
	return s, nil
}

// take returns a slab of n bytes or more that is in no queue.
func (l *log) take(n int, own bool) *slab {
	if s := l.spare; s != nil && !own {
		l.spare = nil
		if int(s.length) >= n {
			return s
		}
	}
	s := l.dropped
	if s == nil {
		s = &slab{}
	} else {
		l.dropped, s.next = s.next, nil
	}
	s.rewind()
	s.live, s.shared = 0, false
	s.allocate(n)
	return s
}

// kill counts a record of s as dead. A slab without live records is dropped, but for the
// open one, which begins again unless somebody has read from it.
func (l *log) kill(s *slab, r *record) {
	n := l.size(r)
	r.mark(dead)
	s.live -= int32(n)
	s.queue.live -= n
	s.queue.entries--
	if s.live > 0 {
		return
	}
	if s != s.queue.open {
		l.drop(s)
	} else if !s.shared {
		s.rewind()
		if s.prev == nil {
			s.queue.scanned = 0
		}
		l.void(s)
	}
}

// drop takes a slab out of the log. The memory of one that nobody has read from is kept
// for the next use, if it is small beside the log; the rest is left to the garbage
// collector.
func (l *log) drop(s *slab) {
	if l.reviewing.slab == s {
		l.reviewing = place{slab: s.next}
	}
	s.queue.live -= int(s.live)
	s.queue.remove(s)
	l.freeNumber(s)
	l.void(s)
	if l.spare != nil && l.inUse() < 8*int(l.spare.length) {
		l.spare = nil
	}
	if !s.shared && l.spare == nil && int(s.length) <= l.slabSize() && l.inUse() >= 8*int(s.length) {
		s.rewind()
		s.live = 0
		l.spare = s
		return
	}
	s.data, s.length = nil, 0
	s.next, l.dropped = l.dropped, s
}

// void forgets the places that are in s.
func (l *log) void(s *slab) {
	if l.victim.slab == s {
		l.victim = place{}
	}
	if l.sweeping.slab == s {
		l.sweeping = place{}
	}
	if l.reviewing.slab == s {
		l.reviewing.offset = 0
	}
}

// clear drops everything.
func (l *log) clear() {
	for _, q := range l.queues() {
		for q.head != nil {
			l.drop(q.head)
		}
		q.entries = 0
	}
	l.spare, l.dropped = nil, nil
}

// number gives s a number, and reports false if all are in use.
func (l *log) number(s *slab) bool {
	if last := len(l.free) - 1; last >= 0 {
		s.id = l.free[last]
		l.free = l.free[:last]
	} else if l.next < 1<<slabBits {
		s.id = uint16(l.next)
		if l.next&0xff == 0 {
			l.dir.pages[s.id>>8].Store(new(page))
		}
		l.next++
		l.slabs = append(l.slabs, nil)
	} else {
		return false
	}
	l.dir.slot(s.id).Store(s.data)
	l.slabs[s.id] = s
	return true
}

func (l *log) freeNumber(s *slab) {
	l.dir.slot(s.id).Store(nil)
	l.slabs[s.id] = nil
	l.free = append(l.free, s.id)
}
