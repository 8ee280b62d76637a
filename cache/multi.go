package cache

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// GetMulti returns the values of those keys that are present; absent keys are not in the
// map. Keys may repeat. If some keys cannot be fetched, GetMulti returns the values of the
// others together with a *MultiError that names them.
func (c *Cache) GetMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpGetMulti, distinct(keys))
		values, err := c.bare.GetMulti(ctx, keys)
		s.endRead(ctx, len(values), totalLen(values), err)
		return values, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	b := c.batch(keys)
	values := make(map[string][]byte, len(b.keys))
	switch {
	case len(b.keys) == 0:
	case c.core.batch != nil || c.near != nil:
		found, errs := c.getMulti(ctx, b.keys)
		b.failAll(errs)
		for i, v := range found {
			if v != nil {
				values[b.originals[i]] = v
			}
		}
	default:
		b.each(ctx, func(i int, key string) error {
			v, err := c.core.driver.Get(ctx, key)
			if err == nil {
				values[b.originals[i]] = v
			}
			return ignoreMiss(err)
		})
	}
	forget(b.failed, values)
	return values, b.err(OpGetMulti)
}

// getMulti needs a near or a batcher.
func (c *Cache) getMulti(ctx context.Context, keys []string) (values [][]byte, errs []error) {
	if c.near != nil {
		return c.near.GetMulti(ctx, keys)
	}
	return c.core.batch.GetMulti(ctx, keys)
}

// SetMulti stores every value, with ttl. Everything that can be stored is; a *MultiError
// names the keys that were not.
func (c *Cache) SetMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, driver.Set, values, ttl)
}

// AddMulti is like SetMulti, but stores only the keys that are absent. The *MultiError
// names the others with ErrNotStored.
func (c *Cache) AddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, driver.Add, values, ttl)
}

// ReplaceMulti is like SetMulti, but stores only the keys that are present. The
// *MultiError names the others with ErrNotStored.
func (c *Cache) ReplaceMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, driver.Replace, values, ttl)
}

func (c *Cache) storeMulti(ctx context.Context, mode driver.Mode, values map[string][]byte, ttl time.Duration) error {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, mode.MultiOp(), len(values))
		err := c.bare.storeMulti(ctx, mode, values, ttl)
		s.endWrite(ctx, totalLen(values), err)
		return err
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if err := checkTTL(ttl); err != nil {
		return err
	}
	b := c.batch(slices.Collect(maps.Keys(values)))
	entry := func(i int) driver.Entry {
		return driver.Entry{Key: b.keys[i], Value: values[b.originals[i]], TTL: ttl, Kind: c.kind}
	}
	switch {
	case len(b.keys) == 0:
	case c.core.batch != nil:
		b.failAll(c.core.batch.StoreMulti(ctx, mode, b.entries(entry)))
	default:
		b.each(ctx, func(i int, key string) error {
			return c.core.driver.Store(ctx, mode, entry(i))
		})
	}
	return b.err(mode.MultiOp())
}

// DeleteMulti removes the keys. Unlike Delete, it returns no error for absent keys. A
// *MultiError names the keys that may still be present. Keys may repeat.
func (c *Cache) DeleteMulti(ctx context.Context, keys []string) error {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpDeleteMulti, distinct(keys))
		err := c.bare.DeleteMulti(ctx, keys)
		s.endWrite(ctx, 0, err)
		return err
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	b := c.batch(keys)
	switch {
	case len(b.keys) == 0:
	case c.core.batch != nil:
		for i, err := range c.core.batch.DeleteMulti(ctx, b.keys) {
			b.fail(i, ignoreMiss(err))
		}
	default:
		b.each(ctx, func(_ int, key string) error {
			return ignoreMiss(c.core.driver.Delete(ctx, key))
		})
	}
	return b.err(OpDeleteMulti)
}

// totalLen returns the length of all values together.
func totalLen(values map[string][]byte) int {
	n := 0
	for _, v := range values {
		n += len(v)
	}
	return n
}
