package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

const larderModule = "github.com/larder-go/larder"

// Larder is measured through all of its public path: a cache.Cache over package
// memory, with a context, and errors for misses.
var (
	larder = Peer{
		Name: "larder", Module: larderModule, Larder: true, Expires: true, PerEntry: true,
		Config:      "`memory.Config{}`, `context.Background()`",
		New:         func(s Sizing) Cache { return newLarder(s, context.Background()) },
		NewCounters: newLarderCounters,
	}
	larderCancel = Peer{
		Name: "larder-cancel", Module: larderModule, Larder: true, Expires: true, PerEntry: true,
		Config: "`memory.Config{}`, a context that can be canceled",
		New: func(s Sizing) Cache {
			ctx, cancel := context.WithCancel(context.Background())
			c := newLarder(s, ctx)
			c.cancel = cancel
			return c
		},
		NewCounters: newLarderCounters,
	}
	larderBounded = Peer{
		Name: "larder-max", Module: larderModule, Larder: true, Expires: true, PerEntry: true, Evicts: true,
		Config: "`MaxEntries` set, so that its eviction policy is at work",
		New: func(s Sizing) Cache {
			if !s.Bounded {
				s.Bounded, s.Entries = true, s.Entries+s.Entries/4
			}
			return newLarder(s, context.Background())
		},
		NewCounters: newLarderCounters,
	}
	larderBytes = Peer{
		Name: "larder-bytes", Module: larderModule, Larder: true, Expires: true, PerEntry: true,
		Config: "`MaxBytes` set to twice what the entries take, or to what they take where entries are to be evicted",
		New: func(s Sizing) Cache {
			bytes := int64(s.Entries) * int64(s.KeySize+s.ValueSize+40)
			if !s.Bounded {
				bytes = 2*bytes + 4<<20
			}
			return &larderCache{cache: must(memory.New(memory.Config{MaxBytes: bytes})), ctx: context.Background(), ttl: s.TTL}
		},
	}
)

type larderCache struct {
	cache  *cache.Cache
	ctx    context.Context
	cancel context.CancelFunc
	ttl    time.Duration
}

func newLarder(s Sizing, ctx context.Context) *larderCache {
	var config memory.Config
	if s.Bounded {
		config.MaxEntries = int64(s.Entries)
	}
	return &larderCache{cache: must(memory.New(config)), ctx: ctx, ttl: s.TTL}
}

func (c *larderCache) Worker() Worker { return c }
func (c *larderCache) Settle()        {}

func (c *larderCache) Len() int {
	return int(must(c.cache.Stats(c.ctx)).Entries)
}

// Stats are the cache's own counts.
func (c *larderCache) Stats() cache.Stats { return must(c.cache.Stats(c.ctx)) }

func (c *larderCache) Close() {
	check(c.cache.Close())
	if c.cancel != nil {
		c.cancel()
	}
}

func (c *larderCache) Get(key string) []byte {
	v, err := c.cache.Get(c.ctx, key)
	if err != nil {
		if !errors.Is(err, cache.ErrMiss) {
			panic(err)
		}
		return nil
	}
	return v
}

func (c *larderCache) Set(key string, value []byte) { c.SetFor(key, value, c.ttl) }

func (c *larderCache) SetFor(key string, value []byte, ttl time.Duration) {
	check(c.cache.Set(c.ctx, key, value, ttl))
}

func (c *larderCache) Delete(key string) {
	if err := c.cache.Delete(c.ctx, key); err != nil && !errors.Is(err, cache.ErrMiss) {
		panic(err)
	}
}

func (c *larderCache) Add(key string, value []byte) bool {
	err := c.cache.Add(c.ctx, key, value, c.ttl)
	if err != nil && !errors.Is(err, cache.ErrNotStored) {
		panic(err)
	}
	return err == nil
}

type larderCounters struct {
	cache *cache.Cache
	ttl   time.Duration
}

func newLarderCounters(_ int, ttl time.Duration) Counters {
	return &larderCounters{must(memory.New(memory.Config{})), ttl}
}

func (c *larderCounters) Incr(key string) uint64 {
	ctx := context.Background()
	n, err := c.cache.Increment(ctx, key, 1)
	if err != nil {
		return must(c.cache.IncrementFrom(ctx, key, 1, 0, c.ttl))
	}
	return n
}

func (c *larderCounters) Close() { check(c.cache.Close()) }

func check(err error) {
	if err != nil {
		panic(fmt.Sprintf("benchmarks: %v", err))
	}
}

func must[T any](v T, err error) T {
	check(err)
	return v
}
