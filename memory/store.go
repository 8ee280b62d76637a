package memory

import (
	"bytes"
	"context"
	"hash/maphash"
	"math"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/key"
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
	_ key.AnyGetter  = (*store)(nil)
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
	return int(min(part, math.MaxInt)) // on 32 bits no shard holds more
}

func (s *store) shard(hash uint64) *shard { return &s.shards[hash&s.mask] }

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

// moment is now, precise if a short TTL is to be reckoned from it. From a coarse reading
// an entry may expire earlier by the age of that, 10 ms as a rule; a store then takes
// 0.8 of the time (go run . -memory speed, in internal/benchmarks).
func (s *store) moment(ttl time.Duration) int64 {
	if ttl > 0 && ttl < longTTL {
		return s.clock.precise()
	}
	return s.clock.now()
}

// longTTL is from when on 10 ms do not matter.
const longTTL = time.Minute

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
	if len(v) > 20 {
		return 0, false // more digits than 64 bits have, be they zeros
	}
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

// GetsAnyKey: no stored key is illegal, so looking for one that is finds nothing.
func (*store) GetsAnyKey() {}

// Ping has nobody to ask.
func (s *store) Ping(context.Context) error { return nil }
