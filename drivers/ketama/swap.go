package ketama

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// GetItem implements [driver.Swapper].
func (d *cluster) GetItem(ctx context.Context, key string) (driver.Item, error) {
	const op = cache.OpGetItem
	c, err := d.pick(key).acquire(ctx, op)
	if err != nil {
		return driver.Item{}, err
	}
	defer c.release()
	r, e, err := c.read(wire.Request{Op: wire.Get, Key: key})
	if err != nil {
		return driver.Item{}, err
	}
	return c.server.item(op, key, r, e)
}

// read is ask for a request that reads, and returns the epoch as well.
func (c *client) read(request wire.Request) (reply wire.Reply, e epoch.Number, err error) {
	_, err = c.askMany(true, 1,
		func(int) wire.Request { e = c.epoch(); return request },
		func(_ int, r wire.Reply) { reply = r })
	if err == nil {
		err = c.server.refusal(c.call.Op, request.Op, reply.Status)
	}
	return reply, e, err
}

// epoch returns the epoch of the items that the next request reads.
func (c *client) epoch() epoch.Number { return c.server.Clock.Read(c.wire.Number) }

// item returns an item with its token. Its remaining TTL is unknown: no command of the binary
// protocol tells it.
func (s *server) item(op cache.Op, key string, r wire.Reply, e epoch.Number) (driver.Item, error) {
	token, err := memcached.NewToken(r.CAS, e)
	if err != nil {
		return driver.Item{}, s.Fail(op, err)
	}
	v, kind, err := s.decode(op, key, r)
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: v, Kind: kind, Token: token}, nil
}

// CompareAndSwap implements [driver.Swapper]. Like the other swaps it is not idempotent: the
// second would find what the first has stored.
func (d *cluster) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	const op = cache.OpCompareAndSwap
	if len(e.Value) > memcached.MaxValue {
		return memcached.Explain(d.fail, op, &e, driver.ErrTooLarge)
	}
	return memcached.Explain(d.fail, op, &e, d.swap(ctx, op, token, d.storeRequest(driver.Set, e)))
}

// CompareAndDelete implements [driver.Swapper].
func (d *cluster) CompareAndDelete(ctx context.Context, key string, token any) error {
	return d.swap(ctx, cache.OpCompareAndDelete, token, wire.Request{Op: wire.Delete, Key: key})
}

// swap sends a request that is to work only in the state of the token.
func (d *cluster) swap(ctx context.Context, op cache.Op, token any, r wire.Request) error {
	s := d.pick(r.Key)
	t, err := memcached.ParseToken(token)
	if err != nil {
		return s.Fail(op, err)
	}
	r.CAS = t.CAS
	c, err := s.acquireFor(ctx, op, t.Epoch)
	if err == errNoOldConnection {
		return d.unchanged(ctx, op, r.Key)
	}
	if err != nil {
		return err
	}
	defer c.release()
	_, err = c.ask(false, r)
	return err
}

// unchanged returns the error of a swap for which there was no connection as old as its
// token: a conflict, unless the key is absent, or the server cannot be reached.
func (d *cluster) unchanged(ctx context.Context, op cache.Op, key string) error {
	if _, err := d.get(ctx, op, wire.Request{Op: wire.Get, Key: key}); err != nil && !errors.Is(err, driver.ErrUnreadable) {
		return err
	}
	return driver.ErrConflict
}
