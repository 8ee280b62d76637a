package cache

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/keyrule"
)

// Set stores value under key. The value expires after ttl; 0 means no expiry. The cache
// keeps no reference to value.
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Set, key, value, ttl)
}

// Add is like Set, but stores only if key is absent, and otherwise returns ErrNotStored.
// If several callers race to add a key, exactly one succeeds.
func (c *Cache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Add, key, value, ttl)
}

// Replace is like Set, but stores only if key is present, and otherwise returns
// ErrNotStored.
func (c *Cache) Replace(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Replace, key, value, ttl)
}

func (c *Cache) store(ctx context.Context, mode driver.Mode, key string, value []byte, ttl time.Duration) error {
	if c.bare != nil {
		ctx, s := c.start(ctx, mode.Op(), key)
		err := c.bare.store(ctx, mode, key, value, ttl)
		s.end(ctx, len(value), err)
		return err
	}
	if err := c.ready(ctx); err != nil {
		return err
	}
	if !c.plain() {
		key = c.encoded(key)
	}
	if mode == driver.Add && ttl >= 0 && c.core.local != nil && c.core.local.Has(key) {
		return ErrNotStored // a key that is present is valid
	}
	if !keyrule.Valid(key) {
		return invalidKey(key)
	}
	if ttl < 0 {
		return checkTTL(ttl)
	}
	return c.core.driver.Store(ctx, mode, driver.Entry{Key: key, Value: value, TTL: ttl, Kind: c.kind})
}

// Delete removes key, or returns ErrMiss if it is absent.
func (c *Cache) Delete(ctx context.Context, key string) error {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpDelete, key)
		err := c.bare.Delete(ctx, key)
		s.end(ctx, 0, err)
		return err
	}
	key, err := c.prepare(ctx, key)
	if err != nil {
		return err
	}
	return c.core.driver.Delete(ctx, key)
}
