package memory

import (
	"math"
	"time"
)

// sweep is the expiry work of one store. The cache looks at the range of deadlines of
// every slab Buckets times in each BucketInterval, and goes through those slabs whose
// entries have all expired by now, or whose first one has expired BucketInterval ago. So
// an entry lies expired for little more than BucketInterval, and a slab of mixed deadlines
// is scanned only once in that time.
//
// One store does a bounded slice of that, more when stores are rare, and continues in the
// next; stores that come while another one is at it do nothing.
func (s *store) sweep(now int64) {
	if !s.sweeping.TryLock() {
		return
	}
	defer s.sweeping.Unlock()
	if now < s.nextLook.Load() {
		return
	}
	budget := minSlice
	if now-s.lastSlice > int64(resolution) {
		budget = maxSlice
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
			s.nextLook.Store(later(s.lookBegan, s.lookEvery))
			return
		}
	}
}

// The slices of one store, in records looked at: some 20 and 800 microseconds.
const (
	minSlice = 256
	maxSlice = 8192
)

// sweep reports whether it got through the whole shard.
func (sh *shard) sweep(now uint64, budget *int) bool {
	l := &sh.log
	for x := &l.sweeping; sh.sweepAt < l.next; {
		if *budget <= 0 {
			return false
		}
		s := l.slabs[sh.sweepAt]
		if s != x.slab {
			// The slab was dropped between two slices, or none is begun: the
			// number may be another slab's.
			*x = place{slab: s}
		}
		if s == nil || x.offset == 0 && !s.due(now, uint64(sh.store.interval)) {
			*x = place{}
			sh.sweepAt++
			*budget--
			continue
		}
		if sh.sweepSlab(s, now, budget) {
			*x = place{}
			sh.sweepAt++
			sh.index.shrink()
		}
	}
	for *budget > 0 {
		passed := sh.reclaim(maxSlab, *budget)
		if *budget -= passed; passed == 0 {
			break
		}
	}
	if *budget <= 0 {
		return false
	}
	sh.sweepAt = 0
	sh.evict.giveBack()
	return true
}

// sweepSlab goes on through s, and reports whether it is done with it.
func (sh *shard) sweepSlab(s *slab, now uint64, budget *int) bool {
	l := &sh.log
	offset := l.sweeping.offset
	if offset == 0 {
		s.first, s.last = forever, 0
	}
	for ; offset < s.end() && *budget > 0; *budget-- {
		r := s.record(offset)
		n := l.size(r)
		if !r.is(dead) {
			if d := r.deadline(); d > now {
				s.note(d)
			} else {
				sh.expire(sh.at(s, offset, r))
				if l.sweeping.slab != s {
					return true // it was dropped, or begins again
				}
			}
		}
		offset += n
	}
	l.sweeping.offset = offset
	if offset < s.end() {
		return false
	}
	if s.live == 0 {
		l.drop(s) // it was open
	}
	return true
}

// due reports whether it is time to walk through s.
func (s *slab) due(now, interval uint64) bool {
	return s.last <= now || s.first+interval <= now
}

// lookPeriod is the time between two looks at the deadlines of all slabs.
func lookPeriod(interval time.Duration, buckets int) int64 {
	return max(1, int64(interval)/int64(buckets))
}

// later returns the time d after now, or the end of time.
func later(now, d int64) int64 {
	if d > math.MaxInt64-now {
		return math.MaxInt64
	}
	return now + d
}
