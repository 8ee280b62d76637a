package cache

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/keyrule"
)

// Get returns the value of key, or ErrMiss. The bytes may be shared with other callers and
// must not be modified. The cache never modifies them.
func (c *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpGet, key)
		v, err := c.bare.Get(ctx, key)
		s.end(ctx, len(v), err)
		return v, err
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if !c.plain() {
		key = c.encoded(key)
	}
	if c.near != nil {
		if v, kept := c.near.Lookup(key); kept {
			return v, nil
		}
	}
	if c.core.local != nil {
		v, err := c.core.local.Lookup(key)
		if err == ErrInvalidKey {
			err = invalidKey(key)
		}
		return v, err
	}
	if !keyrule.Valid(key) {
		return nil, invalidKey(key)
	}
	if c.near != nil {
		return c.near.Get(ctx, key)
	}
	return c.core.driver.Get(ctx, key)
}

// GetAndTouch is Get and Touch in one atomic operation: it returns the value of key and
// gives it a new TTL (0 means no expiry). Not every backend supports it; see
// [Cache.Supports].
func (c *Cache) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpGetAndTouch, key)
		v, err := c.bare.GetAndTouch(ctx, key, ttl)
		s.end(ctx, len(v), err)
		return v, err
	}
	key, err := c.prepare(ctx, key)
	if err != nil {
		return nil, err
	}
	if err := checkTTL(ttl); err != nil {
		return nil, err
	}
	if c.core.touch == nil {
		return c.touchBySwap(ctx, OpGetAndTouch, key, ttl)
	}
	return c.core.touch.GetAndTouch(ctx, key, ttl)
}

// Touch gives key a new TTL (0 means no expiry) without sending the value, or returns
// ErrMiss. Not every backend supports it; see [Cache.Supports].
func (c *Cache) Touch(ctx context.Context, key string, ttl time.Duration) error {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpTouch, key)
		err := c.bare.Touch(ctx, key, ttl)
		s.end(ctx, 0, err)
		return err
	}
	key, err := c.prepare(ctx, key)
	if err != nil {
		return err
	}
	if err := checkTTL(ttl); err != nil {
		return err
	}
	if c.core.touch == nil {
		_, err := c.touchBySwap(ctx, OpTouch, key, ttl)
		return err
	}
	return c.core.touch.Touch(ctx, key, ttl)
}

// touchBySwap stores the value again with the new TTL, if it has not changed since it was
// read. It is for drivers that can swap and not touch.
func (c *Cache) touchBySwap(ctx context.Context, op Op, key string, ttl time.Duration) ([]byte, error) {
	if c.core.swap == nil {
		return nil, c.unsupported(op)
	}
	for range maxAttempts {
		it, err := c.core.swap.GetItem(ctx, key)
		if err != nil {
			return nil, err
		}
		err = c.core.swap.CompareAndSwap(ctx, it.Token, driver.Entry{Key: key, Value: it.Value, TTL: ttl, Kind: it.Kind})
		if err == nil {
			return it.Value, nil
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	return nil, c.gaveUp(op)
}
