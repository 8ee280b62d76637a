package memory

// evictor chooses what to evict, by a kin of S3-FIFO (Yang et al., FIFO queues are all you
// need for cache eviction, SOSP 2023). Once the cache is full, new entries go to a small
// queue. At its end, those that were read, and those that came back soon after
// they had been evicted, may join the main queue; the others leave, and their hash
// goes to a ghost list, which is what tells who came back. At the end of the main queue, an
// entry that was read since it came there goes to its beginning once more.
//
// Two things differ from the paper, both for loops that are larger than the cache,
// where it hits nothing: the small queue is a fiftieth of the room and not a tenth,
// and an entry may join the main queue only if one of the next two there was not read.
//
// This fits a log: the queues are lists of slabs, moving on is copying to the last,
// and a slab is dropped when the hand has passed it. "Was read" is the flag that
// the first reader of each copy sets anyway, so that a hit which is not the first writes
// nothing to the record or the index.
type evictor struct {
	maxEntries int // 0: no bound
	maxBytes   int
	ghost      ghost
}

const (
	smallShare = 50  // the small queue has one part in so many
	challenges = 2   // how many entries of main one that would join them is compared with
	maxChances = 128 // how many entries that were read one store moves on in a row
)

func (v *evictor) bounded() bool { return v.maxEntries > 0 || v.maxBytes > 0 }

// queueFor returns the queue for a new record of a key.
func (sh *shard) queueFor(e entry) *queue {
	v := &sh.evict
	switch {
	case e.found():
		return sh.slab(e).queue
	case v.maxEntries > 0 && sh.entries >= v.maxEntries-v.maxEntries/smallShare-1,
		v.maxBytes > 0 && sh.footprint() >= v.byteLimit(sh)-v.maxBytes/smallShare:
		return &sh.small
	}
	return &sh.main
}

// footprint is what the shard needs: bytes, without the part of slabs that the hand has
// passed and the part that is yet to be used.
func (sh *shard) footprint() int {
	return sh.main.footprint() + sh.small.footprint() + sh.tableBytes + sh.evict.ghost.bytes()
}

func (q *queue) footprint() int {
	n := q.bytes
	if q.head != nil {
		n -= q.head.walked
	}
	if q.open != nil {
		n -= len(q.open.data) - q.open.used
	}
	return n
}

// byteLimit leaves room for the difference between footprint and bytes.
func (v *evictor) byteLimit(sh *shard) int { return v.maxBytes - 4*sh.slabSize() }

// over returns the statistic of the bound that the shard is over, or nil.
func (sh *shard) over() *uint64 {
	v := &sh.evict
	if v.maxEntries > 0 && sh.entries > v.maxEntries {
		return &sh.evictedEntries
	}
	if v.maxBytes > 0 && sh.footprint() > v.byteLimit(sh) {
		return &sh.evictedBytes
	}
	return nil
}

// keepBounds evicts until the shard is within its bounds.
func (sh *shard) keepBounds() {
	v := &sh.evict
	if !v.bounded() {
		return
	}
	// The newest entry stays, however large.
	for sh.small.entries > 1 && (v.maxEntries > 0 && sh.small.entries > v.maxEntries/smallShare+1 ||
		v.maxBytes > 0 && sh.small.live > v.maxBytes/smallShare) {
		sh.hand(&sh.small, sh.leaveSmall)
	}
	for sh.over() != nil {
		if sh.main.entries > 0 {
			sh.makeRoom(maxChances)
		} else if sh.small.entries > 1 {
			sh.hand(&sh.small, sh.leaveSmall)
		} else {
			return
		}
	}
}

// leaveSmall decides on the entry at the end of the small queue.
func (sh *shard) leaveSmall(e entry) {
	reason := sh.over()
	if reason == nil {
		sh.moveOrRemove(e, &sh.main) // main has room
		return
	}
	hash := sh.store.hashBytes(e.rec.key())
	if (e.w&read != 0 || sh.evict.ghost.has(hash)) && sh.makeRoom(challenges) {
		sh.moveOrRemove(e, &sh.main)
		return
	}
	sh.evict.ghost.add(hash, sh.entries)
	*reason++
	sh.remove(e)
}

// makeRoom evicts from the main queue until the shard is within its bounds. It gives
// up, and reports false, after so many entries in a row that were read; only for
// maxChances it evicts the last of these all the same.
func (sh *shard) makeRoom(chances int) bool {
	for n := chances; ; {
		reason := sh.over()
		if reason == nil {
			return true
		}
		if n == 0 || sh.main.entries == 0 {
			return false
		}
		sh.hand(&sh.main, func(e entry) {
			if e.w&read != 0 {
				if n--; n > 0 || chances < maxChances {
					sh.moveOrRemove(e, &sh.main)
					return
				}
				n = chances
			}
			*reason++
			sh.remove(e)
		})
	}
}

func (sh *shard) moveOrRemove(e entry, q *queue) {
	if sh.relocate(e, q) != nil {
		sh.evictedBytes++ // no number is left for a slab
		sh.remove(e)
	}
}

// hand moves the hand of a queue that is not empty on over one entry, which visit
// removes or moves. An expired one it removes itself.
func (sh *shard) hand(q *queue, visit func(entry)) {
	for seen := false; !seen; {
		s := q.head
		s.walked = sh.walk(s, s.walked, 1, func(offset int, r *record) {
			e := sh.at(s, offset, r)
			if !e.found() {
				return
			}
			seen = true
			if sh.store.clock.passed(r.deadline()) {
				sh.expired++
				sh.remove(e)
			} else {
				visit(e)
			}
		})
		if s.queue != nil && s.walked >= s.used && s.live == 0 {
			sh.drop(s) // it was open
		}
	}
}

// ghost is a set of hashes of evicted entries: a table of small sets, each first-in-first-out.
type ghost struct {
	sets [][ghostWays]uint32
}

const ghostWays = 8

func (g *ghost) bytes() int { return len(g.sets) * ghostWays * 4 }

func (g *ghost) set(hash uint64) (set *[ghostWays]uint32, tag uint32) {
	return &g.sets[hash>>32*uint64(len(g.sets))>>32], uint32(hash)>>4 | 1
}

func (g *ghost) has(hash uint64) bool {
	if len(g.sets) == 0 {
		return false
	}
	set, tag := g.set(hash)
	for _, t := range set {
		if t == tag {
			return true
		}
	}
	return false
}

// add notes a hash. The list is to hold nine hashes for ten entries of the cache: with
// more, a loop of twice the size of the cache would make every entry one that came
// back. Growing forgets them.
func (g *ghost) add(hash uint64, entries int) {
	if n := entries*9/10/ghostWays + 1; n > len(g.sets)*9/8 {
		g.sets = make([][ghostWays]uint32, n)
	}
	set, tag := g.set(hash)
	copy(set[1:], set[:])
	set[0] = tag
}
