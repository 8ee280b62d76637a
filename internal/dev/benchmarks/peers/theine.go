package peers

import (
	"time"

	"github.com/Yiling-J/theine-go"
)

var theinePeer = Peer{
	Name: "theine", Module: "github.com/Yiling-J/theine-go", Expires: true, PerEntry: true, Evicts: true, TickerTTL: true,
	Config: "`NewBuilder(entries)`, cost 1 for each entry",
	Beyond: "loaders that run once for many callers, a second tier, costs given by the caller, typed values, saving to disk",
	New: func(s Sizing) Cache {
		limit := int64(s.Entries)
		if !s.Bounded {
			limit += limit / 4
		}
		return &theineCache{must(theine.NewBuilder[string, []byte](limit).Build()), s.TTL, s.Inline}
	},
}

type theineCache struct {
	cache  *theine.Cache[string, []byte]
	ttl    time.Duration
	inline bool
}

func (c *theineCache) Worker() Worker { return c }
func (c *theineCache) Settle()        { c.cache.Wait() }
func (c *theineCache) Len() int       { return c.cache.Len() }
func (c *theineCache) Close()         { c.cache.Close() }

func (c *theineCache) Get(key string) []byte {
	v, _ := c.cache.Get(key)
	return v
}

func (c *theineCache) Set(key string, value []byte) { c.SetFor(key, value, c.ttl) }

func (c *theineCache) SetFor(key string, value []byte, ttl time.Duration) {
	c.cache.SetWithTTL(key, value, 1, ttl)
	if c.inline {
		c.cache.Wait()
	}
}

func (c *theineCache) Delete(key string) { c.cache.Delete(key) }
