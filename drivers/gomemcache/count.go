package gomemcache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/memcached"
)

func (d *driverCache) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.countAny(ctx, cache.OpIncrement, key, delta)
}

func (d *driverCache) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.countAny(ctx, cache.OpDecrement, key, delta)
}

// maxCounts bounds how often a counter is found changed between two looks at it.
const maxCounts = 100

// errCountAgain says that the counter was changed by somebody else, so that the server
// may be able to count it now.
var errCountAgain = errors.New("the counter has changed")

// countAny has the server count, and looks itself where it says that the value is not a
// number.
func (d *driverCache) countAny(ctx context.Context, op cache.Op, key string, delta uint64) (uint64, error) {
	for range maxCounts {
		n, err := d.count(ctx, op, key, delta)
		if err != driver.ErrNotNumber {
			return n, err
		}
		n, err = d.countLarge(ctx, op, key, delta)
		if err != errCountAgain {
			return n, err
		}
	}
	return 0, d.pick(key).error(op, fmt.Errorf("the counter changed %d times meanwhile: %w", maxCounts, driver.ErrConflict))
}

func (d *driverCache) count(ctx context.Context, op cache.Op, key string, delta uint64) (n uint64, err error) {
	err = d.pick(key).do(ctx, request{op: op}, func(c *session) error {
		var err error
		if op == cache.OpDecrement {
			n, err = c.client.Decrement(key, delta)
		} else {
			n, err = c.client.Increment(key, delta)
		}
		return missed(err)
	})
	return n, err
}

// countLarge counts with compare and swap where the server said that the value is not a
// number, if it is one of 2^63 or more: there the server may be wrong, see
// [memcached.ParseCounter].
func (d *driverCache) countLarge(ctx context.Context, op cache.Op, key string, delta uint64) (uint64, error) {
	s := d.pick(key)
	it, err := s.get(ctx, op, key)
	if err != nil {
		return 0, err
	}
	n, ok := memcached.ParseCounter(it.Value)
	switch {
	case !ok:
		return 0, driver.ErrNotNumber
	case n <= math.MaxInt64:
		return 0, errCountAgain
	case it.CasID == 0:
		return 0, s.error(op, errNoCAS)
	}
	if op == cache.OpDecrement {
		n -= min(n, delta)
	} else {
		n += delta
	}
	// After the get: if the item is another by now, so is its id.
	ttl, err := s.ttl(ctx, op, key)
	if err != nil {
		return 0, err
	}
	err = s.swap(ctx, op, it.CasID, func(c *session) {
		c.item.Key, c.item.Flags, c.item.Expiration = key, it.Flags, ttl
		c.item.Value = strconv.AppendUint(nil, n, 10)
	})
	switch err {
	case nil:
		return n, nil
	case driver.ErrConflict:
		return 0, errCountAgain
	}
	return 0, err
}

// ttl returns the expiry time that key has, as a store wants it.
func (s *server) ttl(ctx context.Context, op cache.Op, key string) (exp int32, err error) {
	err = s.do(ctx, request{op: op, again: true}, func(c *session) error {
		return c.exchange([]byte(memcached.TTLQuery(key)), 1, func(_ int, line []byte) error {
			ttl, err := memcached.ParseTTL(line)
			exp = expiry(ttl)
			return err
		})
	})
	return exp, err
}
