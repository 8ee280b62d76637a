package peers

import (
	"time"

	"github.com/dgraph-io/ristretto/v2"
)

var ristrettoPeer = Peer{
	Name: "ristretto", Module: "github.com/dgraph-io/ristretto/v2", Expires: true, PerEntry: true, Evicts: true, TickerTTL: true,
	Config: "`NumCounters` 10x the entries, `BufferItems` 64, cost 1 for each entry, metrics off, expiry ticker of 1 s",
	Beyond: "costs given by the caller, values of any type, callbacks on eviction and rejection",
	New: func(s Sizing) Cache {
		limit := int64(s.Entries)
		if !s.Bounded {
			limit *= 2
		}
		c := must(ristretto.NewCache(&ristretto.Config[string, []byte]{
			NumCounters:            10 * int64(s.Entries),
			MaxCost:                limit,
			BufferItems:            64,
			IgnoreInternalCost:     true,
			TtlTickerDurationInSec: 1,
		}))
		return &ristrettoCache{c, s.TTL, s.Inline}
	},
}

type ristrettoCache struct {
	cache  *ristretto.Cache[string, []byte]
	ttl    time.Duration
	inline bool
}

func (c *ristrettoCache) Worker() Worker { return c }
func (c *ristrettoCache) Settle()        { c.cache.Wait() }
func (c *ristrettoCache) Len() int       { return int(c.cache.MaxCost() - c.cache.RemainingCost()) }
func (c *ristrettoCache) Close()         { c.cache.Close() }

func (c *ristrettoCache) Get(key string) []byte {
	v, _ := c.cache.Get(key)
	return v
}

func (c *ristrettoCache) Set(key string, value []byte) { c.SetFor(key, value, c.ttl) }

func (c *ristrettoCache) SetFor(key string, value []byte, ttl time.Duration) {
	c.cache.SetWithTTL(key, value, 1, ttl)
	if c.inline {
		c.cache.Wait()
	}
}

func (c *ristrettoCache) Delete(key string) { c.cache.Del(key) }
