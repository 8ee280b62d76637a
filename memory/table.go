package memory

import (
	"math/bits"
	"slices"
	"sync/atomic"
)

// A word of the index says where the record of a key lies. From the top:
//
//	30 bits  hash     part of the hash of the key, so that a table is rebuilt without
//	                  looking at a record
//	32 bits  place    the number of the slab, 14 bits, and the offset in it, 18 bits
//	 2 bits  flags    read, live
//
// A word that is not live is 0, or gone.
const (
	live = 1 << 0 // set in every word that names a record
	read = 1 << 1 // a reader has or had the bytes: they must not change any more

	offsetShift = 2
	offsetBits  = 18
	slabShift   = offsetShift + offsetBits
	slabBits    = 14
	hashShift   = slabShift + slabBits
	hashBits    = 64 - hashShift

	hashMask  = 1<<64 - 1<<hashShift
	placeMask = 1<<hashShift - 1<<offsetShift
)

func slabOf(w uint64) uint16 { return uint16(w>>slabShift) & (1<<slabBits - 1) }
func offsetOf(w uint64) int  { return int(w >> offsetShift & (1<<offsetBits - 1)) }

func placeOf(slab uint16, offset int) uint64 {
	return uint64(slab)<<slabShift | uint64(offset)<<offsetShift
}

// group is a cache line: seven words, and in front of them one of control bytes:
// first a tag for each word, 0 if that is free, and then the number of
// keys that belong into this group and lie in a later one, as it was full. So most
// searches look at one line and one word: CLHT's lock-free buckets (David et al.,
// ASPLOS 2015), with the tags of Swiss tables and the overflow count of F14.
type group [1 + slots]uint64

const (
	slots = 7

	overflow  = 1 << 56 // one in the count; 255 stays 255
	saturated = 255

	moved = ^uint64(0) // control of a group whose table was replaced: look in the new one
	gone  = 1 << 1     // each word in it

	ones = 0x0001_0101_0101_0101 // in the bytes of the tags
	tops = 0x0080_8080_8080_8080
)

// tagOf returns the tag of a hash, 1 to 128, in each of seven bytes.
func tagOf(hash uint64) uint64 { return (hash>>hashShift&0x7f + 1) * ones }

// matches returns a set top bit in each byte of control that has the tag, and perhaps
// in bytes above: the word tells. The lowest is right. No tag is 255, so moved has none.
func matches(control, tag uint64) uint64 {
	x := control ^ tag
	return (x - ones) &^ x & tops
}

// slotOf returns which word the lowest set bit of matches is about.
func slotOf(match uint64) int { return 1 + bits.TrailingZeros64(match)>>3 }

// table is an open-addressing hash table of groups, probed one after the other. Readers
// use it without a lock; writers hold the lock of the shard. A word stays in its
// place until it is deleted or the table is replaced, which marks all groups as moved.
//
// The top bits of a hash choose one of the parts of a shard. At first all of them share one
// table; one that has grown to splitAt words is replaced by two, as in extendible hashing
// (Fagin et al., 1979). So it is long until replacing a table takes a millisecond: a
// cache of 50 million entries.
type table struct {
	groups []group
	live   int
	part   int // the first of its parts
	parts  int // how many
}

const (
	partBits = 4
	parts    = 1 << partBits
	splitAt  = 1 << 13
)

func partOf(hash uint64) int { return int(hash >> (64 - partBits)) }

func groupsFor(words int) int { return words*3/2/slots + 1 }

// newTable makes a table with room for n words at two thirds of its places, or as many
// more as the allocator gives.
func newTable(n, part, parts int) *table {
	groups := slices.Grow([]group(nil), groupsFor(n))
	return &table{groups: groups[:cap(groups)], part: part, parts: parts}
}

// first returns the group in which the search for a hash begins.
func (t *table) first(hash uint64) uint64 {
	const n = hashBits - partBits
	return hash >> hashShift & (1<<n - 1) * uint64(len(t.groups)) >> n
}

// split makes the tables, one or two, that are to replace t.
func (t *table) split() []*table {
	if t.live < splitAt || t.parts == 1 {
		return []*table{newTable(t.live+1, t.part, t.parts)}
	}
	var n [2]int
	for g := range t.groups {
		for i := 1; i <= slots; i++ {
			if w := atomic.LoadUint64(&t.groups[g][i]); w != 0 {
				n[t.half(w, 2)]++
			}
		}
	}
	p := t.parts / 2
	return []*table{newTable(n[0]+1, t.part, p), newTable(n[1]+1, t.part+p, p)}
}

// half returns in which half of the parts of t a hash lies, if there are two.
func (t *table) half(hash uint64, halves int) int {
	return (partOf(hash) - t.part) * halves / t.parts
}

func (t *table) next(g uint64) uint64 {
	if g++; g < uint64(len(t.groups)) {
		return g
	}
	return 0
}

func (t *table) size() int { return len(t.groups) * (1 + slots) * 8 }

// full reports whether one more word would fill more than 13/16 of the places, so that
// searches grow long.
func (t *table) full() bool { return (t.live+1)*16 > len(t.groups)*slots*13 }

// sparse reports whether a new table would be half as large or less. The allocator gives
// up to a fifth more groups than were asked for.
func (t *table) sparse() bool { return len(t.groups) >= 2*groupsFor(t.live+1)*6/5 }

// insert puts w into the first group of its search that has room. The caller has seen
// that the table is not full.
func (t *table) insert(w uint64) {
	t.live++
	for g := t.first(w); ; g = t.next(g) {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		if free := matches(control, 0); free != 0 {
			i := slotOf(free)
			atomic.StoreUint64(&group[i], w)
			atomic.StoreUint64(&group[0], control|tagOf(w)&(0xff<<((i-1)*8)))
			return
		}
		if control>>56 < saturated {
			atomic.StoreUint64(&group[0], control+overflow)
		}
	}
}

// remove frees a word, which must be in t, and takes it out of the counts of the groups
// that its search goes past.
func (t *table) remove(word *uint64) {
	t.live--
	g := t.first(atomic.LoadUint64(word))
	for {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		for i := 1; i <= slots; i++ {
			if &group[i] == word {
				atomic.StoreUint64(&group[0], control&^(0xff<<((i-1)*8)))
				atomic.StoreUint64(word, 0)
				return
			}
		}
		if control>>56 < saturated {
			atomic.StoreUint64(&group[0], control-overflow)
		}
		g = t.next(g)
	}
}

// find returns the word that names a place, or nil. It is for those who hold the lock.
func (t *table) find(hash, place uint64) *uint64 {
	g := t.first(hash)
	for range t.groups {
		group := &t.groups[g]
		for i := 1; i <= slots; i++ {
			if atomic.LoadUint64(&group[i])&(placeMask|live) == place|live {
				return &group[i]
			}
		}
		if atomic.LoadUint64(&group[0]) < overflow {
			break
		}
		g = t.next(g)
	}
	return nil
}

// moveTo takes every word out of t, so that no reader trusts it
// any more, and puts them where to says, if it is not nil.
func (t *table) moveTo(to func(w uint64) *table) {
	for g := range t.groups {
		group := &t.groups[g]
		atomic.StoreUint64(&group[0], moved)
		for i := 1; i <= slots; i++ {
			w := atomic.LoadUint64(&group[i])
			atomic.StoreUint64(&group[i], gone)
			if w != 0 && to != nil {
				to(w).insert(w)
			}
		}
	}
}
