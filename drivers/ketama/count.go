package ketama

import (
	"context"
	"strconv"
	"time"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/stream"
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

// count has the server count. Where it says that the value is not a number, count looks
// itself, because the server may be wrong about numbers of 2^63 and more: see
// [memcached.ParseCounter].
func (d *cluster) count(ctx context.Context, k counting) (uint64, error) {
	s := d.pick(k.key)
	n, err := s.countNative(ctx, k)
	if err != driver.ErrNotNumber {
		return n, err
	}
	n, err = memcached.Count(
		func() (uint64, error) { return s.countNative(ctx, k) },
		func() (uint64, error) { return d.countLarge(ctx, s, k) })
	if err == memcached.ErrCountsChanged {
		err = s.Fail(k.op, err)
	}
	return n, err
}

func (s *server) countNative(ctx context.Context, k counting) (n uint64, err error) {
	c, err := s.acquireLibrary(ctx, k.op)
	if err != nil {
		return 0, err
	}
	defer c.release()
	err = c.library(false, func(mc *memcache.Client) (err error) {
		n, err = k.library(mc, k.key, k.delta)
		return err
	})
	return n, err
}

// countLarge counts a number of 2^63 or more with compare-and-swap.
func (d *cluster) countLarge(ctx context.Context, s *server, k counting) (uint64, error) {
	r, e, expiry, err := s.readLarge(ctx, k)
	if err != nil {
		return 0, err
	}
	n, err := memcached.LargeCounter(r.Value, r.CAS)
	if err == memcached.ErrNoCAS {
		err = s.Fail(k.op, err)
	}
	if err != nil {
		return 0, err
	}
	n = k.step(n, k.delta)
	err = d.swap(ctx, k.op, memcached.Token{CAS: r.CAS, Epoch: e}, wire.Request{
		Op: wire.Set, Key: k.key, Value: strconv.AppendUint(nil, n, 10), Flags: r.Flags, Expiry: uint32(expiry),
	})
	switch err {
	case nil:
		return n, nil
	case driver.ErrConflict:
		return 0, memcached.ErrCountAgain
	}
	return 0, err
}

// readLarge reads the item of a counter and, if it is a large one, its expiry time.
func (s *server) readLarge(ctx context.Context, k counting) (r wire.Reply, e epoch.Number, expiry int32, err error) {
	c, err := s.acquire(ctx, k.op)
	if err != nil {
		return r, 0, 0, err
	}
	defer c.release()
	if r, e, err = c.read(wire.Request{Op: wire.Get, Key: k.key}); err != nil {
		return r, 0, 0, err
	}
	if _, err := memcached.LargeCounter(r.Value, r.CAS); err == nil {
		// After the Get: if the item is another by now, so is its CAS id.
		expiry, err = c.expiry(k.key)
		return r, e, expiry, err
	}
	return r, e, 0, nil
}

// expiry returns the expiry time that key has, as a store takes it. The binary protocol has
// no command for that.
func (c *client) expiry(key string) (int32, error) {
	c.start()
	ctx, cancel := context.WithDeadline(c.call.Ctx, c.call.Deadline())
	defer cancel()
	nc, number, _, err := c.server.Dial(ctx)
	if err != nil {
		return 0, c.fail((*endpoint.Call).NotConnected, err)
	}
	var text stream.Stream
	_ = text.Open(ctx, nc, number, nil) // without TLS it cannot fail
	c.countOpened()
	defer func() {
		text.Close()
		c.countClosed()
	}()
	text.Begin(c.call)
	line, err := wire.Line(&text, memcached.TTLQuery(key))
	var ttl time.Duration
	if err == nil {
		ttl, err = memcached.ParseTTL(line)
	}
	c.call, _ = text.End()
	if err != nil {
		return 0, c.fail((*endpoint.Call).Failed, err)
	}
	return memcached.ExpiryFromNow(ttl), nil
}
