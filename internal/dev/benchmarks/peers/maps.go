package peers

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/expirable"
	"github.com/jellydator/ttlcache/v3"
	gocache "github.com/patrickmn/go-cache"
	"github.com/puzpuzpuz/xsync/v4"
	"github.com/viccon/sturdyc"
)

var goCachePeer = Peer{
	Name: "go-cache", Module: "github.com/patrickmn/go-cache", Expires: true, PerEntry: true,
	Config:      "clean-up ten times in a TTL",
	Beyond:      "values of any type, typed counters, saving to disk",
	New:         func(s Sizing) Cache { return &goCache{gocache.New(s.TTL, s.TTL/10)} },
	NewCounters: func(_ int, ttl time.Duration) Counters { return &goCache{gocache.New(ttl, ttl/10)} },
}

type goCache struct{ cache *gocache.Cache }

func (c *goCache) Worker() Worker { return c }
func (c *goCache) Settle()        {}
func (c *goCache) Len() int       { return c.cache.ItemCount() }
func (c *goCache) Close()         { c.cache.Flush() }

func (c *goCache) Get(key string) []byte {
	v, ok := c.cache.Get(key)
	if !ok {
		return nil
	}
	return v.([]byte)
}

func (c *goCache) Set(key string, value []byte) { c.cache.SetDefault(key, value) }

func (c *goCache) SetFor(key string, value []byte, ttl time.Duration) {
	c.cache.Set(key, value, ttl)
}

func (c *goCache) Delete(key string) { c.cache.Delete(key) }

func (c *goCache) Add(key string, value []byte) bool {
	return c.cache.Add(key, value, gocache.DefaultExpiration) == nil
}

func (c *goCache) Incr(key string) uint64 {
	n, err := c.cache.IncrementUint64(key, 1)
	if err == nil {
		return n
	}
	if c.cache.Add(key, uint64(1), gocache.DefaultExpiration) == nil {
		return 1
	}
	return must(c.cache.IncrementUint64(key, 1))
}

var ttlcachePeer = Peer{
	Name: "ttlcache", Module: "github.com/jellydator/ttlcache/v3", Expires: true, PerEntry: true,
	Config: "no touch on hit, its goroutine for expiry started",
	Beyond: "loaders, expiry after access, bounds by number or cost, callbacks, iteration, values of any type",
	New: func(s Sizing) Cache {
		c := ttlcache.New(
			ttlcache.WithTTL[string, []byte](s.TTL),
			ttlcache.WithDisableTouchOnHit[string, []byte](),
		)
		go c.Start()
		return &ttlCache{c}
	},
}

type ttlCache struct {
	cache *ttlcache.Cache[string, []byte]
}

func (c *ttlCache) Worker() Worker { return c }
func (c *ttlCache) Settle()        {}
func (c *ttlCache) Len() int       { return c.cache.Len() }
func (c *ttlCache) Close()         { c.cache.Stop() }

func (c *ttlCache) Get(key string) []byte {
	item := c.cache.Get(key)
	if item == nil {
		return nil
	}
	return item.Value()
}

func (c *ttlCache) Set(key string, value []byte) { c.cache.Set(key, value, ttlcache.DefaultTTL) }

func (c *ttlCache) SetFor(key string, value []byte, ttl time.Duration) {
	c.cache.Set(key, value, ttl)
}

func (c *ttlCache) Delete(key string) { c.cache.Delete(key) }

func (c *ttlCache) Add(key string, value []byte) bool {
	_, present := c.cache.GetOrSet(key, value)
	return !present
}

var lruPeer = Peer{
	Name: "lru-expirable", Module: "github.com/hashicorp/golang-lru/v2", Expires: true, Evicts: true,
	Config: "`expirable.NewLRU`",
	Beyond: "strict LRU order, keys in that order, a callback on eviction, values of any type; one TTL for all entries",
	New: func(s Sizing) Cache {
		limit := s.Entries
		if !s.Bounded {
			limit *= 2
		}
		return &lruCache{expirable.NewLRU[string, []byte](limit, nil, s.TTL)}
	},
}

type lruCache struct {
	cache *expirable.LRU[string, []byte]
}

func (c *lruCache) Worker() Worker { return c }
func (c *lruCache) Settle()        {}
func (c *lruCache) Len() int       { return c.cache.Len() }
func (c *lruCache) Close()         { c.cache.Purge() }

func (c *lruCache) Get(key string) []byte {
	v, _ := c.cache.Get(key)
	return v
}

func (c *lruCache) Set(key string, value []byte) { c.cache.Add(key, value) }
func (c *lruCache) Delete(key string)            { c.cache.Remove(key) }

var sturdycPeer = Peer{
	Name: "sturdyc", Module: "github.com/viccon/sturdyc", Expires: true, Evicts: true, TickerTTL: true,
	Config: "up to 128 shards, each swept once in a TTL, 10 % evicted at a time",
	Beyond: "loaders that run once for many callers, refresh in the background, batching of refreshes, a second tier, remembered absence; one TTL for all entries",
	New: func(s Sizing) Cache {
		limit := s.Entries
		if !s.Bounded {
			limit *= 2
		}
		shards := min(128, max(1, s.Entries/1000)) // so many entries each that none fills up early
		return &sturdycCache{sturdyc.New[[]byte](limit, shards, s.TTL, 10)}
	},
}

type sturdycCache struct{ cache *sturdyc.Client[[]byte] }

func (c *sturdycCache) Worker() Worker { return c }
func (c *sturdycCache) Settle()        {}
func (c *sturdycCache) Len() int       { return c.cache.Size() }
func (c *sturdycCache) Close()         {}

func (c *sturdycCache) Get(key string) []byte {
	v, _ := c.cache.Get(key)
	return v
}

func (c *sturdycCache) Set(key string, value []byte) { c.cache.Set(key, value) }
func (c *sturdycCache) Delete(key string)            { c.cache.Delete(key) }

var xsyncPeer = Peer{
	Name: "xsync.Map", Module: "github.com/puzpuzpuz/xsync/v4", Yardstick: true,
	Config: "no expiry, no bound, no statistics",
	New:    func(Sizing) Cache { return &xsyncMap{xsync.NewMap[string, []byte]()} },
	NewCounters: func(int, time.Duration) Counters {
		return &xsyncCounters{xsync.NewMap[string, uint64]()}
	},
}

type xsyncMap struct{ m *xsync.Map[string, []byte] }

func (c *xsyncMap) Worker() Worker { return c }
func (c *xsyncMap) Settle()        {}
func (c *xsyncMap) Len() int       { return c.m.Size() }
func (c *xsyncMap) Close()         { c.m.Clear() }

func (c *xsyncMap) Get(key string) []byte {
	v, _ := c.m.Load(key)
	return v
}

func (c *xsyncMap) Set(key string, value []byte) { c.m.Store(key, value) }
func (c *xsyncMap) Delete(key string)            { c.m.Delete(key) }

func (c *xsyncMap) Add(key string, value []byte) bool {
	_, present := c.m.LoadOrStore(key, value)
	return !present
}

type xsyncCounters struct{ m *xsync.Map[string, uint64] }

func (c *xsyncCounters) Incr(key string) uint64 {
	n, _ := c.m.Compute(key, func(n uint64, _ bool) (uint64, xsync.ComputeOp) { return n + 1, xsync.UpdateOp })
	return n
}

func (c *xsyncCounters) Close() { c.m.Clear() }

var mutexMapPeer = Peer{
	Name: "mutex+map", Yardstick: true,
	Config:      "`sync.Mutex` and `map[string][]byte`; no expiry, no bound, no statistics",
	New:         func(Sizing) Cache { return &mutexMap{m: map[string][]byte{}} },
	NewCounters: func(int, time.Duration) Counters { return &mutexCounters{m: map[string]uint64{}} },
}

type mutexMap struct {
	mu sync.Mutex
	m  map[string][]byte
}

func (c *mutexMap) Worker() Worker { return c }
func (c *mutexMap) Settle()        {}
func (c *mutexMap) Close()         {}

func (c *mutexMap) Len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.m)
}

func (c *mutexMap) Get(key string) []byte {
	c.mu.Lock()
	v := c.m[key]
	c.mu.Unlock()
	return v
}

func (c *mutexMap) Set(key string, value []byte) {
	c.mu.Lock()
	c.m[key] = value
	c.mu.Unlock()
}

func (c *mutexMap) Delete(key string) {
	c.mu.Lock()
	delete(c.m, key)
	c.mu.Unlock()
}

func (c *mutexMap) Add(key string, value []byte) bool {
	c.mu.Lock()
	_, present := c.m[key]
	if !present {
		c.m[key] = value
	}
	c.mu.Unlock()
	return !present
}

type mutexCounters struct {
	mu sync.Mutex
	m  map[string]uint64
}

func (c *mutexCounters) Incr(key string) uint64 {
	c.mu.Lock()
	n := c.m[key] + 1
	c.m[key] = n
	c.mu.Unlock()
	return n
}

func (c *mutexCounters) Close() {}
