package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// Increment adds delta to the decimal number at key and returns the sum, which wraps at
// 2^64. It is atomic and keeps the TTL. It returns ErrMiss if key is absent, and
// ErrNotNumber if the value is not a decimal number of 64 bits. Get returns the digits of
// the number, without padding.
func (c *Cache) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return c.count(ctx, OpIncrement, key, delta, nil)
}

// Decrement is like Increment, but subtracts, and stops at 0.
func (c *Cache) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return c.count(ctx, OpDecrement, key, delta, nil)
}

// IncrementFrom is like Increment, but if key is absent it counts from initial: it stores
// initial + delta, with ttl, and returns it. The TTL of a key that is present stays as it
// is. If the key keeps appearing and disappearing, it gives up with ErrConflict.
func (c *Cache) IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return c.count(ctx, OpIncrement, key, delta, &origin{initial, ttl})
}

// DecrementFrom is like IncrementFrom, but subtracts, and stops at 0.
func (c *Cache) DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return c.count(ctx, OpDecrement, key, delta, &origin{initial, ttl})
}

// origin is the start of the count of an absent key.
type origin struct {
	value uint64
	ttl   time.Duration
}

func (c *Cache) count(ctx context.Context, op Op, key string, delta uint64, from *origin) (uint64, error) {
	if c.bare != nil {
		ctx, s := c.start(ctx, op, key)
		n, err := c.bare.count(ctx, op, key, delta, from)
		s.end(ctx, 0, err)
		return n, err
	}
	key, err := c.prepare(ctx, key)
	if err != nil {
		return 0, err
	}
	if from == nil {
		return c.countPresent(ctx, op, key, delta)
	}
	if err := checkTTL(from.ttl); err != nil {
		return 0, err
	}
	for range maxAttempts {
		if c.core.initial != nil {
			n, err := c.countFrom(ctx, op, key, delta, from)
			if !errors.Is(err, ErrMiss) {
				return n, err
			}
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			continue
		}
		n, err := c.countPresent(ctx, op, key, delta)
		if !errors.Is(err, ErrMiss) {
			return n, err
		}
		n = sum(op, from.value, delta)
		err = c.core.driver.Store(ctx, driver.Add, driver.Entry{
			Key: key, Value: strconv.AppendUint(nil, n, 10), TTL: from.ttl, Kind: Number,
		})
		if err == nil {
			return n, nil
		}
		if !errors.Is(err, ErrNotStored) {
			return 0, err
		}
		// Another caller added the counter: count from there.
		if err := ctx.Err(); err != nil {
			return 0, err
		}
	}
	return 0, c.gaveUp(op)
}

func (c *Cache) countPresent(ctx context.Context, op Op, key string, delta uint64) (uint64, error) {
	if op == OpDecrement {
		return c.core.driver.Decrement(ctx, key, delta)
	}
	return c.core.driver.Increment(ctx, key, delta)
}

// countFrom is count for a driver that can add and count in one call.
func (c *Cache) countFrom(ctx context.Context, op Op, key string, delta uint64, from *origin) (uint64, error) {
	if op == OpDecrement {
		return c.core.initial.DecrementFrom(ctx, key, delta, from.value, from.ttl)
	}
	return c.core.initial.IncrementFrom(ctx, key, delta, from.value, from.ttl)
}

// sum counts from n as a backend does.
func sum(op Op, n, delta uint64) uint64 {
	if op == OpDecrement {
		return n - min(n, delta)
	}
	return n + delta
}

// maxAttempts bounds how often an operation begins again because the item changed between
// two steps.
const maxAttempts = 100

// gaveUp returns the error of an operation that began again maxAttempts times.
func (c *Cache) gaveUp(op Op) error {
	return &Error{Driver: c.core.name, Op: op, Err: fmt.Errorf("the item changed %d times meanwhile: %w", maxAttempts, ErrConflict)}
}
