package memory

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"math"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

// store is the driver.
type store struct {
	shards   []shard // a power of two
	mask     uint64
	seed     maphash.Seed
	hashMask uint64 // all ones; tests force collisions with less
	trailer  int    // bytes after each record: 0, or a checksum's
	largest  int    // no record may be longer
	clock    clock

	interval  int64 // Config.BucketInterval
	lookEvery int64
	nextLook  atomic.Int64
	sweeping  sync.Mutex // guards the next three
	sweepAt   int        // the shard
	lookBegan int64
	lastSlice int64

	entries, bytes *room // the bounds
	wires          wires
	counters       counters
}

var (
	_ driver.Cache         = (*store)(nil)
	_ driver.Swapper       = (*store)(nil)
	_ driver.Toucher       = (*store)(nil)
	_ driver.Pinger        = (*store)(nil)
	_ driver.StatsReporter = (*store)(nil)
	_ local.Cache          = (*store)(nil)
	_ local.Wirer          = (*store)(nil)
)

func newStore(c Config) *store {
	n := shardCount(c)
	s := &store{
		shards:   make([]shard, n),
		mask:     uint64(n - 1),
		seed:     maphash.MakeSeed(),
		hashMask: ^uint64(0),
		largest:  math.MaxInt,
		interval: int64(c.BucketInterval),
		entries:  newRoom(c.MaxEntries, n),
		bytes:    newRoom(c.MaxBytes, n),
	}
	of := log{perShard: 16, smallest: minSlab, extra: 4 << 20 / n}
	if c.MaxBytes > 0 {
		s.largest = int(min(c.MaxBytes/2, math.MaxInt))
		of.perShard, of.smallest = 256, minSlab/4 // at the smallest bound five of minSlab are a third of it
	}
	if c.CheckReads {
		s.trailer = checksumSize
	}
	s.clock.start()
	s.lookEvery = lookPeriod(c.BucketInterval, c.Buckets)
	for i := range s.shards {
		sh := &s.shards[i]
		sh.store = s
		sh.log = of
		sh.log.dir, sh.log.trailer = &sh.dir, s.trailer
		sh.evict.sh = sh
		s.entries.join(&sh.evict.entries)
		s.bytes.join(&sh.evict.bytes)
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

func (s *store) shard(hash uint64) *shard { return &s.shards[hash&s.mask] }

// Get implements [driver.Cache].
func (s *store) Get(_ context.Context, key string) ([]byte, error) { return s.Lookup(key) }

// Has reports whether a key is present.
func (s *store) Has(key string) bool { return s.search(s.hash(key), key) != nil }

// The token is the record itself, whose header names the state: nothing is allocated
// for it.
//
// A miss is confirmed once no Flush is in progress. A Flush removes the entries of one shard
// after those of another: without that, a Delete of package dependency would find no master,
// and return, while an item that is wired to it can still be read.
func (s *store) GetItem(_ context.Context, key string) (driver.Item, error) {
	hash := s.hash(key)
	r := s.search(hash, key)
	if r == nil {
		s.shard(hash).await()
		r = s.search(hash, key)
	}
	s.counters.note(r != nil)
	if r == nil {
		return driver.Item{}, driver.ErrMiss
	}
	it := driver.Item{Value: r.value(), Kind: r.header().kind(), TTLKnown: true, Token: r}
	if d := r.deadline(); d < forever {
		it.TTL = s.clock.left(d)
	}
	return it, nil
}

// hold locks the shard of a key and returns the entry of the key, present if it has not
// expired. release must follow.
func (s *store) hold(hash uint64, key string) (sh *shard, e entry, present bool) {
	sh = s.shard(hash)
	sh.mu.Lock()
	e = sh.find(hash, key)
	if e.found() {
		present = e.rec.deadline() > s.clock.horizon.Load() || sh.decide(e.rec)
	}
	return sh, e, present
}

// decide reports whether r has not expired; until release, readers wait for what comes
// of it: see store.unexpired.
func (sh *shard) decide(r *record) (present bool) {
	sh.deciding.Store(true)
	return !sh.store.clock.passed(r.deadline())
}

// release unlocks what hold locked, and does a slice of the maintenance.
func (s *store) release(sh *shard, now int64) {
	if sh.deciding.Load() {
		sh.deciding.Store(false)
	}
	belowShare := sh.belowShare
	sh.belowShare = false
	sh.unlock()
	if now >= s.nextLook.Load() {
		s.sweep(now)
	}
	if belowShare {
		s.rebalance(sh)
	}
}

// moment is now, precise if a short TTL counts from it. From a coarse reading
// an entry may expire earlier by the age of that, 10 ms as a rule; a store then takes
// 0.75 of the time (a set with a TTL of 10 minutes against one of 30 seconds).
func (s *store) moment(ttl time.Duration) int64 {
	if ttl > 0 && ttl < longTTL {
		return s.clock.soon()
	}
	return s.clock.now()
}

const (
	// longTTL is from when on 10 ms do not matter.
	longTTL = time.Minute

	// largeValue is from what length on reserve looks at a value; no room is so small
	// that a shorter one is large.
	largeValue = 64 << 10
)

func (s *store) Store(_ context.Context, mode driver.Mode, v driver.Entry) error {
	hash := s.hash(v.Key)
	now := s.moment(v.TTL)
	if len(v.Value) >= largeValue {
		s.reserve(hash, v.Key, len(v.Value))
	}
	sh, e, present := s.hold(hash, v.Key)
	var err error
	if mode == driver.Add && present || mode == driver.Replace && !present {
		err = driver.ErrNotStored
	} else {
		err = sh.put(e, present, hash, &v, deadline(now, v.TTL), 0)
	}
	s.release(sh, now)
	return err
}

func (s *store) Delete(_ context.Context, key string) error {
	hash, now := s.hash(key), s.clock.now()
	sh, e, present := s.hold(hash, key)
	err := sh.delete(e, present)
	s.release(sh, now)
	return err
}

func (s *store) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return s.count(key, delta, false)
}

func (s *store) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return s.count(key, delta, true)
}

func (s *store) count(key string, delta uint64, down bool) (n uint64, err error) {
	hash, now := s.hash(key), s.clock.now()
	sh, e, present := s.hold(hash, key)
	if present {
		n, err = sh.count(e, hash, key, delta, down)
	} else {
		err = driver.ErrMiss
	}
	s.release(sh, now)
	return n, err
}

func (s *store) CompareAndSwap(_ context.Context, t any, v driver.Entry) error {
	hash, now := s.hash(v.Key), s.moment(v.TTL)
	if len(v.Value) >= largeValue {
		s.reserve(hash, v.Key, len(v.Value))
	}
	sh, e, present := s.hold(hash, v.Key)
	err := e.matches(t, present)
	if err == nil {
		err = sh.put(e, true, hash, &v, deadline(now, v.TTL), used)
	}
	s.release(sh, now)
	return err
}

func (s *store) CompareAndDelete(_ context.Context, key string, t any) error {
	hash, now := s.hash(key), s.clock.now()
	sh, e, present := s.hold(hash, key)
	err := e.matches(t, present)
	if err == nil {
		err = sh.delete(e, true)
	}
	s.release(sh, now)
	return err
}

// matches returns nil if e is in the state that t names.
func (e entry) matches(t any, present bool) error {
	if !present {
		return driver.ErrMiss
	}
	r, ok := t.(*record)
	if !ok {
		return driver.ErrConflict
	}
	// The same record, or one that was moved. That one must have the same value as
	// well, since versions begin again after 2^24 stores.
	if r != e.rec && (r.header() != e.rec.header() || !bytes.Equal(r.value(), e.rec.value())) {
		return driver.ErrConflict
	}
	return nil
}

// GetAndTouch marks the record whose bytes it returns as read, so that they stay.
func (s *store) GetAndTouch(_ context.Context, key string, ttl time.Duration) (value []byte, err error) {
	hash, now := s.hash(key), s.moment(ttl)
	sh, e, present := s.hold(hash, key)
	s.counters.note(present)
	err = driver.ErrMiss
	if present {
		sh.verify(e.rec)
		value = e.rec.value()
		inPlace := e.w&read == 0
		if err = sh.touch(e, hash, key, deadline(now, ttl)); err != nil {
			value = nil
		} else if inPlace {
			sh.markRead(&e)
		}
	}
	s.release(sh, now)
	return value, err
}

// Touch makes a new state of the key.
func (s *store) Touch(_ context.Context, key string, ttl time.Duration) error {
	hash, now := s.hash(key), s.moment(ttl)
	sh, e, present := s.hold(hash, key)
	err := driver.ErrMiss
	if present {
		err = sh.touch(e, hash, key, deadline(now, ttl))
	}
	s.release(sh, now)
	return err
}

func (s *store) Flush(context.Context) error {
	s.clear(false)
	return nil
}

func (s *store) Close() error {
	s.clock.stop()
	s.clear(true)
	return nil
}

// clear removes everything, for good if close is set, and then panics with what verify
// found. It locks all shards at once: a wire must not go with its shard while an item that
// was stored meanwhile stays in another.
func (s *store) clear(close bool) {
	for i := range s.shards {
		s.shards[i].mu.Lock()
	}
	violation := ""
	for i := range s.shards {
		violation = cmp.Or(violation, s.shards[i].clear(close))
	}
	for i := range s.shards {
		s.shards[i].mu.Unlock()
	}
	if violation != "" {
		panic(violation)
	}
}

// Ping always returns nil.
func (s *store) Ping(context.Context) error { return nil }
