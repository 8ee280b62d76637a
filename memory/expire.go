package memory

import "time"

// expirer is how far the search for expired entries in a shard has come.
type expirer struct {
	id     int // of the slab
	slab   *slab
	offset int // in it; 0: not begun
}

// sweep is the expiry work of one store. The cache looks at the range of deadlines of every
// slab Buckets times in each BucketInterval, and goes through those slabs whose
// entries have all expired by now, or whose first one has expired BucketInterval ago.
// So an entry lies expired for little more than BucketInterval, and a slab of mixed deadlines is
// walked only once in that time.
//
// One store does a bounded slice of that, more when stores are rare, and continues in
// the next; stores that come while another one is at it do nothing.
func (s *store) sweep(now int64) {
	if !s.sweeping.TryLock() {
		return
	}
	defer s.sweeping.Unlock()
	if now < s.nextLook.Load() {
		return
	}
	budget := leastSlice
	if now-s.lastSlice > int64(resolution) {
		budget = mostSlice
	}
	s.lastSlice = now
	if s.sweepAt == 0 {
		s.lookBegan = now
	}
	for budget > 0 {
		sh := &s.shards[s.sweepAt]
		sh.mu.Lock()
		done := sh.sweep(uint64(now), &budget)
		sh.unlock()
		if !done {
			return
		}
		if s.sweepAt++; s.sweepAt == len(s.shards) {
			s.sweepAt = 0
			s.nextLook.Store(s.lookBegan + s.lookEvery)
			return
		}
	}
}

// The slices of one store, in records looked at: some 20 and 800 microseconds.
const (
	leastSlice = 256
	mostSlice  = 8192
)

// sweep reports whether it got through the whole shard.
func (sh *shard) sweep(now uint64, budget *int) bool {
	for x := &sh.expire; x.id < sh.numbers.next; {
		if *budget <= 0 {
			return false
		}
		s := sh.slabs[x.id]
		if s != x.slab {
			// The slab was dropped between two slices, and its number may
			// be another's: the offset means nothing there.
			x.slab, x.offset = s, 0
		}
		if s == nil || (x.offset == 0 && !s.due(now, uint64(sh.store.interval))) {
			x.id, x.offset = x.id+1, 0
			*budget--
			continue
		}
		if x.offset == 0 {
			s.first, s.last = forever, 0
		}
		x.offset = sh.sweepSlab(s, x.offset, now, budget)
		if s.queue == nil || x.offset >= s.used {
			if s.queue != nil && s.live == 0 {
				sh.drop(s) // it was open
			}
			x.id, x.offset = x.id+1, 0
			sh.tidy()
		}
	}
	for sh.reclaim(64 * leastSlice) {
		if *budget -= leastSlice; *budget <= 0 {
			return false
		}
	}
	sh.expire = expirer{}
	return true
}

func (sh *shard) sweepSlab(s *slab, offset int, now uint64, budget *int) int {
	for s.queue != nil && *budget > 0 && offset < s.used {
		offset = sh.walk(s, offset, 1, func(offset int, r *record) {
			*budget--
			if d := r.deadline(); d > now {
				s.note(d)
			} else if e := sh.at(s, offset, r); e.found() {
				sh.expired++
				sh.remove(e)
			}
		})
	}
	return offset
}

// due reports whether it is time to walk through s.
func (s *slab) due(now, interval uint64) bool {
	return s.last <= now || s.first+interval <= now
}

// lookPeriod is the time between two looks at the deadlines of all slabs.
func lookPeriod(interval time.Duration, buckets int) int64 {
	return max(1, int64(interval)/int64(buckets))
}
