package memory

// settle is called after a store that appended, with the lock held: it gives back some of what
// dead records take, more than the store took, and then keeps the bounds.
func (sh *shard) settle(size int) {
	sh.reclaim(4*size + 1024)
	sh.keepBounds()
}

// reclaim walks through at most limit bytes of a slab that is worth it, and reports
// whether there was one.
func (sh *shard) reclaim(limit int) bool {
	if sh.victim == nil && (sh.wasteful(&sh.main) || sh.wasteful(&sh.small)) {
		sh.victim = sh.chooseVictim()
	}
	if sh.victim == nil {
		return false
	}
	sh.compact(limit)
	return true
}

// wasteful reports whether dead records take more than a third of q, beyond a
// slab, or an eighth where there is a bound on bytes: what is evicted then costs more than moving.
func (sh *shard) wasteful(q *queue) bool {
	part := 2
	if sh.evict.maxBytes > 0 {
		part = 8
	}
	return q.footprint()-q.live > q.live/part+sh.slabSize()
}

// chooseVictim returns the emptiest of the next few slabs in turn, if moving its
// records pays.
func (sh *shard) chooseVictim() (victim *slab) {
	n := sh.numbers.next
	for range min(32, n) {
		sh.rotation++
		s := sh.slabs[sh.rotation%n]
		if s == nil || s == s.queue.open || s.live*8 > len(s.data)*7 {
			continue
		}
		if victim == nil || s.live*len(victim.data) < victim.live*len(s.data) {
			victim = s
		}
	}
	return victim
}

// compact moves the live records of the victim to the end of its queue. When the
// last has gone, the slab is dropped.
func (sh *shard) compact(limit int) {
	s := sh.victim
	if s.queue == nil { // dropped meanwhile
		sh.victim = nil
		return
	}
	s.walked = sh.walk(s, s.walked, limit, func(offset int, r *record) {
		if e := sh.at(s, offset, r); e.found() {
			if sh.store.clock.passed(r.deadline()) {
				sh.expired++
				sh.remove(e)
			} else {
				sh.moveOrRemove(e, s.queue)
			}
		}
	})
	if s.queue == nil {
		sh.victim = nil
	}
}
