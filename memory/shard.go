package memory

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// shard holds the keys of a part of the hashes. Gets take no lock: see store.lookup.
// Everything else is done under the lock.
type shard struct {
	// Read by lock-free readers, kept away from what writers change.
	tables [parts]atomic.Pointer[table]
	dir    directory
	_      [64]byte

	deciding atomic.Bool // see store.unexpired; writers set it only near deadlines

	mu      sync.Mutex
	store   *store
	closed  bool
	version uint64 // counts the states of all keys

	numbers     numbers
	main, small queue // without bounds all slabs are in main
	victim      *slab // being compacted
	rotation    int   // where the search for the next victim begins
	tableBytes  int
	entries     int
	evict       evictor
	expire      expirer

	sets, expired, evictedEntries, evictedBytes uint64
	_                                           [64]byte
}

// entry is where an entry was found, under the lock.
type entry struct {
	table *table
	group uint64
	index int // of the word in the group; 0: not found
	slab  *slab
	rec   *record
}

func (e *entry) found() bool   { return e.index != 0 }
func (e *entry) word() *uint64 { return &e.table.groups[e.group][e.index] }

// find looks for a key, under the lock.
func (sh *shard) find(hash uint64, key string) entry {
	e := entry{table: sh.tables[partOf(hash)].Load()}
	e.group, e.index = e.table.find(hash, func(w uint64) bool {
		e.slab = sh.dir.get(slabOf(w))
		e.rec = e.slab.record(offsetOf(w))
		return e.rec.hasKey(key)
	})
	return e
}

// at returns the entry whose record is r, at an offset of s, unless that is dead.
func (sh *shard) at(s *slab, offset int, r *record) entry {
	hash := sh.store.hashBytes(r.key())
	e := entry{table: sh.tables[partOf(hash)].Load(), slab: s, rec: r}
	place := placeOf(s.id, offset)
	e.group, e.index = e.table.find(hash, func(w uint64) bool { return w&placeMask == place })
	return e
}

// put stores a new state of a key. e is what find gave for it.
func (sh *shard) put(e entry, hash uint64, key string, value []byte, deadline uint64, kind driver.Kind) error {
	sh.version++
	h := newHeader(deadline, sh.version, kind, len(key), len(value))
	if e.found() && sh.overwrite(e, h, value) {
		sh.sets++
		return nil
	}
	q := sh.queueFor(e)
	size := headerSize + len(key) + len(value) + sh.store.trailer
	s, offset, err := sh.allocate(q, size)
	if err != nil {
		return err
	}
	r := s.record(offset)
	r.setHeader(h)
	copy(s.data[offset+headerSize:], key)
	copy(s.data[offset+headerSize+len(key):], value)
	sh.store.sign(r)
	s.note(deadline)
	w := hash&hashMask | placeOf(s.id, offset) | live
	if e.found() {
		atomic.StoreUint64(e.word(), w)
		sh.dead(e)
	} else {
		sh.insert(hash, w)
		sh.entries++
	}
	sh.sets++
	return nil
}

// overwrite changes a record in place, if no reader has or had its bytes and the new
// ones take as much room. Readers that come now see busy and wait for the lock.
func (sh *shard) overwrite(e entry, h header, value []byte) bool {
	if len(e.rec.value()) != len(value) {
		return false
	}
	w := atomic.LoadUint64(e.word())
	if w&read != 0 || !atomic.CompareAndSwapUint64(e.word(), w, w|busy) {
		return false
	}
	sh.store.verify(e.rec)
	e.rec.setHeader(h)
	copy(e.rec.value(), value)
	sh.store.sign(e.rec)
	e.slab.note(h.deadline)
	atomic.StoreUint64(e.word(), w)
	return true
}

// insert puts a word for a new key into the index.
func (sh *shard) insert(hash, w uint64) {
	table := &sh.tables[partOf(hash)]
	t := table.Load()
	if t == nil || t.full() {
		sh.rebuild(t)
		t = table.Load()
	}
	t.insert(w)
}

// remove takes an entry out of the index.
func (sh *shard) remove(e entry) {
	e.table.remove(e.group, e.index)
	sh.entries--
	sh.dead(e)
}

// tidy gives memory of the index back after removals; what was found before is void
// afterwards.
func (sh *shard) tidy() {
	for i := range sh.tables {
		if t := sh.tables[i].Load(); t != nil && t.sparse() {
			sh.rebuild(t)
		}
	}
}

// rebuild replaces a table, or none, by one of the right size, or by two.
func (sh *shard) rebuild(old *table) {
	if old == nil {
		old = &table{parts: parts} // of no size
	}
	replaced := old.split()
	old.moveTo(func(w uint64) *table { return replaced[old.half(w, len(replaced))] })
	for _, t := range replaced {
		sh.tableBytes += t.size()
		sh.store.garbage.hold(t.size())
		for i := range t.parts {
			sh.tables[t.part+i].Store(t)
		}
	}
	sh.tableBytes -= old.size()
	sh.store.garbage.drop(old.size())
}

// dead counts the record of e as dead and drops its slab if it was the last one.
func (sh *shard) dead(e entry) {
	sh.store.verify(e.rec)
	n := sh.size(e.rec)
	s := e.slab
	s.live -= n
	s.queue.live -= n
	s.queue.entries--
	if s.live == 0 && s != s.queue.open {
		sh.drop(s)
	}
}

func (sh *shard) size(r *record) int {
	return r.header().end() + sh.store.trailer
}

// allocate finds room for a record at the end of q.
func (sh *shard) allocate(q *queue, size int) (s *slab, offset int, err error) {
	s = q.open
	if s == nil || s.used+size > len(s.data) {
		n := sh.slabSize()
		if size > max(n/8, minSlab/4) {
			n = size // a slab of its own
		}
		s = &slab{data: slices.Grow([]byte(nil), n), first: forever}
		s.data = s.data[:cap(s.data)]
		if !sh.number(s) {
			return nil, 0, errFull
		}
		q.push(s)
		sh.store.garbage.hold(len(s.data))
		if n != size {
			if o := q.open; o != nil && o.live == 0 {
				sh.drop(o)
			}
			q.open = s
		}
	}
	offset = s.used
	s.used += size
	s.live += size
	q.live += size
	q.entries++
	return s, offset, nil
}

// slabSize grows with the shard: a small cache has small slabs.
func (sh *shard) slabSize() int {
	n := minSlab
	for total := sh.bytes(); n < maxSlab && n*sh.store.slabs < total; {
		n *= 2
	}
	return n
}

// bytes is what the shard holds, dead records and all.
func (sh *shard) bytes() int {
	return sh.main.bytes + sh.small.bytes + sh.tableBytes + sh.evict.ghost.bytes()
}

// drop leaves a slab to the garbage collector.
func (sh *shard) drop(s *slab) {
	if s.queue.open == s {
		s.queue.open = nil
	}
	s.queue.live -= s.live
	s.queue.remove(s)
	sh.freeNumber(s)
	sh.store.garbage.drop(len(s.data))
}

// relocate moves a record to the end of q.
func (sh *shard) relocate(e entry, q *queue) error {
	size := sh.size(e.rec)
	s, offset, err := sh.allocate(q, size)
	if err != nil {
		return err
	}
	copy(s.data[offset:], e.rec.bytes(0, size))
	s.note(e.rec.deadline())
	w := atomic.LoadUint64(e.word())
	atomic.StoreUint64(e.word(), w&hashMask|placeOf(s.id, offset)|live)
	sh.dead(e)
	return nil
}

// walk calls visit with each record of s from offset on, dead or alive, until limit
// bytes were passed or s was dropped, and returns where it stopped.
func (sh *shard) walk(s *slab, offset, limit int, visit func(offset int, r *record)) int {
	for end := min(offset+limit, s.used); offset < end && s.queue != nil; {
		r := s.record(offset)
		n := sh.size(r)
		visit(offset, r)
		offset += n
	}
	return offset
}

// clear removes everything, for good if close is set.
func (sh *shard) clear(close bool) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.closed = sh.closed || close
	sh.verifyAll()
	for i := range sh.tables {
		if t := sh.tables[i].Swap(nil); t != nil {
			t.moveTo(nil)
		}
	}
	sh.store.garbage.drop(sh.tableBytes)
	for _, q := range []*queue{&sh.main, &sh.small} {
		for q.head != nil {
			sh.drop(q.head)
		}
		q.entries = 0
	}
	sh.tableBytes, sh.entries, sh.victim = 0, 0, nil
	sh.evict.ghost = ghost{}
}

// hash functions: seeded at random for each cache, so that nobody can choose keys that
// collide.
func (s *store) hash(key string) uint64      { return maphash.String(s.seed, key) & s.hashMask }
func (s *store) hashBytes(key []byte) uint64 { return maphash.Bytes(s.seed, key) & s.hashMask }
