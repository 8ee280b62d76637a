package gomemcache

import (
	"context"
	"strconv"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// Increment implements [driver.Cache].
func (d *cluster) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, cache.OpIncrement, verbIncrement, key, delta)
}

// Decrement implements [driver.Cache].
func (d *cluster) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, cache.OpDecrement, verbDecrement, key, delta)
}

// count has the server count.
func (d *cluster) count(ctx context.Context, op cache.Op, v verb, key string, delta uint64) (uint64, error) {
	s := d.pick(key)
	r := request{op: op, verb: v, key: key, delta: delta}
	err := s.do(ctx, &r)
	if err == driver.ErrNotNumber {
		return s.countAny(ctx, op, v, key, delta)
	}
	return r.count, err
}

// countAny counts where the server said once that the value is not a number, which may be
// wrong: see [memcached.ParseCounter].
func (s *server) countAny(ctx context.Context, op cache.Op, v verb, key string, delta uint64) (uint64, error) {
	n, err := memcached.Count(
		func() (uint64, error) {
			r := request{op: op, verb: v, key: key, delta: delta}
			err := s.do(ctx, &r)
			return r.count, err
		},
		func() (uint64, error) { return s.countLarge(ctx, op, v, key, delta) })
	if err == memcached.ErrCountsChanged {
		err = s.Fail(op, err)
	}
	return n, err
}

// countLarge counts a number of 2^63 or more with compare-and-swap.
func (s *server) countLarge(ctx context.Context, op cache.Op, v verb, key string, delta uint64) (uint64, error) {
	r := request{op: op, verb: verbGet, key: key, idempotent: true}
	if err := s.do(ctx, &r); err != nil {
		return 0, err
	}
	n, err := memcached.LargeCounter(r.item.Value, r.item.CasID)
	if err == memcached.ErrNoCAS {
		err = s.Fail(op, err)
	}
	if err != nil {
		return 0, err
	}
	if v == verbDecrement {
		n -= min(n, delta)
	} else {
		n += delta
	}
	// After the get: if the item is another by now, so is its CAS id.
	expiry, err := s.expiry(ctx, op, key)
	if err != nil {
		return 0, err
	}
	swap := request{
		op: op, verb: verbSwap, key: key, value: strconv.AppendUint(nil, n, 10), flags: r.item.Flags, expiry: expiry,
		token: memcached.Token{CAS: r.item.CasID, Epoch: r.epoch},
	}
	switch err := s.swapped(ctx, &swap, s.do(ctx, &swap)); err {
	case nil:
		return n, nil
	case driver.ErrConflict:
		return 0, memcached.ErrCountAgain
	default:
		return 0, err
	}
}

// expiry returns the expiry time that key has, as a store takes it.
func (s *server) expiry(ctx context.Context, op cache.Op, key string) (expiry int32, err error) {
	err = s.do(ctx, &request{op: op, idempotent: true, exchange: func(c *conn.Conn) error {
		return c.Exchange([]byte(memcached.TTLQuery(key)), func(r *wire.Reader) error {
			line, err := r.Line()
			if err != nil {
				return err
			}
			ttl, err := memcached.ParseTTL(line)
			expiry = memcached.ExpiryFromNow(ttl)
			return err
		})
	}})
	return expiry, err
}
