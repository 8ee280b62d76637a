package memory

import (
	"context"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"maps"
	"sync"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

// A wire is an entry that package dependency stores: it names an item, and deleting its
// master removes the item. If a wire were evicted before its item, the item would survive
// that. So in a cache with a bound
//
//   - a wire stays while its item may be there, and a master while it has wires: they lie
//     in a queue from which eviction does not choose;
//   - stores look through that queue, a few entries each, and remove the wires whose items
//     have gone, and the masters without wires;
//   - when wires take most of a shard, an item is evicted instead of being wired;
//   - a key that is wired to its master already gets no second wire: the first is renewed.
//
// An item, its wires and their masters lie in different shards, which are locked one
// after the other. Two things make that safe. A wire is removed only after a search for the
// hash of its item has found nothing: an item stored before the wire was made has gone by
// then, and one stored later needs a wire made later. And a wire is counted for its
// master before package dependency confirms that the master is there; if the master was
// removed before that, dependency begins again.

// AddWire implements [local.Wirer].
func (s *store) AddWire(w local.Wire) error {
	if s.entries == nil && s.bytes == nil {
		return s.Store(context.Background(), driver.Add, w.Entry)
	}
	ref := wireRef{item: s.fullHash(w.Item), master: s.fullHash(w.Master)}
	now := s.moment(w.Entry.TTL)
	until := deadline(now, w.Entry.TTL)
	s.wires.claim(ref.master) // so that the master stays from now on
	defer s.wires.release(ref.master)
	there, ok := s.pin(ref.master, w.Master, now)
	if !there && !s.mayHave(ref.item) {
		return local.ErrEvicted
	}
	if !ok {
		return s.evictUnwired(w.Item, now)
	}
	if s.renew(ref, w.Number, until, now) {
		return nil
	}
	hash := s.fullHash(w.Entry.Key)
	sh, e, present := s.hold(hash&s.hashMask, w.Entry.Key)
	if present {
		s.release(sh, now)
		return driver.ErrNotStored
	}
	if sh.fullOfWires() {
		s.release(sh, now)
		return s.evictUnwired(w.Item, now)
	}
	err := sh.putWire(e, hash, &w, until, ref)
	s.release(sh, now)
	return err
}

// putWire stores a wire. e was found for its key and has expired, if it is there.
func (sh *shard) putWire(e entry, hash uint64, w *local.Wire, until uint64, ref wireRef) error {
	h := newHeader(until, sh.version+1, w.Entry.Kind, len(w.Entry.Key), len(w.Entry.Value))
	size, err := sh.write(&sh.log.wires, e, hash&sh.store.hashMask, h, &w.Entry, wire, &ref)
	if err != nil {
		return err
	}
	sh.version++
	if e.found() {
		sh.expired++
		sh.dead(e)
	}
	sh.store.wires.add(ref, wireID{hash, w.Number})
	sh.settle(size)
	return nil
}

// pin moves a master that is there to the queue of wires. It reports false for ok if that has
// no room.
func (s *store) pin(hash uint64, master string, now int64) (there, ok bool) {
	sh, e, there := s.hold(hash&s.hashMask, master)
	ok = true
	if there && sh.slab(e).queue != &sh.log.wires {
		if ok = !sh.fullOfWires(); ok {
			sh.move(e, &sh.log.wires)
		}
	}
	s.release(sh, now)
	return there, ok
}

// mayHave reports false only if no key of that hash was in the cache throughout the call.
func (s *store) mayHave(hash uint64) bool {
	hash &= s.hashMask
	return s.shard(hash).index.mayHave(hash)
}

// renew gives the wire between an item and its master a new state and a later deadline, and
// reports whether there is one. One of a higher number belongs to a master that was
// deleted since: the count of the present one does not include it.
func (s *store) renew(ref wireRef, number, until uint64, now int64) bool {
	id, ok := s.wires.find(ref)
	if !ok || id.number > number {
		return false
	}
	hash := id.hash & s.hashMask
	sh := s.shard(hash)
	sh.mu.Lock()
	e := sh.findWire(hash, ref)
	ok = e.found() && !s.clock.passed(e.rec.deadline())
	if ok {
		ok = sh.touch(e, hash, string(e.rec.key()), max(until, e.rec.deadline())) == nil
	}
	s.release(sh, now)
	return ok
}

// findWire looks for a wire by the hash of its key.
func (sh *shard) findWire(hash uint64, ref wireRef) entry {
	var found entry
	sh.index.each(hash, func(word *uint64, w uint64) bool {
		if r := recordAt(sh.dir.slot(slabOf(w)).Load(), offsetOf(w)); r.is(wire) && sh.ref(r) == ref {
			found = entry{word, w, r}
		}
		return !found.found()
	})
	return found
}

// evictUnwired evicts an item for whose wire there is no room.
func (s *store) evictUnwired(item string, now int64) error {
	sh, e, _ := s.hold(s.hash(item), item)
	defer s.release(sh, now)
	if !e.found() {
		return local.ErrEvicted
	}
	if sh.slab(e).queue == &sh.log.wires {
		return errWires // it has wires
	}
	sh.evict.evict(e, sh.evict.reason())
	sh.index.shrink()
	return local.ErrEvicted
}

// errWires is returned when a master is to be wired, and there is no room for the wire.
var errWires = &driver.Error{Driver: name, Op: driver.OpAdd, Err: fmt.Errorf("%w: there is no room for more wires of package dependency", driver.ErrTooLarge)}

// review looks at a few entries in the queue of wires, and removes those that are of no
// use. It goes on for longer where it finds many.
func (sh *shard) review() {
	const (
		most   = 16 // entries looked at
		useful = 2  // entries found useful in a row
	)
	l := &sh.log
	p := &l.reviewing
	for looked, kept := 0, 0; looked < most && kept < useful; looked++ {
		if p.slab == nil {
			p.slab = l.wires.head
		} else if p.offset >= p.slab.end() {
			*p = place{slab: p.slab.next}
		}
		s := p.slab
		if s == nil || p.offset >= s.end() {
			continue
		}
		offset, r := p.offset, s.record(p.offset)
		p.offset += l.size(r)
		if r.is(dead) {
			continue
		}
		switch e := sh.at(s, offset, r); {
		case sh.store.clock.passed(r.deadline()):
			sh.expire(e)
		case sh.needed(r):
			kept++
		default:
			sh.evict.evict(e, sh.evict.reason())
			kept = 0
		}
	}
}

// needed reports whether the item of a wire may be there, or whether a master has wires.
func (sh *shard) needed(r *record) bool {
	s := sh.store
	if r.is(wire) {
		return s.mayHave(sh.ref(r).item)
	}
	return s.wires.wired(maphash.Bytes(s.seed, r.key()))
}

// fullOfWires reports whether wires take as much of the shard as they may.
func (sh *shard) fullOfWires() bool {
	q := &sh.log.wires
	return sh.evict.entries.exceeds(q.entries+1, wireShare, 4) ||
		sh.evict.bytes.exceeds(sh.wireBytes()+sh.log.slabSize(), wireShare, 4)
}

// wireBytes returns the memory that wires and their masters take.
func (sh *shard) wireBytes() int { return sh.log.wires.footprint() + sh.log.wires.entries*wireCost }

// forgetWires forgets the wires of the shard.
func (sh *shard) forgetWires() {
	l := &sh.log
	for s := l.wires.head; s != nil; s = s.next {
		for offset := 0; offset < s.end(); {
			r := s.record(offset)
			if r.is(wire) && !r.is(dead) {
				sh.forgetWire(r)
			}
			offset += l.size(r)
		}
	}
}

// forgetWire removes a wire from the counts of its master.
func (sh *shard) forgetWire(r *record) {
	sh.store.wires.remove(sh.ref(r), maphash.Bytes(sh.store.seed, r.key()))
}

// fullHash is not masked: tests in which the hashes of all keys collide must not take one
// item for another.
func (s *store) fullHash(key string) uint64 { return maphash.String(s.seed, key) }

// wireRef says what a wire connects, by the hashes of the keys.
type wireRef struct{ item, master uint64 }

const (
	wireRefSize = 16

	// wireCost is the memory of a wire beside its record: its places in the maps below,
	// with what maps leave free.
	wireCost = 80

	// wireShare bounds the part of a shard that wires may take, in quarters.
	wireShare = 3
)

// ref returns what a wire connects.
func (sh *shard) ref(r *record) wireRef {
	b := r.bytes(r.header().end()+sh.log.trailer, wireRefSize)
	return wireRef{binary.NativeEndian.Uint64(b), binary.NativeEndian.Uint64(b[8:])}
}

func (sh *shard) setRef(r *record, ref wireRef) {
	b := r.bytes(r.header().end()+sh.log.trailer, wireRefSize)
	binary.NativeEndian.PutUint64(b, ref.item)
	binary.NativeEndian.PutUint64(b[8:], ref.master)
}

// wires counts the wires of each master, and knows which wire connects an item and a
// master. Its locks are taken last: a goroutine that holds one takes no other.
type wires struct{ stripes [16]wireStripe }

type wireStripe struct {
	mu      sync.Mutex
	masters map[uint64]int32   // wires and claims, by the hash of the master
	made    map[wireRef]wireID // the last wire that was made
	peak    int                // of made
}

// wireID is the hash of the key of a wire, and which of its master's wires it is.
type wireID struct{ hash, number uint64 }

// lock returns the stripe of a master, locked.
func (w *wires) lock(master uint64) *wireStripe {
	s := &w.stripes[master>>32%uint64(len(w.stripes))]
	s.mu.Lock()
	if s.masters == nil {
		s.masters, s.made = map[uint64]int32{}, map[wireRef]wireID{}
	}
	return s
}

// claim keeps a master, like a wire, until release.
func (w *wires) claim(master uint64) {
	s := w.lock(master)
	defer s.mu.Unlock()
	s.masters[master]++
}

func (w *wires) release(master uint64) {
	s := w.lock(master)
	defer s.mu.Unlock()
	s.uncount(master)
}

// add counts a wire that was made.
func (w *wires) add(ref wireRef, id wireID) {
	s := w.lock(ref.master)
	defer s.mu.Unlock()
	s.masters[ref.master]++
	s.made[ref] = id
	s.peak = max(s.peak, len(s.made))
}

// remove forgets a wire with the key of that hash.
func (w *wires) remove(ref wireRef, hash uint64) {
	s := w.lock(ref.master)
	defer s.mu.Unlock()
	s.uncount(ref.master)
	if s.made[ref].hash == hash {
		delete(s.made, ref)
	}
	// A map keeps the room of what was deleted.
	if s.peak > 256 && len(s.made) < s.peak/4 {
		s.peak = len(s.made)
		s.made = maps.Collect(maps.All(s.made))
		s.masters = maps.Collect(maps.All(s.masters))
	}
}

func (s *wireStripe) uncount(master uint64) {
	if n := s.masters[master] - 1; n > 0 {
		s.masters[master] = n
	} else {
		delete(s.masters, master)
	}
}

// find returns the last wire that was made between an item and a master.
func (w *wires) find(ref wireRef) (wireID, bool) {
	s := w.lock(ref.master)
	defer s.mu.Unlock()
	id, ok := s.made[ref]
	return id, ok
}

// wired reports whether a master has wires or is claimed.
func (w *wires) wired(master uint64) bool {
	s := w.lock(master)
	defer s.mu.Unlock()
	return s.masters[master] > 0
}
