package peers

import (
	"time"

	"github.com/maypok86/otter/v2"
)

const (
	otterModule = "github.com/maypok86/otter/v2"
	otterBeyond = "loaders that run once for many callers, refresh ahead of expiry, expiry after access or by a function, " +
		"weights, typed keys and values without encoding, iteration, saving to disk"
	coarse = 10 * time.Millisecond
)

var (
	otterPlain = Peer{
		Name: "otter", Module: otterModule, Beyond: otterBeyond, Expires: true, PerEntry: true,
		Config:      "`ExpiryWriting`, its default clock, no bound",
		New:         func(s Sizing) Cache { return newOtter(s, false) },
		NewCounters: func(n int, ttl time.Duration) Counters { return newOtterCounters(ttl, false) },
	}
	otterCoarse = Peer{
		Name: "otter-coarse", Module: otterModule, Beyond: otterBeyond, Expires: true, PerEntry: true,
		Config:      "`ExpiryWriting`, `CoarseClock` of 10 ms, no bound",
		New:         func(s Sizing) Cache { return newOtter(s, true) },
		NewCounters: func(n int, ttl time.Duration) Counters { return newOtterCounters(ttl, true) },
	}
	otterBounded = Peer{
		Name: "otter-coarse-max", Module: otterModule, Beyond: otterBeyond, Expires: true, PerEntry: true, Evicts: true,
		Config: "the same with `MaximumSize`",
		New: func(s Sizing) Cache {
			if !s.Bounded {
				s.Bounded, s.Entries = true, s.Entries+s.Entries/4
			}
			return newOtter(s, true)
		},
		NewCounters: func(n int, ttl time.Duration) Counters { return newOtterCounters(ttl, true) },
	}
)

type otterCache struct {
	cache *otter.Cache[string, []byte]
	clock *otter.CoarseClock
}

func newOtter(s Sizing, coarseClock bool) *otterCache {
	c := &otterCache{}
	o := &otter.Options[string, []byte]{}
	if s.TTL > 0 {
		o.ExpiryCalculator = otter.ExpiryWriting[string, []byte](s.TTL)
	}
	if s.Bounded {
		o.MaximumSize = s.Entries
	}
	if coarseClock {
		c.clock = otter.NewCoarseClock(coarse)
		o.Clock = c.clock
	}
	if s.Inline {
		o.Executor = func(f func()) { f() }
	}
	c.cache = otter.Must(o)
	return c
}

func (c *otterCache) Worker() Worker { return c }
func (c *otterCache) Settle()        { c.cache.CleanUp() }
func (c *otterCache) Len() int       { return c.cache.EstimatedSize() }

func (c *otterCache) Close() {
	c.cache.StopAllGoroutines()
	if c.clock != nil {
		c.clock.Stop()
	}
}

func (c *otterCache) Get(key string) []byte {
	v, _ := c.cache.GetIfPresent(key)
	return v
}

func (c *otterCache) Set(key string, value []byte) { c.cache.Set(key, value) }

func (c *otterCache) SetFor(key string, value []byte, ttl time.Duration) {
	c.cache.Set(key, value)
	c.cache.SetExpiresAfter(key, ttl)
}

func (c *otterCache) Delete(key string) { c.cache.Invalidate(key) }

func (c *otterCache) Add(key string, value []byte) bool {
	_, stored := c.cache.SetIfAbsent(key, value)
	return stored
}

// otterCounters are typed numbers, as otter can hold them.
type otterCounters struct {
	cache *otter.Cache[string, uint64]
	clock *otter.CoarseClock
}

func newOtterCounters(ttl time.Duration, coarseClock bool) *otterCounters {
	c := &otterCounters{}
	o := &otter.Options[string, uint64]{ExpiryCalculator: otter.ExpiryCreating[string, uint64](ttl)}
	if coarseClock {
		c.clock = otter.NewCoarseClock(coarse)
		o.Clock = c.clock
	}
	c.cache = otter.Must(o)
	return c
}

func (c *otterCounters) Incr(key string) uint64 {
	n, _ := c.cache.Compute(key, func(n uint64, _ bool) (uint64, otter.ComputeOp) { return n + 1, otter.WriteOp })
	return n
}

func (c *otterCounters) Close() {
	c.cache.StopAllGoroutines()
	if c.clock != nil {
		c.clock.Stop()
	}
}
