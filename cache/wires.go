package cache

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

func init() {
	local.AddWires = func(ctx context.Context, c any, master string, first uint64, slots, keys []string, ttl time.Duration) ([]error, bool) {
		cache := c.(*Cache)
		wirer, ok := cache.core.driver.(local.Wirer)
		if !ok {
			return nil, false
		}
		return cache.addWires(ctx, wirer, master, first, slots, keys, ttl), true
	}
}

// addWires adds the keys of items under the keys of slots, one error for each. Hooks see it
// as the Add or AddMulti that it is on other backends.
func (c *Cache) addWires(ctx context.Context, w local.Wirer, master string, first uint64, slots, keys []string, ttl time.Duration) []error {
	if c.bare != nil {
		if len(slots) == 1 {
			ctx, s := c.start(ctx, OpAdd, slots[0])
			errs := c.bare.addWires(ctx, w, master, first, slots, keys, ttl)
			s.end(ctx, len(keys[0]), failure(errs[0]))
			return errs
		}
		ctx, s := c.startMulti(ctx, OpAddMulti, len(slots))
		errs := c.bare.addWires(ctx, w, master, first, slots, keys, ttl)
		b, bytes := newBatch(len(slots)), 0
		for i, err := range errs {
			bytes += len(keys[i])
			if err := failure(err); err != nil {
				b.note(slots[i], err)
			}
		}
		s.endWrite(ctx, bytes, b.err(OpAddMulti))
		return errs
	}
	errs := make([]error, len(slots))
	for i := range slots {
		errs[i] = c.addWire(ctx, w, master, first+uint64(i), slots[i], keys[i], ttl)
	}
	return errs
}

// failure returns err, or nil if the item was evicted instead: an eviction is reported by
// statistics.
func failure(err error) error {
	if err == local.ErrEvicted {
		return nil
	}
	return err
}

func (c *Cache) addWire(ctx context.Context, w local.Wirer, master string, number uint64, slot, key string, ttl time.Duration) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	var encoded [3]string
	for i, k := range []string{master, slot, key} {
		var err error
		if encoded[i], err = c.valid(k); err != nil {
			return err
		}
	}
	return w.AddWire(local.Wire{
		Entry:  driver.Entry{Key: encoded[1], Value: []byte(key), TTL: ttl, Kind: c.kind},
		Master: encoded[0], Item: encoded[2], Number: number,
	})
}
