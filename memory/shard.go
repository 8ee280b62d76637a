package memory

import (
	"fmt"
	"hash/maphash"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// shard holds the keys of a part of the hashes. It composes an index, a log of records, an
// eviction policy and the search for expired entries, under one lock. Of gets, only the
// first of a record takes the lock, and those that meet a writer: see search. All changes
// are made under it.
type shard struct {
	// Read without the lock, and kept away from what writers change.
	index index
	dir   directory
	_     [104]byte

	// The fields that every store changes, in one cache line, but for the slabs; TestLayout.
	mu         sync.Mutex
	deciding   atomic.Bool // see store.unexpired; writers set it only near deadlines
	closed     bool        // looked at by write alone: the others find nothing
	belowShare bool        // evicted though others have more than their part; see room.go
	version    uint64      // counts the stores, and so the states of all keys
	log        log

	store     *store
	evict     evictor
	sweepAt   int    // the number of the slab that the search for expired entries has come to
	violation string // what verify found; unlock panics with it

	expired, evictedEntries, evictedBytes uint64
	_                                     [96]byte
}

// entry is the location of an entry, found under the lock.
type entry struct {
	word *uint64 // in the index; nil: not found
	w    uint64  // what it says
	rec  *record
}

func (e entry) found() bool { return e.word != nil }

// slab returns where the record of e lies.
func (sh *shard) slab(e entry) *slab { return sh.log.slabs[slabOf(e.w)] }

// find looks for a key, under the lock.
func (sh *shard) find(hash uint64, key string) entry {
	t := sh.index.tables[partOf(hash)].Load()
	if t == nil {
		return entry{}
	}
	for g := t.first(hash); ; {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		for m := matches(control, tagOf(hash)); m != 0; m &= m - 1 {
			word := &group[slotOf(m)&7]
			w := atomic.LoadUint64(word)
			if (w^hash)&hashMask|w&live == live {
				if r := recordAt(sh.dir.slot(slabOf(w)).Load(), offsetOf(w)); r.hasKey(key) {
					return entry{word, w, r}
				}
			}
		}
		if control < overflow {
			return entry{}
		}
		if g = t.next(g); g == t.first(hash) {
			return entry{}
		}
	}
}

// at returns the entry of a live record of s.
func (sh *shard) at(s *slab, offset int, r *record) entry {
	word := sh.index.word(sh.store.hashBytes(r.key()), placeOf(s.id, offset))
	return entry{word, atomic.LoadUint64(word), r}
}

// put stores a new state of a key. e is the entry that find returned, present if it has not
// expired. It uses deadline and ignores v.TTL.
func (sh *shard) put(e entry, present bool, hash uint64, v *driver.Entry, deadline uint64, f flags) error {
	h := newHeader(deadline, sh.version+1, v.Kind, len(v.Key), len(v.Value))
	if e.found() && e.fits(v.Value) {
		sh.overwrite(e, h, v, f)
	} else if err := sh.append(e, hash, h, v, f); err != nil {
		return err
	}
	sh.version++
	if e.found() && !present {
		sh.expired++
	}
	return nil
}

// fits reports whether a value may take the place of the one of e: if no reader has or had
// its bytes, and the new ones take as much room.
func (e entry) fits(value []byte) bool {
	return e.w&read == 0 && e.rec.header().valueLen() == len(value) && !e.rec.is(wire)
}

// overwrite changes a record in place; the value must fit. Readers that come now wait for
// the lock.
func (sh *shard) overwrite(e entry, h header, v *driver.Entry, f flags) {
	sh.verify(e.rec)
	// The place of the value is known before the header has come from memory.
	place := e.rec.bytes(headerSize+len(v.Key), len(v.Value))
	fetch(place)
	copy(place, v.Value)
	e.rec.setHeader(h)
	e.rec.mark(f)
	sh.sign(e.rec)
	sh.slab(e).note(h.deadline)
}

// fetch reads a byte of each cache line of b, if b is short. A load does not wait for the load of
// the header, as stores do, so the lines come from memory at the same time as that: an overwrite
// of one of a million entries of 128 bytes takes 0.8 of the time.
//
//go:noinline
func fetch(b []byte) (x byte) {
	const most, line = 256, 64 // 1 KiB took 1.05 of the time
	if len(b) > most {
		return 0
	}
	for i := 0; i < len(b); i += line {
		x ^= b[i]
	}
	if len(b) > 0 {
		x ^= b[len(b)-1]
	}
	return x
}

// append writes a record behind the others.
func (sh *shard) append(e entry, hash uint64, h header, v *driver.Entry, f flags) error {
	size, err := sh.write(sh.evict.queueFor(e, v), e, hash, h, v, f, nil)
	if err != nil {
		return err
	}
	if e.found() {
		sh.dead(e)
	}
	sh.settle(size)
	return nil
}

// write appends a record to q and puts it in the place of e in the index. ref is nil but
// for a wire.
func (sh *shard) write(q *queue, e entry, hash uint64, h header, v *driver.Entry, f flags, ref *wireRef) (size int, err error) {
	size = headerSize + len(v.Key) + len(v.Value) + sh.log.trailer
	if ref != nil {
		size += wireRefSize
	}
	if len(v.Value) > maxValue {
		return 0, tooLarge(fmt.Sprintf("%d bytes, at most %d allowed", len(v.Value), maxValue))
	}
	if size > sh.store.largest {
		return 0, tooLarge(fmt.Sprintf("%d bytes with its key and header, at most %d allowed, half of MaxBytes", size, sh.store.largest))
	}
	if sh.closed {
		return 0, driver.ErrClosed
	}
	s, offset, err := sh.log.allocate(q, size)
	if err != nil {
		return 0, err
	}
	r := s.record(offset)
	r.setHeader(h)
	copy(r.bytes(headerSize, len(v.Key)), v.Key)
	copy(r.bytes(headerSize+len(v.Key), len(v.Value)), v.Value)
	sh.sign(r)
	if ref != nil {
		sh.setRef(r, *ref)
	}
	s.note(h.deadline)
	w := hash&hashMask | placeOf(s.id, offset) | live
	if e.found() {
		if e.used() {
			f |= used
		}
		atomic.StoreUint64(e.word, w)
	} else {
		sh.index.insert(hash, w)
	}
	r[flagsAt] = byte(f)
	return size, nil
}

// touch gives the value of a key, which must be present, a new deadline and so a new state.
func (sh *shard) touch(e entry, hash uint64, key string, deadline uint64) error {
	old := e.rec.header()
	h := newHeader(deadline, sh.version+1, old.kind(), old.keyLen(), old.valueLen())
	if e.w&read == 0 {
		sh.verify(e.rec)
		e.rec.setHeader(h)
		e.rec.mark(used)
		sh.slab(e).note(h.deadline)
	} else if err := sh.rewrite(e, hash, h, key); err != nil {
		return err
	}
	sh.version++
	return nil
}

// rewrite appends a record with the value of e. A wire stays one.
func (sh *shard) rewrite(e entry, hash uint64, h header, key string) error {
	q, f, ref := sh.slab(e).queue, used, (*wireRef)(nil)
	if e.rec.is(wire) {
		of := sh.ref(e.rec)
		f, ref = f|wire, &of
	}
	size, err := sh.write(q, e, hash, h, &driver.Entry{Key: key, Value: e.rec.value()}, f, ref)
	if err != nil {
		return err
	}
	sh.verify(e.rec)
	sh.log.kill(sh.slab(e), e.rec)
	sh.settle(size)
	return nil
}

func (sh *shard) delete(e entry, present bool) error {
	if !e.found() {
		return driver.ErrMiss
	}
	sh.remove(e)
	sh.index.shrink()
	sh.evict.giveBack()
	if !present {
		sh.expired++
		return driver.ErrMiss
	}
	return nil
}

// remove takes an entry out of the index.
func (sh *shard) remove(e entry) {
	sh.index.remove(e.word)
	sh.dead(e)
}

// expire removes an entry whose deadline has passed.
func (sh *shard) expire(e entry) {
	sh.expired++
	sh.remove(e)
}

// dead counts the record of e, which no word names any more, as dead.
func (sh *shard) dead(e entry) {
	sh.verify(e.rec)
	if e.rec.is(wire) {
		sh.forgetWire(e.rec)
	}
	sh.log.kill(sh.slab(e), e.rec)
}

// move moves a record to the end of q. If there is no room for it, the entry is evicted.
func (sh *shard) move(e entry, q *queue) {
	size := sh.log.size(e.rec)
	s, offset, err := sh.log.allocate(q, size)
	if err != nil { // no number is left for a slab
		sh.evictedBytes++
		sh.remove(e)
		return
	}
	r := s.record(offset)
	copy(r.bytes(0, size), e.rec.bytes(0, size))
	r[flagsAt] &^= byte(used)
	s.note(r.deadline())
	atomic.StoreUint64(e.word, e.w&hashMask|placeOf(s.id, offset)|live)
	sh.verify(e.rec)
	sh.log.kill(sh.slab(e), e.rec)
}

// bytes returns the memory that the shard keeps reachable.
func (sh *shard) bytes() int {
	return sh.log.bytes() + sh.index.bytes + sh.evict.ghost.bytes() + sh.log.wires.entries*wireCost
}

// footprint returns the memory that the shard needs: bytes, without the parts of slabs that are not in use.
func (sh *shard) footprint() int {
	return sh.log.footprint() + sh.index.bytes + sh.evict.ghost.bytes() + sh.log.wires.entries*wireCost
}

// await waits until the operation that has the lock is over.
func (sh *shard) await() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
}

// clear removes everything, for good if close is set, and returns what verify found. The
// caller holds the lock.
func (sh *shard) clear(close bool) (violation string) {
	sh.closed = sh.closed || close
	sh.verifyAll()
	sh.forgetWires()
	sh.index.clear()
	sh.log.clear()
	sh.evict.ghost = ghost{}
	sh.evict.giveBack()
	violation, sh.violation = sh.violation, ""
	return violation
}

// The hash functions are seeded at random for each cache, so that nobody can choose keys
// that collide.
func (s *store) hash(key string) uint64      { return maphash.String(s.seed, key) & s.hashMask }
func (s *store) hashBytes(key []byte) uint64 { return maphash.Bytes(s.seed, key) & s.hashMask }
