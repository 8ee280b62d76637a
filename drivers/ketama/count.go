package ketama

import (
	"context"
	"strconv"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// Increment implements [driver.Cache].
func (d *cluster) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{
		op: cache.OpIncrement, key: key, delta: delta, library: (*memcache.Client).Increment,
		step: func(n, delta uint64) uint64 { return n + delta },
	})
}

// Decrement implements [driver.Cache].
func (d *cluster) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{
		op: cache.OpDecrement, key: key, delta: delta, library: (*memcache.Client).Decrement,
		step: func(n, delta uint64) uint64 { return n - min(n, delta) },
	})
}

// counting is one change of a counter.
type counting struct {
	op      cache.Op
	key     string
	delta   uint64
	library func(mc *memcache.Client, key string, delta uint64) (uint64, error)
	step    func(n, delta uint64) uint64 // what the server does
}

// count has the server count. Where it says that the value is not a number, count
// looks itself, since the server may be wrong about numbers of 2^63 and more: see
// [memcached.ParseCounter].
func (d *cluster) count(ctx context.Context, k counting) (uint64, error) {
	c, err := d.acquire(ctx, k.op, k.key)
	if err != nil {
		return 0, err
	}
	defer c.release()
	n, err := memcached.Count(
		func() (uint64, error) { return c.countNative(ctx, k) },
		func() (uint64, error) { return c.countLarge(ctx, k) })
	if err == memcached.ErrCountsChanged {
		err = c.server.fail(k.op, err)
	}
	return n, err
}

func (c *client) countNative(ctx context.Context, k counting) (n uint64, err error) {
	err = c.do(ctx, k.op, false, func(mc *memcache.Client) (err error) {
		n, err = k.library(mc, k.key, k.delta)
		return err
	})
	return n, err
}

// countLarge counts a number of 2^63 or more with compare-and-swap.
func (c *client) countLarge(ctx context.Context, k counting) (uint64, error) {
	r, err := c.ask(ctx, k.op, true, wire.Request{Op: wire.Get, Key: k.key})
	if err != nil {
		return 0, err
	}
	n, err := memcached.LargeCounter(r.Value, r.CAS)
	if err == memcached.ErrNoCAS {
		err = c.server.fail(k.op, err)
	}
	if err != nil {
		return 0, err
	}
	// After the Get: if the item is another by now, so is its CAS id.
	expiry, err := c.expiry(ctx, k.op, k.key)
	if err != nil {
		return 0, err
	}
	n = k.step(n, k.delta)
	_, err = c.ask(ctx, k.op, false, wire.Request{
		Op: wire.Set, Key: k.key, Value: strconv.AppendUint(nil, n, 10), Flags: r.Flags, Expiry: uint32(expiry), CAS: r.CAS,
	})
	switch err {
	case nil:
		return n, nil
	case driver.ErrConflict:
		return 0, memcached.ErrCountAgain
	}
	return 0, err
}

// expiry returns the expiry time that key has, as a store wants it. The binary protocol
// has no command for that.
func (c *client) expiry(ctx context.Context, op cache.Op, key string) (int32, error) {
	timeout, limited, err := c.server.limit(ctx)
	if err != nil {
		return 0, c.server.fail(op, err)
	}
	line, err := wire.Line(ctx, c.server.addr.Network(), c.server.name, memcached.TTLQuery(key), timeout)
	if err != nil {
		return 0, c.server.noAnswer(ctx, op, err, limited)
	}
	ttl, err := memcached.ParseTTL(line)
	if err != nil {
		return 0, c.server.unavailable(op, err)
	}
	return memcached.ExpiryFromNow(ttl), nil
}
