package memory

import (
	"math"
	"sync/atomic"
)

// room is a bound on the whole cache. Shards take parts of it as they grow, so none evicts
// while the cache has room, whatever the hashes of large values are. A shard gives back
// what it does not need; when nothing is left, one that has less than its fair share gets
// some of the largest part.
type room struct {
	fair  int64        // the limit divided by the number of shards
	least int64        // what a shard keeps in any case
	step  int64        // what a shard takes or gives back at least
	free  atomic.Int64 // what no shard has
}

// part is the part of a room that a shard has. Its size changes under the lock of the
// shard; others look at it to find the largest.
type part struct {
	room *room // nil: no bound
	have atomic.Int64
}

// newRoom returns nil for no limit.
func newRoom(limit int64, shards int) *room {
	if limit == 0 {
		return nil
	}
	limit = min(limit, math.MaxInt) // on 32 bits no cache holds more
	r := &room{fair: limit / int64(shards)}
	r.step = max(1, r.fair/256)
	r.least = limit
	if shards > 1 {
		r.least = max(1, r.fair/8)
	}
	r.free.Store(limit - r.least*int64(shards))
	return r
}

// join gives the shard its first part.
func (r *room) join(p *part) {
	if p.room = r; r != nil {
		p.have.Store(r.least)
	}
}

// take returns n of what is free, or less if there is less.
func (r *room) take(n int64) int64 {
	for {
		free := r.free.Load()
		if n = min(n, free); n <= 0 {
			return 0
		}
		if r.free.CompareAndSwap(free, free-n) {
			return n
		}
	}
}

func (p *part) bounded() bool { return p.room != nil }
func (p *part) size() int     { return int(p.have.Load()) }

// lacks reports whether more is used than the shard can have.
func (p *part) lacks(used int) bool {
	if p.room == nil {
		return false
	}
	need := int64(used) - p.have.Load()
	if need <= 0 {
		return false
	}
	got := p.room.take(max(need, p.room.step))
	if got > 0 {
		p.have.Add(got)
	}
	return got < need
}

// full reports whether the room is used up, and the part of this shard but for the share
// of the small queue.
func (p *part) full(used int) bool {
	if p.room == nil {
		return false
	}
	have := p.have.Load()
	return int64(used) >= have-have/smallShare && p.room.free.Load() < p.room.step
}

// exceeds reports whether used is more than share parts in so many of what the shard has or
// can have.
func (p *part) exceeds(used, share, parts int) bool {
	if p.room == nil {
		return false
	}
	have := p.have.Load()
	have = max(have, min(p.room.fair, have+p.room.free.Load()))
	return int64(used) > have*int64(share)/int64(parts)
}

// giveBack keeps what is used and two steps.
func (p *part) giveBack(used int) {
	have := p.have.Load()
	n := min(have-int64(used)-2*p.room.step, have-p.room.least)
	if n >= p.room.step {
		p.have.Add(-n)
		p.room.free.Add(n)
	}
}

// belowShare reports whether the shard has clearly less than others.
func (p *part) belowShare() bool {
	return p.room != nil && p.have.Load() < p.room.fair-2*p.room.step
}

// rebalance gives a shard that has had to evict, and has less than its fair share, a step of
// the largest part. No lock may be held.
func (s *store) rebalance(sh *shard) {
	for _, of := range []func(*shard) *part{entriesOf, bytesOf} {
		p := of(sh)
		if !p.belowShare() {
			continue
		}
		if n := s.takeFromLargest(of, p.room.fair, p.room.step); n > 0 {
			sh.mu.Lock()
			p.have.Add(n)
			sh.unlock()
		}
	}
}

func entriesOf(sh *shard) *part { return &sh.evict.entries }
func bytesOf(sh *shard) *part   { return &sh.evict.bytes }

// takeFromLargest takes at most n from the largest part, and nothing below floor, and returns what
// it got. That shard evicts at once.
func (s *store) takeFromLargest(of func(*shard) *part, floor, n int64) int64 {
	largest := &s.shards[0]
	for i := range s.shards {
		if sh := &s.shards[i]; of(sh).have.Load() > of(largest).have.Load() {
			largest = sh
		}
	}
	largest.mu.Lock()
	defer largest.unlock()
	p := of(largest)
	if n = min(n, p.have.Load()-max(floor, largest.evict.pinned(p))); n <= 0 {
		return 0
	}
	p.have.Add(-n)
	largest.evict.keepBounds()
	largest.index.shrink()
	return n
}

// reserve makes room for a large value in the shard of its key, before the shard is
// locked. It takes the room that is free, and then some of the largest parts, a little at a
// time. A small value finds room in its own shard.
func (s *store) reserve(hash uint64, key string, length int) {
	sh := s.shard(hash)
	r := sh.evict.bytes.room
	size := int64(headerSize + len(key) + length)
	if r == nil || len(s.shards) == 1 || size < r.fair/16 || size > int64(s.largest) {
		return
	}
	sh.mu.Lock()
	if e := sh.find(hash, key); e.found() && int64(sh.log.size(e.rec)) >= size {
		size = 0 // it takes the place of what it replaces
	}
	need := size - (sh.evict.bytes.have.Load() - int64(sh.footprint()+sh.evict.slack()))
	sh.unlock()
	got := r.take(need)
	for got < need {
		n := s.takeFromLargest(bytesOf, r.least, min(need-got, max(r.step, r.fair/16)))
		if n == 0 {
			break // all have the least
		}
		got += n
	}
	if got > 0 {
		sh.mu.Lock()
		sh.evict.bytes.have.Add(got)
		sh.unlock()
	}
}
