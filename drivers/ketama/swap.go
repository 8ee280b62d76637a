package ketama

import (
	"context"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// GetItem implements [driver.Swapper].
func (d *cluster) GetItem(ctx context.Context, key string) (driver.Item, error) {
	const op = cache.OpGetItem
	c, err := d.acquire(ctx, op, key)
	if err != nil {
		return driver.Item{}, err
	}
	defer c.release()
	r, err := c.ask(ctx, op, true, wire.Request{Op: wire.Get, Key: key})
	if err != nil {
		return driver.Item{}, err
	}
	return c.server.item(op, r)
}

// item is what a reply to a Get says.
func (s *server) item(op cache.Op, r wire.Reply) (driver.Item, error) {
	token, err := memcached.NewToken(r.CAS)
	if err != nil {
		return driver.Item{}, s.fail(op, err)
	}
	v, kind, err := s.decode(op, r.Value, r.Flags)
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: v, Kind: kind, Token: token}, nil
}

// CompareAndSwap implements [driver.Swapper].
func (d *cluster) CompareAndSwap(ctx context.Context, t any, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return driver.ErrTooLarge
	}
	return d.swap(ctx, cache.OpCompareAndSwap, t, d.storeRequest(driver.Set, e))
}

// CompareAndDelete implements [driver.Swapper].
func (d *cluster) CompareAndDelete(ctx context.Context, key string, t any) error {
	return d.swap(ctx, cache.OpCompareAndDelete, t, wire.Request{Op: wire.Delete, Key: key})
}

// swap sends a request that is to work only in the state of the token. It is not
// repeatable: the second would find the change of the first.
func (d *cluster) swap(ctx context.Context, op cache.Op, t any, r wire.Request) error {
	c, err := d.acquire(ctx, op, r.Key)
	if err != nil {
		return err
	}
	defer c.release()
	if r.CAS, err = memcached.CASID(t); err != nil {
		return c.server.fail(op, err)
	}
	_, err = c.ask(ctx, op, false, r)
	return err
}
