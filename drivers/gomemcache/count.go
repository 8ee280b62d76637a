package gomemcache

import (
	"context"
	"strconv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

func (d *driverCache) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.countAny(ctx, cache.OpIncrement, key, delta)
}

func (d *driverCache) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.countAny(ctx, cache.OpDecrement, key, delta)
}

// countAny has the server count, and looks itself where it says that the value is not a
// number.
func (d *driverCache) countAny(ctx context.Context, op cache.Op, key string, delta uint64) (uint64, error) {
	n, err := memcached.Count(
		func() (uint64, error) { return d.count(ctx, op, key, delta) },
		func() (uint64, error) { return d.countLarge(ctx, op, key, delta) })
	if err == memcached.ErrCountsChanged {
		err = d.pick(key).error(op, err)
	}
	return n, err
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
	n, err := memcached.LargeCounter(it.Value, it.CasID)
	if err == memcached.ErrNoCAS {
		err = s.error(op, err)
	}
	if err != nil {
		return 0, err
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
		return 0, memcached.ErrCountAgain
	}
	return 0, err
}

// ttl returns the expiry time that key has, as a store wants it.
func (s *server) ttl(ctx context.Context, op cache.Op, key string) (exp int32, err error) {
	err = s.do(ctx, request{op: op, again: true}, func(c *session) error {
		return c.exchange([]byte(memcached.TTLQuery(key)), 1, func(_ int, line []byte) error {
			ttl, err := memcached.ParseTTL(line)
			exp = memcached.ExpiryFromNow(ttl)
			return err
		})
	})
	return exp, err
}
