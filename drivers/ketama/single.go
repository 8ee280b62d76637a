package ketama

import (
	"context"
	"time"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// Get implements [driver.Cache]. It does not go through rainycape, whose replies to a
// get do not name the key: a value must not be taken for that of another one.
func (d *cluster) Get(ctx context.Context, key string) ([]byte, error) {
	const op = cache.OpGet
	c, err := d.acquire(ctx, op, key)
	if err != nil {
		return nil, err
	}
	defer c.release()
	r, err := c.ask(ctx, op, true, wire.Request{Op: wire.Get, Key: key})
	if err != nil {
		return nil, err
	}
	v, _, err := c.server.decode(op, r.Value, r.Flags)
	return v, err
}

// decode is [memcached.Decode] with the errors of a server.
func (s *server) decode(op cache.Op, data []byte, flags uint32) ([]byte, driver.Kind, error) {
	v, kind, err := memcached.Decode(data, flags)
	if err != nil {
		return nil, 0, s.fail(op, err)
	}
	return v, kind, nil
}

// Store implements [driver.Cache].
func (d *cluster) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	op := mode.Op()
	if len(e.Value) > memcached.MaxValue {
		return driver.ErrTooLarge
	}
	c, err := d.acquire(ctx, op, e.Key)
	if err != nil {
		return err
	}
	defer c.release()
	if mode == driver.Replace { // rainycape has none
		_, err := c.ask(ctx, op, true, d.storeRequest(mode, e))
		return err
	}
	value, flags := d.dialect.Encode(e.Kind, e.Value)
	it := memcache.Item{Key: e.Key, Value: value, Flags: flags, Expiration: memcached.ExpiryFromNow(e.TTL)}
	if mode == driver.Add {
		// Not repeatable: the second could find what the first has stored.
		return c.do(ctx, op, false, func(mc *memcache.Client) error { return mc.Add(&it) })
	}
	return c.do(ctx, op, true, func(mc *memcache.Client) error { return mc.Set(&it) })
}

var storeCommand = [...]wire.Op{driver.Set: wire.Set, driver.Add: wire.Add, driver.Replace: wire.Replace}

// storeRequest is for the stores that do not go through rainycape.
func (d *cluster) storeRequest(mode driver.Mode, e driver.Entry) wire.Request {
	value, flags := d.dialect.Encode(e.Kind, e.Value)
	return wire.Request{Op: storeCommand[mode], Key: e.Key, Value: value, Flags: flags, Expiry: uint32(memcached.ExpiryFromNow(e.TTL))}
}

// Delete implements [driver.Cache]. It is repeatable: a server that lost its
// connections was restarted, mostly, and is empty, so a miss tells the truth.
func (d *cluster) Delete(ctx context.Context, key string) error {
	const op = cache.OpDelete
	c, err := d.acquire(ctx, op, key)
	if err != nil {
		return err
	}
	defer c.release()
	return c.do(ctx, op, true, func(mc *memcache.Client) error { return mc.Delete(key) })
}

// Touch implements [driver.Toucher].
func (d *cluster) Touch(ctx context.Context, key string, ttl time.Duration) error {
	const op = cache.OpTouch
	c, err := d.acquire(ctx, op, key)
	if err != nil {
		return err
	}
	defer c.release()
	_, err = c.ask(ctx, op, true, wire.Request{Op: wire.Touch, Key: key, Expiry: uint32(memcached.ExpiryFromNow(ttl))})
	return err
}

// GetAndTouch implements [driver.Toucher].
func (d *cluster) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	const op = cache.OpGetAndTouch
	c, err := d.acquire(ctx, op, key)
	if err != nil {
		return nil, err
	}
	defer c.release()
	r, err := c.ask(ctx, op, true, wire.Request{Op: wire.GetAndTouch, Key: key, Expiry: uint32(memcached.ExpiryFromNow(ttl))})
	if err != nil {
		return nil, err
	}
	v, _, err := c.server.decode(op, r.Value, r.Flags)
	return v, err
}
