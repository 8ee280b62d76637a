package memory

import "github.com/larder-go/larder/cache/driver"

// evictor chooses what to evict, by a variant of S3-FIFO (Yang et al., FIFO queues are all you
// need for cache eviction, SOSP 2023). Once the cache is full, new entries go to a small
// queue. At its end, those that were used, and those that came back soon after they had
// been evicted, may join the main queue; the others leave, and their hash goes to a ghost
// list, which tells who came back. At the end of the main queue, an entry that was
// used since it came there goes to its beginning once more.
//
// Two things differ from the paper, both for loops that are larger than the cache, where
// it hits nothing: the small queue is a fiftieth of the room and not a tenth, and an entry
// may join the main queue only if one of the next two there was not used.
//
// This fits a log: the queues are lists of slabs, moving on is copying to the last, and a
// slab is dropped when eviction has passed it. An entry was used if it was read, counted,
// touched or swapped: a flag that the first reader of each copy sets anyway, so that a hit
// which is not the first writes nothing, and one in the record.
//
// Of the shard, the policy uses next, move, evict and the sizes of the queues.
type evictor struct {
	sh      *shard
	entries part // of Config.MaxEntries
	bytes   part // of Config.MaxBytes
	ghost   ghost
}

const (
	smallShare = 50  // the small queue has one part in so many
	challenges = 2   // how many entries of main one that would join them is compared with
	maxChances = 128 // how many entries that were used one store moves on in a row
)

// queueFor returns the queue for a new record of a key.
func (v *evictor) queueFor(e entry, of *driver.Entry) *queue {
	l := &v.sh.log
	switch {
	case e.found() && !e.rec.is(wire):
		return v.sh.slab(e).queue
	case !v.entries.bounded() && !v.bytes.bounded():
		return &l.main
	case of.Kind == driver.Number && v.sh.store.wires.wired(v.sh.store.fullHash(of.Key)):
		return &l.wires // a master that was removed while it was wired to
	case v.entries.full(v.sh.index.live + 1), v.bytes.bounded() && v.bytes.full(v.sh.footprint()+v.slack()):
		return &l.small
	}
	return &l.main
}

// slack is the most by which the bytes of the shard exceed its footprint: main and small of
// which the first slab is passed and the last one not full yet, the last one of the wires, and
// the spare one.
func (v *evictor) slack() int {
	l := &v.sh.log
	n := 5 * (l.slabSize() + slabCost)
	if l.wires.open != nil {
		n += l.wires.open.size()
	}
	return n
}

// tight reports whether the shard takes more than three quarters of the bytes that it may
// have, so that dead records are about to take the place of live ones.
func (v *evictor) tight() bool {
	return v.bytes.bounded() && v.bytes.exceeds(v.sh.footprint(), 3, 4)
}

// over returns the statistic of the bound that the shard would exceed with more bytes in
// addition, or nil.
func (v *evictor) over(more int) *uint64 {
	if v.entries.lacks(v.sh.index.live) {
		return &v.sh.evictedEntries
	}
	if v.bytes.bounded() && v.bytes.lacks(v.sh.footprint()+v.slack()+more) {
		return &v.sh.evictedBytes
	}
	return nil
}

// reason returns the statistic of what is evicted while the shard is within its bounds.
func (v *evictor) reason() *uint64 {
	if v.bytes.bounded() {
		return &v.sh.evictedBytes
	}
	return &v.sh.evictedEntries
}

// keepBounds evicts until the shard is within its bounds.
func (v *evictor) keepBounds() {
	if !v.entries.bounded() && !v.bytes.bounded() {
		return
	}
	main, small := &v.sh.log.main, &v.sh.log.small
	if v.sh.log.wires.entries > 0 && v.over(v.allowance()) != nil {
		v.sh.review()
	}
	// The newest entry stays, however large.
	for small.entries > 1 && (v.entries.bounded() && small.entries > v.entries.size()/smallShare+1 ||
		v.bytes.bounded() && small.live > v.bytes.size()/smallShare) {
		if !v.leaveSmall() {
			break
		}
	}
	for v.over(0) != nil {
		if main.entries > 0 && v.makeRoom(0, maxChances) {
			return
		}
		if small.entries <= 1 || !v.leaveSmall() {
			return
		}
	}
}

// allowance is the most by which the footprint grows at once when a slab is full, and falls
// when one is dropped: the rest of a slab after its last record. Without it, entries would
// join main after each drop, and leave it where a slab begins, without being compared.
func (v *evictor) allowance() int {
	if !v.bytes.bounded() {
		return 0
	}
	return v.sh.log.slabSize() / 8
}

// leaveSmall decides on the entry at the end of the small queue, and reports whether there
// was one.
func (v *evictor) leaveSmall() bool {
	allowance := v.allowance()
	reason := v.over(allowance) // before next, which leaves the entry out of footprint
	e, ok := v.sh.next(&v.sh.log.small)
	if !ok {
		return false
	}
	main := &v.sh.log.main
	if reason == nil {
		v.sh.move(e, main) // main has room
		return true
	}
	hash := v.sh.store.hashBytes(e.rec.key())
	size := v.sh.log.size(e.rec)
	if (e.used() || v.ghost.has(hash)) && v.makeRoom(allowance+size, v.challenges(size)) {
		v.sh.move(e, main)
		return true
	}
	v.ghost.add(hash, v.sh.index.live)
	v.evict(e, reason)
	return true
}

// challenges returns how many used entries of main may be found before an entry of that size
// is refused: one more for each four entries whose place it takes, so that large entries get in
// where small ones were used. One more for each cost 0.8 points of hits with mixed sizes.
func (v *evictor) challenges(size int) int {
	if !v.bytes.bounded() {
		return challenges
	}
	q := &v.sh.log.main
	return min(challenges+size*q.entries/(q.live+1)/4, maxChances-1)
}

// makeRoom evicts from the main queue until the shard has room for bytes more within its bounds.
// After chances entries in a row that were used it gives up and reports false; with maxChances it
// evicts the last of these instead.
func (v *evictor) makeRoom(bytes, chances int) bool {
	main := &v.sh.log.main
	for n := chances; ; {
		reason := v.over(bytes)
		if reason == nil {
			return true
		}
		if n == 0 || main.entries == 0 {
			return false
		}
		e, ok := v.sh.next(main)
		if !ok {
			return false
		}
		if e.used() {
			if n--; n > 0 || chances < maxChances {
				v.sh.move(e, main)
				continue
			}
			n = chances
		}
		v.evict(e, reason)
	}
}

func (v *evictor) evict(e entry, reason *uint64) {
	*reason++
	v.sh.belowShare = v.sh.belowShare || v.entries.belowShare() || v.bytes.belowShare()
	v.sh.remove(e)
}

// used reports whether e was used since it came to its place.
func (e entry) used() bool { return e.w&read != 0 || e.rec.is(used) }

// giveBack leaves what the shard does not need of the bounds to the others.
func (v *evictor) giveBack() {
	if v.entries.bounded() {
		v.entries.giveBack(v.sh.index.live)
	}
	if v.bytes.bounded() {
		v.bytes.giveBack(v.sh.footprint() + v.slack())
	}
}

// pinned is the least that p must be for the wires of the shard.
func (v *evictor) pinned(p *part) int64 {
	n := v.sh.log.wires.entries
	if p == &v.bytes {
		n = v.sh.wireBytes() + 2*v.slack()
	}
	return int64(n) * 4 / wireShare
}

// next returns the live entry of a queue that is the next to be evicted, for the caller
// to move or to remove. It removes expired ones on the way. After the last one it returns
// false.
func (sh *shard) next(q *queue) (e entry, ok bool) {
	for s := q.head; s != nil; s = q.head {
		for s.queue != nil && q.scanned < s.end() {
			offset := q.scanned
			r := s.record(offset)
			q.scanned += sh.log.size(r)
			if r.is(dead) {
				continue
			}
			e := sh.at(s, offset, r)
			if !sh.store.clock.passed(r.deadline()) {
				return e, true
			}
			sh.expire(e)
		}
		if s.queue == nil {
			continue // dropped
		}
		if s.live > 0 {
			return entry{}, false
		}
		sh.log.drop(s) // it was open
	}
	return entry{}, false
}
