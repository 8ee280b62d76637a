package memory

// settle is called after a store that appended: it gives back some of what dead records
// take, more than the store took, and then keeps the bounds.
func (sh *shard) settle(size int) {
	sh.reclaim(4*size+1024, maxReclaimed)
	sh.evict.keepBounds()
	sh.index.shrink()
}

// maxReclaimed bounds the records that one store examines to reclaim memory.
const maxReclaimed = 4096

// reclaim walks through a slab that is worth it, if there is one, until it has passed so
// many bytes or records, and returns the number of records. Live ones move to the end of
// their queue; when the last has gone, the slab is dropped.
func (sh *shard) reclaim(bytes, records int) (passed int) {
	l := &sh.log
	if !l.chooseVictim(sh.evict.tight()) {
		return 0
	}
	s, offset := l.victim.slab, l.victim.offset
	for end := min(offset+bytes, s.end()); offset < end && passed < records && s.queue != nil; passed++ {
		r := s.record(offset)
		n := l.size(r)
		if !r.is(dead) {
			if e := sh.at(s, offset, r); sh.store.clock.passed(r.deadline()) {
				sh.expire(e)
			} else {
				sh.move(e, s.queue)
			}
		}
		offset += n
	}
	if s.queue != nil {
		l.victim.offset = offset
	}
	return passed
}

// wasteful reports whether dead records take more of q than they may, beyond a slab: as much
// as live ones, and in a small log as much again, since moving a record costs more than some
// memory. In a tight cache they may take a quarter, since evicting costs more than moving.
func (l *log) wasteful(q *queue, tight bool) bool {
	allowed := q.live + min(q.live, l.extra)
	if tight {
		allowed = q.live / 4
	}
	return q.bytes > 0 && q.footprint()-q.live > allowed+l.slabSize()
}

// chooseVictim notes the emptiest of the next few slabs in turn as the one to compact, if
// moving its records pays, and reports whether there is one.
func (l *log) chooseVictim(tight bool) bool {
	if l.victim.slab != nil {
		return true
	}
	if !l.wasteful(&l.main, tight) && !l.wasteful(&l.small, tight) && !l.wasteful(&l.wires, tight) {
		return false
	}
	var victim *slab
	for range min(32, l.next) {
		l.rotation++
		s := l.slabs[l.rotation%l.next]
		if s == nil || s == s.queue.open || int64(s.live)*8 > int64(s.length)*7 {
			continue
		}
		if victim == nil || int64(s.live)*int64(victim.length) < int64(victim.live)*int64(s.length) {
			victim = s
		}
	}
	l.victim = place{slab: victim}
	return victim != nil
}
