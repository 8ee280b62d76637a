package memory

import (
	"context"
	"hash/maphash"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// store is the driver.
type store struct {
	shards   []shard // a power of two
	mask     uint64
	seed     maphash.Seed
	hashMask uint64 // all ones; tests force collisions with less
	slabs    int    // about how many slabs a shard is divided into
	trailer  int    // bytes after each record: 0, or a checksum's
	clock    clock

	interval  int64 // Config.BucketInterval
	lookEvery int64
	nextLook  atomic.Int64
	sweeping  sync.Mutex // guards the next three
	sweepAt   int        // the shard
	lookBegan int64
	lastSlice int64

	garbage  garbage
	counters counters
}

var (
	_ driver.Cache   = (*store)(nil)
	_ driver.Swapper = (*store)(nil)
	_ driver.Toucher = (*store)(nil)
	_ driver.Pinger  = (*store)(nil)
	_ driver.Statser = (*store)(nil)
)

func newStore(c Config) *store {
	n := shardCount(c)
	s := &store{
		shards:   make([]shard, n),
		mask:     uint64(n - 1),
		seed:     maphash.MakeSeed(),
		hashMask: ^uint64(0),
		slabs:    32,
		interval: int64(c.BucketInterval),
		garbage:  garbage{least: 64 << 20, part: 1},
	}
	if c.CheckReads {
		s.trailer = checksumSize
	}
	if c.MaxBytes > 0 {
		s.slabs = 128
		s.garbage = garbage{least: 8 << 20, part: 20, strict: true}
	}
	s.clock.start()
	s.lookEvery = lookPeriod(c.BucketInterval, c.Buckets)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.store = s
		sh.evict.maxBytes = share(c.MaxBytes, n, i)
		sh.evict.maxEntries = share(c.MaxEntries, n, i)
	}
	return s
}

// shardCount is enough for writers of all processors to seldom meet, but leaves each
// shard of a bounded cache a size that evens out.
func shardCount(c Config) int {
	n := 32
	for n < 8*runtime.GOMAXPROCS(0) && n < 256 {
		n *= 2
	}
	for n > 1 && (c.MaxEntries > 0 && c.MaxEntries/int64(n) < 1024 || c.MaxBytes > 0 && c.MaxBytes/int64(n) < 16<<20) {
		n /= 2
	}
	return n
}

// share is the i-th of n parts of a bound.
func share(bound int64, n, i int) int {
	part := bound / int64(n)
	if int64(i) < bound%int64(n) {
		part++
	}
	return int(part)
}

func (s *store) shard(hash uint64) *shard { return &s.shards[hash&s.mask] }

// get returns the record of a key that has not expired, and counts the hit or the miss.
//
// It has the common case of search in itself: the key lies in its first group,
// behind the first tag that is equal, and was read before; or its first group says that it is
// not there. search alone would do; with the short way a hit takes 0.8 of the time.
func (s *store) get(key string) *record {
	hash := s.hash(key)
	sh := s.shard(hash)
	var r *record
	if t := sh.tables[partOf(hash)].Load(); t != nil {
		group := &t.groups[t.first(hash)]
		control := atomic.LoadUint64(&group[0])
		if m := matches(control, tagOf(hash)); m != 0 {
			word := &group[slotOf(m)&7]
			w := atomic.LoadUint64(word)
			if (w^hash)&hashMask|w&(live|read|busy) == live|read {
				slot := sh.dir.slot(slabOf(w))
				if slab := slot.Load(); atomic.LoadUint64(word) == w && slot.Load() == slab && slab != nil {
					if r = slab.record(offsetOf(w)); r.hasKey(key) {
						goto found
					}
				}
			}
		} else if control < overflow {
			goto missed
		}
		if r = s.search(hash, key); r != nil {
			goto found
		}
	}
missed:
	s.counters.stripe().misses.Add(1)
	return nil
found:
	if r.deadline() <= s.clock.horizon.Load() {
		if r = s.unexpired(hash, key, r); r == nil {
			goto missed
		}
	}
	if s.trailer > 0 {
		s.verify(r)
	}
	s.counters.stripe().hits.Add(1)
	return r
}

// unexpired returns r, which search gave for the key, if it has not expired.
//
// A writer may find that an entry has not, be held up, and change it after its
// deadline. A reader in between must not say that it is gone: then no order of the
// two explains what they answered. So writers show when they are about to decide, and
// a reader that sees an expired entry looks whether it is still the one.
func (s *store) unexpired(hash uint64, key string, r *record) *record {
	for r != nil && s.clock.passed(r.deadline()) {
		if sh := s.shard(hash); sh.deciding.Load() {
			sh.wait()
		}
		again := s.search(hash, key)
		if again == r {
			return nil
		}
		r = again
	}
	return r
}

// search looks for a key without a lock. The record it returns never changes.
//
// Why that is safe: a slab leaves the directory only after every word that names it
// has left the index, its number is given away only then, and no slab enters the
// directory twice. So if the directory gave the same slab before and after the word
// was seen in its place, it was that slab that the word named. The flag read, set
// before the first byte is looked at, keeps writers from changing the record in
// place from then on. And the words of a table that was replaced are all overwritten.
func (s *store) search(hash uint64, key string) *record {
	sh := s.shard(hash)
again:
	t := sh.tables[partOf(hash)].Load()
	if t == nil {
		return nil
	}
	g := t.first(hash)
	for range t.groups {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		for m := matches(control, tagOf(hash)); m != 0; m &= m - 1 {
			word := &group[slotOf(m)&7]
			w := atomic.LoadUint64(word)
			if w == gone || w&(live|busy) == live|busy {
				sh.wait()
				goto again
			}
			if (w^hash)&hashMask|w&live != live {
				continue
			}
			slot := sh.dir.slot(slabOf(w))
			slab := slot.Load()
			if !atomic.CompareAndSwapUint64(word, w, w|read) || slot.Load() != slab || slab == nil {
				goto again
			}
			if r := slab.record(offsetOf(w)); r.hasKey(key) {
				return r
			}
		}
		if control < overflow {
			break
		}
		if control == moved {
			sh.wait()
			goto again
		}
		g = t.next(g)
	}
	return nil
}

// wait waits for the writer that is at work.
func (sh *shard) wait() {
	sh.mu.Lock()
	//lint:ignore SA2001 the lock is what is waited for
	sh.mu.Unlock()
}

func (s *store) Get(_ context.Context, key string) ([]byte, error) {
	if r := s.get(key); r != nil {
		return r.value(), nil
	}
	return nil, driver.ErrMiss
}

// The token is the record itself, whose header names the state: nothing is allocated
// for it.
func (s *store) GetItem(_ context.Context, key string) (driver.Item, error) {
	r := s.get(key)
	if r == nil {
		return driver.Item{}, driver.ErrMiss
	}
	return driver.Item{Value: r.value(), Kind: r.header().kind(), Token: r}, nil
}

// update runs f under the lock of the key's shard with the entry of the key, present
// if it has not expired, and does a slice of the upkeep after.
func (s *store) update(key string, now int64, f func(sh *shard, e entry, present bool, hash uint64) error) error {
	err := s.locked(key, f)
	if now >= s.nextLook.Load() {
		s.sweep(now)
	}
	s.garbage.wait()
	return err
}

func (s *store) locked(key string, f func(sh *shard, e entry, present bool, hash uint64) error) error {
	hash := s.hash(key)
	sh := s.shard(hash)
	sh.mu.Lock()
	defer sh.mu.Unlock() // CheckReads may panic
	if sh.closed {
		return driver.ErrClosed
	}
	e := sh.find(hash, key)
	present := e.found()
	if present && e.rec.deadline() <= s.clock.horizon.Load() {
		sh.deciding.Store(true)
		defer sh.deciding.Store(false)
		present = !s.clock.passed(e.rec.deadline())
	}
	return f(sh, e, present, hash)
}

// moment is now, precise if a deadline is to be reckoned from it.
func (s *store) moment(ttl time.Duration) int64 {
	if ttl > 0 {
		return s.clock.precise()
	}
	return s.clock.now()
}

func (s *store) Store(_ context.Context, mode driver.Mode, v driver.Entry) error {
	if mode == driver.Add {
		// Without the lock, an Add of a key that is present takes 0.6 of the time.
		if r := s.search(s.hash(v.Key), v.Key); r != nil && !s.clock.passed(r.deadline()) {
			return driver.ErrNotStored
		}
	}
	now := s.moment(v.TTL)
	return s.update(v.Key, now, func(sh *shard, e entry, present bool, hash uint64) error {
		if mode == driver.Add && present || mode == driver.Replace && !present {
			return driver.ErrNotStored
		}
		return sh.set(e, present, hash, v, now)
	})
}

// set is put with what goes with it.
func (sh *shard) set(e entry, present bool, hash uint64, v driver.Entry, now int64) error {
	size := headerSize + len(v.Key) + len(v.Value) + sh.store.trailer
	if len(v.Value) > maxValue || sh.evict.maxBytes > 0 && size > sh.evict.maxBytes/2 {
		return driver.ErrTooLarge
	}
	if err := sh.put(e, hash, v.Key, v.Value, deadline(now, v.TTL), v.Kind); err != nil {
		return err
	}
	if e.found() && !present {
		sh.expired++
	}
	sh.settle(size)
	return nil
}

func (s *store) Delete(_ context.Context, key string) error {
	return s.update(key, s.clock.now(), func(sh *shard, e entry, present bool, _ uint64) error {
		return sh.delete(e, present)
	})
}

func (sh *shard) delete(e entry, present bool) error {
	if !e.found() {
		return driver.ErrMiss
	}
	sh.remove(e)
	if e.table.sparse() {
		sh.tidy()
	}
	if !present {
		sh.expired++
		return driver.ErrMiss
	}
	return nil
}

func (s *store) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return s.count(key, func(n uint64) uint64 { return n + delta })
}

func (s *store) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return s.count(key, func(n uint64) uint64 { return n - min(n, delta) })
}

// count stores the digits as any value: while their number stays the same and nobody
// reads them, in place.
func (s *store) count(key string, f func(uint64) uint64) (n uint64, err error) {
	err = s.update(key, s.clock.now(), func(sh *shard, e entry, present bool, hash uint64) error {
		if !present {
			return driver.ErrMiss
		}
		old, ok := parseDigits(e.rec.value())
		if !ok {
			return driver.ErrNotNumber
		}
		n = f(old)
		var digits [20]byte
		v := strconv.AppendUint(digits[:0], n, 10)
		h := e.rec.header()
		if err := sh.put(e, hash, key, v, h.deadline, h.kind()); err != nil {
			return err
		}
		sh.settle(len(v))
		return nil
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// parseDigits reads decimal digits and nothing else.
func parseDigits(v []byte) (n uint64, ok bool) {
	for _, c := range v {
		d := uint64(c - '0')
		if d > 9 || n > (1<<64-1-d)/10 {
			return 0, false
		}
		n = n*10 + d
	}
	return n, len(v) > 0
}

func (s *store) CompareAndSwap(_ context.Context, t any, v driver.Entry) error {
	now := s.moment(v.TTL)
	return s.update(v.Key, now, func(sh *shard, e entry, present bool, hash uint64) error {
		if err := e.is(t, present); err != nil {
			return err
		}
		return sh.set(e, present, hash, v, now)
	})
}

func (s *store) CompareAndDelete(_ context.Context, key string, t any) error {
	return s.update(key, s.clock.now(), func(sh *shard, e entry, present bool, _ uint64) error {
		if err := e.is(t, present); err != nil {
			return err
		}
		return sh.delete(e, present)
	})
}

// is returns nil if e is in the state that t names.
func (e entry) is(t any, present bool) error {
	if !present {
		return driver.ErrMiss
	}
	if r, ok := t.(*record); !ok || r.header() != e.rec.header() {
		return driver.ErrConflict
	}
	return nil
}

// Touch stores the value again: to a Swapper it is a change.
func (s *store) Touch(_ context.Context, key string, ttl time.Duration) error {
	now := s.moment(ttl)
	return s.update(key, now, func(sh *shard, e entry, present bool, hash uint64) error {
		if !present {
			return driver.ErrMiss
		}
		return sh.set(e, present, hash, driver.Entry{
			Key: key, Value: e.rec.value(), TTL: ttl, Kind: e.rec.header().kind(),
		}, now)
	})
}

func (s *store) Flush(context.Context) error {
	for i := range s.shards {
		s.shards[i].clear(false)
	}
	return nil
}

func (s *store) Close() error {
	for i := range s.shards {
		s.shards[i].clear(true)
	}
	s.clock.stop()
	return nil
}

// Ping has nobody to ask.
func (s *store) Ping(context.Context) error { return nil }
