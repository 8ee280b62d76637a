package peers

import (
	"context"
	"encoding/binary"
	"time"

	"github.com/VictoriaMetrics/fastcache"
	"github.com/allegro/bigcache/v3"
	"github.com/cespare/xxhash/v2"
	"github.com/coocood/freecache"
)

// The caches of this file copy entries into rings of bytes. Readers of the first two
// bring a buffer that is used again.

var fastcachePeer = Peer{
	Name: "fastcache", Module: "github.com/VictoriaMetrics/fastcache",
	Config: "room for every store of the run, `Get` into a buffer that is used again",
	Beyond: "memory outside of the Go heap, values of many megabytes, saving to disk; it has no TTL, no add and no count",
	New: func(s Sizing) Cache {
		entry := s.KeySize + s.ValueSize + 4
		return &fastcacheCache{fastcache.New((s.Entries*3/2 + s.Overwrites) * entry)}
	},
}

type fastcacheCache struct{ cache *fastcache.Cache }

func (c *fastcacheCache) Worker() Worker { return &fastcacheWorker{c.cache, make([]byte, 0, 4096)} }
func (c *fastcacheCache) Settle()        {}
func (c *fastcacheCache) Close()         { c.cache.Reset() }

func (c *fastcacheCache) Len() int {
	var s fastcache.Stats
	c.cache.UpdateStats(&s)
	return int(s.EntriesCount)
}

type fastcacheWorker struct {
	cache *fastcache.Cache
	buf   []byte
}

func (w *fastcacheWorker) Get(key string) []byte {
	v, ok := w.cache.HasGet(w.buf[:0], raw(key))
	if !ok {
		return nil
	}
	return v
}

func (w *fastcacheWorker) Set(key string, value []byte) { w.cache.Set(raw(key), value) }
func (w *fastcacheWorker) Delete(key string)            { w.cache.Del(raw(key)) }

var freecachePeer = Peer{
	Name: "freecache", Module: "github.com/coocood/freecache", Expires: true, PerEntry: true, TickerTTL: true,
	Config:      "sized for the entries, its cached timer, `GetWithBuf`",
	Beyond:      "a fixed block of memory taken once, an update function under the lock of a key",
	New:         func(s Sizing) Cache { return newFreecache(s.Entries, s.KeySize+s.ValueSize, s.TTL) },
	NewCounters: func(n int, ttl time.Duration) Counters { return newFreecache(n, 32, ttl) },
}

// freecacheDefault asks the system for the time, as freecache does unless it is told
// otherwise.
var freecacheDefault = Peer{
	Name: "freecache-default", Module: "github.com/coocood/freecache", Expires: true, PerEntry: true, TickerTTL: true,
	Config: "the same with its default timer",
	Beyond: freecachePeer.Beyond,
	New: func(s Sizing) Cache {
		return &freecacheCache{freecache.NewCache(freecacheBytes(s.Entries, s.KeySize+s.ValueSize)), nil, seconds(s.TTL)}
	},
}

type freecacheCache struct {
	cache   *freecache.Cache
	timer   freecache.StoppableTimer
	seconds int
}

func newFreecache(entries, size int, ttl time.Duration) *freecacheCache {
	timer := freecache.NewCachedTimer()
	return &freecacheCache{freecache.NewCacheCustomTimer(freecacheBytes(entries, size), timer), timer, seconds(ttl)}
}

// freecacheBytes has room for a few more entries than the mean in each of 256 segments.
func freecacheBytes(entries, size int) int {
	return entries*(freecache.ENTRY_HDR_SIZE+size)*21/20 + 1<<20
}

func seconds(ttl time.Duration) int { return int((ttl + time.Second - 1) / time.Second) }

func (c *freecacheCache) Worker() Worker { return &freecacheWorker{c, make([]byte, 4096)} }
func (c *freecacheCache) Settle()        {}
func (c *freecacheCache) Len() int       { return int(c.cache.EntryCount()) }

func (c *freecacheCache) Close() {
	if c.timer != nil {
		c.timer.Stop()
	}
}

// Incr keeps the number as eight bytes.
func (c *freecacheCache) Incr(key string) (n uint64) {
	_, _, err := c.cache.Update(raw(key), func(v []byte, found bool) ([]byte, bool, int) {
		if !found {
			v = make([]byte, 8)
		}
		n = binary.LittleEndian.Uint64(v) + 1
		binary.LittleEndian.PutUint64(v, n)
		return v, true, c.seconds
	})
	check(err)
	return n
}

type freecacheWorker struct {
	*freecacheCache
	buf []byte
}

func (w *freecacheWorker) Get(key string) []byte {
	v, err := w.cache.GetWithBuf(raw(key), w.buf)
	if err != nil {
		return nil
	}
	return v
}

func (w *freecacheWorker) Set(key string, value []byte) {
	check(w.cache.Set(raw(key), value, w.seconds))
}

func (w *freecacheWorker) SetFor(key string, value []byte, ttl time.Duration) {
	check(w.cache.Set(raw(key), value, seconds(ttl)))
}

func (w *freecacheWorker) Delete(key string) { w.cache.Del(raw(key)) }

func (w *freecacheWorker) Add(key string, value []byte) bool {
	present, err := w.cache.GetOrSet(raw(key), value, w.seconds)
	check(err)
	return present == nil
}

var bigcachePeer = Peer{
	Name: "bigcache", Module: "github.com/allegro/bigcache/v3", Expires: true, TickerTTL: true,
	Config: "1,024 shards sized for the entries, no limit, xxhash, clean-up each second",
	Beyond: "appending to a value; one TTL for all entries, no add and no count",
	New: func(s Sizing) Cache {
		return &bigcacheCache{must(bigcache.New(context.Background(), bigcache.Config{
			Shards:             1024,
			LifeWindow:         s.TTL,
			CleanWindow:        time.Second,
			MaxEntriesInWindow: s.Entries,
			MaxEntrySize:       s.KeySize + s.ValueSize + 24,
			Hasher:             xx{},
		}))}
	},
}

type xx struct{}

func (xx) Sum64(s string) uint64 { return xxhash.Sum64String(s) }

type bigcacheCache struct{ cache *bigcache.BigCache }

func (c *bigcacheCache) Worker() Worker { return c }
func (c *bigcacheCache) Settle()        {}
func (c *bigcacheCache) Len() int       { return c.cache.Len() }
func (c *bigcacheCache) Close()         { check(c.cache.Close()) }

func (c *bigcacheCache) Get(key string) []byte {
	v, err := c.cache.Get(key)
	if err != nil {
		return nil
	}
	return v
}

func (c *bigcacheCache) Set(key string, value []byte) { check(c.cache.Set(key, value)) }

func (c *bigcacheCache) Delete(key string) {
	if err := c.cache.Delete(key); err != nil && err != bigcache.ErrEntryNotFound {
		panic(err)
	}
}
