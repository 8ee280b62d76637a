package memory

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// shard holds the keys of a part of the hashes. Of gets, only the first of a record takes
// the lock, and those that meet a writer: see search. What changes anything is done under
// it.
type shard struct {
	// Read by lock-free readers, kept away from what writers change.
	tables [parts]atomic.Pointer[table]
	dir    directory
	_      [64]byte

	// What every store needs, in one cache line; TestLayout.
	mu       sync.Mutex
	deciding atomic.Bool // see store.unexpired; writers set it only near deadlines
	closed   bool        // looked at by append alone: the others find nothing
	version  uint64      // counts the stores, and so the states of all keys
	store    *store
	slabs    []*slab // by number, as in dir

	spoilt      string // what verify found; unlock panics with it
	numbers     numbers
	main, small queue // without bounds all slabs are in main
	victim      *slab // being compacted
	rotation    int   // where the search for the next victim begins
	tableBytes  int
	entries     int
	evict       evictor
	expire      expirer

	expired, evictedEntries, evictedBytes uint64
	_                                     [64]byte
}

// entry is where an entry was found, under the lock.
type entry struct {
	word *uint64 // in the index; nil: not found
	w    uint64  // what it says
	rec  *record
}

func (e entry) found() bool { return e.word != nil }

// slab returns where the record of e lies.
func (sh *shard) slab(e entry) *slab { return sh.slabs[slabOf(e.w)] }

// find looks for a key, under the lock.
func (sh *shard) find(hash uint64, key string) entry {
	t := sh.tables[partOf(hash)].Load()
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

// at returns the entry whose record is r, at an offset of s, unless that is dead.
func (sh *shard) at(s *slab, offset int, r *record) entry {
	hash := sh.store.hashBytes(r.key())
	if t := sh.tables[partOf(hash)].Load(); t != nil {
		if word := t.find(hash, placeOf(s.id, offset)); word != nil {
			return entry{word, atomic.LoadUint64(word), r}
		}
	}
	return entry{}
}

// put stores a new state of a key. e is what find gave for it, present if it has not
// expired. The deadline stands for v.TTL, which is not looked at.
func (sh *shard) put(e entry, present bool, hash uint64, v *driver.Entry, deadline uint64) error {
	h := newHeader(deadline, sh.version+1, v.Kind, len(v.Key), len(v.Value))
	if e.found() && e.fits(v.Value) {
		sh.overwrite(e, h, v.Value)
	} else if err := sh.append(e, hash, h, v); err != nil {
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
	return e.w&read == 0 && e.rec.header().valueLen() == len(value)
}

// overwrite changes a record in place; the value must fit. Readers that come now wait for
// the lock.
func (sh *shard) overwrite(e entry, h header, value []byte) {
	sh.verify(e.rec)
	e.rec.setHeader(h)
	copy(e.rec.value(), value)
	sh.sign(e.rec)
	sh.slab(e).note(h.deadline)
}

// append writes a record behind the others.
func (sh *shard) append(e entry, hash uint64, h header, v *driver.Entry) error {
	size := headerSize + len(v.Key) + len(v.Value) + sh.store.trailer
	if len(v.Value) > maxValue || sh.evict.maxBytes > 0 && size > sh.evict.maxBytes/2 {
		return driver.ErrTooLarge
	}
	if sh.closed {
		return driver.ErrClosed
	}
	s, offset, err := sh.allocate(sh.queueFor(e), size)
	if err != nil {
		return err
	}
	r := s.record(offset)
	r.setHeader(h)
	copy(s.data[offset+headerSize:], v.Key)
	copy(s.data[offset+headerSize+len(v.Key):], v.Value)
	sh.sign(r)
	s.note(h.deadline)
	w := hash&hashMask | placeOf(s.id, offset) | live
	if e.found() {
		atomic.StoreUint64(e.word, w)
		sh.dead(e)
	} else {
		sh.insert(hash, w)
		sh.entries++
	}
	sh.settle(size)
	return nil
}

func (sh *shard) delete(e entry, present bool) error {
	if !e.found() {
		return driver.ErrMiss
	}
	if sh.remove(e).sparse() {
		sh.tidy()
	}
	if !present {
		sh.expired++
		return driver.ErrMiss
	}
	return nil
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

// remove takes an entry out of the index, and returns the table that it was in.
func (sh *shard) remove(e entry) *table {
	t := sh.tables[partOf(e.w)].Load()
	t.remove(e.word)
	sh.entries--
	sh.dead(e)
	return t
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

// dead counts the record of e as dead. A slab without live records is dropped, but for the
// open one, which begins again unless somebody has read from it.
func (sh *shard) dead(e entry) {
	sh.verify(e.rec)
	n := sh.size(e.rec)
	s := sh.slab(e)
	s.live -= n
	s.queue.live -= n
	s.queue.entries--
	if s.live > 0 {
		return
	}
	if s != s.queue.open {
		sh.drop(s)
	} else if !s.shared {
		s.rewind()
		if sh.expire.slab == s {
			sh.expire.offset = 0 // it stopped amid records that are no more
		}
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
	for total := sh.bytes(); n < maxSlab && n*sh.store.perShard < total; {
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
	atomic.StoreUint64(e.word, e.w&hashMask|placeOf(s.id, offset)|live)
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

// clear removes everything, for good if close is set, and returns what was spoilt.
func (sh *shard) clear(close bool) (spoilt string) {
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
	spoilt, sh.spoilt = sh.spoilt, ""
	return spoilt
}

// hash functions: seeded at random for each cache, so that nobody can choose keys that
// collide.
func (s *store) hash(key string) uint64      { return maphash.String(s.seed, key) & s.hashMask }
func (s *store) hashBytes(key []byte) uint64 { return maphash.Bytes(s.seed, key) & s.hashMask }
