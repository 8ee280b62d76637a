package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/key"
)

// Get returns the value of key, or ErrMiss. The bytes may be shared with other
// callers: do not write to them. They stay as they are for as long as they are held.
func (c *Cache) Get(ctx context.Context, k string) ([]byte, error) {
	if c.hook != nil {
		return c.getWatched(ctx, k)
	}
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if !c.plain() {
		k = c.encoded(k)
	}
	if c.core.checker == nil && !key.Legal(k) {
		return nil, invalidKey(k)
	}
	v, err := c.core.driver.Get(ctx, k)
	if err == nil {
		return v, nil
	}
	if err == ErrInvalidKey {
		err = invalidKey(k)
	}
	return nil, err
}

func (c *Cache) getWatched(ctx context.Context, key string) ([]byte, error) {
	ctx, s := c.start(ctx, OpGet, 1)
	bare := *c
	bare.hook = nil
	v, err := bare.Get(ctx, key)
	s.end(ctx, len(v), err)
	return v, err
}

// Set stores value under key for ttl (0: no expiry). The cache keeps no reference to
// value.
func (c *Cache) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Set, key, value, ttl)
}

// Add is Set if the key is absent; otherwise it answers ErrNotStored. Of many callers
// at once, one stores.
func (c *Cache) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Add, key, value, ttl)
}

// Replace is Set if the key is present; otherwise it answers ErrNotStored.
func (c *Cache) Replace(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return c.store(ctx, driver.Replace, key, value, ttl)
}

var storeOps = [...]Op{driver.Set: OpSet, driver.Add: OpAdd, driver.Replace: OpReplace}

func (c *Cache) store(ctx context.Context, mode driver.Mode, key string, value []byte, ttl time.Duration) error {
	if c.hook != nil {
		ctx, s := c.start(ctx, storeOps[mode], 1)
		err := c.storeEntry(ctx, mode, key, value, ttl)
		s.end(ctx, len(value), err)
		return err
	}
	return c.storeEntry(ctx, mode, key, value, ttl)
}

func (c *Cache) storeEntry(ctx context.Context, mode driver.Mode, k string, value []byte, ttl time.Duration) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if !c.plain() {
		k = c.encoded(k)
	}
	if mode == driver.Add && ttl >= 0 && c.core.checker != nil && c.core.checker.Has(k) {
		return ErrNotStored // and so k is legal
	}
	if !key.Legal(k) {
		return invalidKey(k)
	}
	if ttl < 0 {
		return checkTTL(ttl)
	}
	return c.core.driver.Store(ctx, mode, driver.Entry{Key: k, Value: value, TTL: ttl, Kind: c.kind})
}

// Delete removes key, or answers ErrMiss if it is absent.
func (c *Cache) Delete(ctx context.Context, key string) error {
	if c.hook != nil {
		ctx, s := c.start(ctx, OpDelete, 1)
		err := c.delete(ctx, key)
		s.end(ctx, 0, err)
		return err
	}
	return c.delete(ctx, key)
}

func (c *Cache) delete(ctx context.Context, key string) error {
	key, err := c.begin(ctx, key)
	if err != nil {
		return err
	}
	return c.core.driver.Delete(ctx, key)
}

// Increment adds delta to the decimal number at key and returns the sum, wrapping at
// 2^64. It is atomic and keeps the TTL. An absent key is ErrMiss; a value that is not
// a decimal number of 64 bits is ErrNotNumber. Get returns the digits, without
// padding.
func (c *Cache) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return c.count(ctx, OpIncrement, key, delta, nil)
}

// Decrement is Increment with a subtraction that stops at 0.
func (c *Cache) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return c.count(ctx, OpDecrement, key, delta, nil)
}

// IncrementInitial is Increment for a key that may be absent: it is then set to
// initial, with the TTL, and counted from there, so that the first call returns
// initial + delta. The TTL of a key that is present stays. A key that others delete and
// begin again all the time is ErrConflict in the end.
func (c *Cache) IncrementInitial(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return c.count(ctx, OpIncrement, key, delta, &start{initial, ttl})
}

// DecrementInitial is Decrement for a key that may be absent, as IncrementInitial.
func (c *Cache) DecrementInitial(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return c.count(ctx, OpDecrement, key, delta, &start{initial, ttl})
}

// start is what a counter that is absent begins with.
type start struct {
	value uint64
	ttl   time.Duration
}

func (c *Cache) count(ctx context.Context, op Op, key string, delta uint64, from *start) (uint64, error) {
	if c.hook != nil {
		ctx, s := c.start(ctx, op, 1)
		n, err := c.countKey(ctx, op, key, delta, from)
		s.end(ctx, 0, err)
		return n, err
	}
	return c.countKey(ctx, op, key, delta, from)
}

func (c *Cache) countKey(ctx context.Context, op Op, key string, delta uint64, from *start) (uint64, error) {
	key, err := c.begin(ctx, key)
	if err != nil {
		return 0, err
	}
	if from != nil && from.ttl < 0 {
		return 0, checkTTL(from.ttl)
	}
	for range maxStarts {
		n, err := c.countOnce(ctx, op, key, delta)
		if from == nil || !errors.Is(err, ErrMiss) {
			return n, err
		}
		n = apply(op, from.value, delta)
		err = c.core.driver.Store(ctx, driver.Add, driver.Entry{
			Key: key, Value: strconv.AppendUint(nil, n, 10), TTL: from.ttl, Kind: Number,
		})
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, ErrNotStored) {
			return 0, err
		}
		// Another caller began the counter: count from there.
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
	return 0, &Error{Driver: c.core.name, Op: op.String(), Err: fmt.Errorf("the counter came and went %d times: %w", maxStarts, ErrConflict)}
}

// maxStarts bounds how often a counter is found absent, and then present.
const maxStarts = 100

func (c *Cache) countOnce(ctx context.Context, op Op, key string, delta uint64) (uint64, error) {
	if op == OpDecrement {
		return c.core.driver.Decrement(ctx, key, delta)
	}
	return c.core.driver.Increment(ctx, key, delta)
}

// apply counts from n as a backend does.
func apply(op Op, n, delta uint64) uint64 {
	if op == OpDecrement {
		return n - min(n, delta)
	}
	return n + delta
}

// Touch gives key a new TTL (0: no expiry) without sending the value, or answers
// ErrMiss. Not every backend can: see [Cache.Supports].
func (c *Cache) Touch(ctx context.Context, key string, ttl time.Duration) error {
	if c.hook != nil {
		ctx, s := c.start(ctx, OpTouch, 1)
		err := c.touch(ctx, key, ttl)
		s.end(ctx, 0, err)
		return err
	}
	return c.touch(ctx, key, ttl)
}

func (c *Cache) touch(ctx context.Context, key string, ttl time.Duration) error {
	key, err := c.begin(ctx, key)
	if err != nil {
		return err
	}
	if ttl < 0 {
		return checkTTL(ttl)
	}
	if c.core.touch == nil {
		return c.unsupported(OpTouch)
	}
	return c.core.touch.Touch(ctx, key, ttl)
}
