package ketama

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
	"github.com/larder-go/larder/internal/memcached"
)

// Increment implements [driver.Cache].
func (d *cluster) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{
		op: "increment", key: key, delta: delta, library: (*memcache.Client).Increment,
		step: func(n, delta uint64) uint64 { return n + delta },
	})
}

// Decrement implements [driver.Cache].
func (d *cluster) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return d.count(ctx, counting{
		op: "decrement", key: key, delta: delta, library: (*memcache.Client).Decrement,
		step: func(n, delta uint64) uint64 { return n - min(n, delta) },
	})
}

// counting is one change of a counter.
type counting struct {
	op, key string
	delta   uint64
	library func(mc *memcache.Client, key string, delta uint64) (uint64, error)
	step    func(n, delta uint64) uint64 // what the server does
}

// maxCounts bounds how often a counter is found changed between two looks at it.
const maxCounts = 100

// count has the server count. Where it says that the value is not a number, count
// looks itself, since the server may be wrong about numbers of 2^63 and more: see
// [memcached.ParseCounter].
func (d *cluster) count(ctx context.Context, k counting) (uint64, error) {
	c, err := d.acquire(ctx, k.op, k.key)
	if err != nil {
		return 0, err
	}
	defer c.release()
	for range maxCounts {
		var n uint64
		err := c.do(ctx, k.op, false, func(mc *memcache.Client) (err error) {
			n, err = k.library(mc, k.key, k.delta)
			return err
		})
		if err != driver.ErrNotNumber {
			return n, err
		}
		n, err = c.countLarge(ctx, k)
		if err != errCountAgain {
			return n, err
		}
	}
	return 0, c.server.fail(k.op, fmt.Errorf("the counter changed %d times meanwhile: %w", maxCounts, driver.ErrConflict))
}

// errCountAgain says that the counter was changed by somebody else, so that the server
// may be able to count it now.
var errCountAgain = errors.New("the counter has changed")

// countLarge counts a number of 2^63 or more with compare-and-swap.
func (c *client) countLarge(ctx context.Context, k counting) (uint64, error) {
	r, err := c.ask(ctx, k.op, true, wire.Request{Op: wire.Get, Key: k.key})
	if err != nil {
		return 0, err
	}
	n, ok := memcached.ParseCounter(r.Value)
	switch {
	case !ok:
		return 0, driver.ErrNotNumber
	case n <= math.MaxInt64:
		return 0, errCountAgain
	case r.CAS == 0:
		return 0, c.server.fail(k.op, errNoTokens)
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
		return 0, errCountAgain
	}
	return 0, err
}

// expiry returns the expiry time that key has, as a store wants it. The binary protocol
// has no command for that.
func (c *client) expiry(ctx context.Context, op, key string) (int32, error) {
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
	return expiry(ttl), nil
}
