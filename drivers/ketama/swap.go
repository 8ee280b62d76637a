package ketama

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// token is the CAS id of an item, never 0. Ids are those of one server, and a key is
// always on the same.
type token uint64

// errForeignToken is a mistake of the caller.
var errForeignToken = errors.New("the token is not one of this driver")

// GetItem implements [driver.Swapper].
func (d *cluster) GetItem(ctx context.Context, key string) (driver.Item, error) {
	const op = "get item"
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
func (s *server) item(op string, r wire.Reply) (driver.Item, error) {
	if r.CAS == 0 {
		return driver.Item{}, s.fail(op, errNoTokens)
	}
	v, kind, err := s.decode(op, r.Value, r.Flags)
	if err != nil {
		return driver.Item{}, err
	}
	return driver.Item{Value: v, Kind: kind, Token: token(r.CAS)}, nil
}

// CompareAndSwap implements [driver.Swapper].
func (d *cluster) CompareAndSwap(ctx context.Context, t any, e driver.Entry) error {
	if len(e.Value) > maxValue {
		return driver.ErrTooLarge
	}
	return d.swap(ctx, "compare and swap", t, d.storeRequest(driver.Set, e))
}

// CompareAndDelete implements [driver.Swapper].
func (d *cluster) CompareAndDelete(ctx context.Context, key string, t any) error {
	return d.swap(ctx, "compare and delete", t, wire.Request{Op: wire.Delete, Key: key})
}

// swap sends a request that is to work only in the state of the token. It is not
// repeatable: the second would find the change of the first.
func (d *cluster) swap(ctx context.Context, op string, t any, r wire.Request) error {
	c, err := d.acquire(ctx, op, r.Key)
	if err != nil {
		return err
	}
	defer c.release()
	id, ok := t.(token)
	if !ok || id == 0 { // 0 would be no condition
		return c.server.fail(op, errForeignToken)
	}
	r.CAS = uint64(id)
	_, err = c.ask(ctx, op, false, r)
	return err
}
