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

// Get implements [driver.Cache]. It does not go through rainycape, whose replies to a get do
// not name the key: a value must not be taken for that of another one.
func (d *cluster) Get(ctx context.Context, key string) ([]byte, error) {
	return d.get(ctx, cache.OpGet, wire.Request{Op: wire.Get, Key: key})
}

// GetAndTouch implements [driver.Toucher].
func (d *cluster) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	return d.get(ctx, cache.OpGetAndTouch, wire.Request{Op: wire.GetAndTouch, Key: key, Expiry: expiry(ttl)})
}

func (d *cluster) get(ctx context.Context, op cache.Op, request wire.Request) ([]byte, error) {
	c, err := d.pick(request.Key).acquire(ctx, op)
	if err != nil {
		return nil, err
	}
	defer c.release()
	r, err := c.ask(true, request)
	if err != nil {
		return nil, err
	}
	v, _, err := c.server.decode(op, request.Key, r)
	return v, err
}

func expiry(ttl time.Duration) uint32 { return uint32(memcached.ExpiryFromNow(ttl)) }

// Store implements [driver.Cache].
func (d *cluster) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	return memcached.Explain(d.fail, mode.Op(), &e, d.store(ctx, mode, e))
}

func (d *cluster) store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return driver.ErrTooLarge
	}
	if mode == driver.Replace { // rainycape has none
		return d.replace(ctx, e)
	}
	c, err := d.pick(e.Key).acquireLibrary(ctx, mode.Op())
	if err != nil {
		return err
	}
	defer c.release()
	value, flags := d.dialect.Encode(e.Kind, e.Value)
	it := memcache.Item{Key: e.Key, Value: value, Flags: flags, Expiration: memcached.ExpiryFromNow(e.TTL)}
	if mode == driver.Add {
		// An add that is sent again may find what the first one stored.
		return c.library(false, func(mc *memcache.Client) error { return mc.Add(&it) })
	}
	return c.library(true, func(mc *memcache.Client) error { return mc.Set(&it) })
}

func (d *cluster) replace(ctx context.Context, e driver.Entry) error {
	c, err := d.pick(e.Key).acquire(ctx, cache.OpReplace)
	if err != nil {
		return err
	}
	defer c.release()
	_, err = c.ask(true, d.storeRequest(driver.Replace, e))
	return err
}

var storeCommand = [...]wire.Op{driver.Set: wire.Set, driver.Add: wire.Add, driver.Replace: wire.Replace}

// storeRequest returns the request for a store that does not go through rainycape.
func (d *cluster) storeRequest(mode driver.Mode, e driver.Entry) wire.Request {
	value, flags := d.dialect.Encode(e.Kind, e.Value)
	return wire.Request{Op: storeCommand[mode], Key: e.Key, Value: value, Flags: flags, Expiry: expiry(e.TTL)}
}

// Delete implements [driver.Cache]. It is idempotent: a server that lost its connections was
// restarted, as a rule, and is empty, so that a miss is the truth.
func (d *cluster) Delete(ctx context.Context, key string) error {
	c, err := d.pick(key).acquireLibrary(ctx, cache.OpDelete)
	if err != nil {
		return err
	}
	defer c.release()
	return c.library(true, func(mc *memcache.Client) error { return mc.Delete(key) })
}

// Touch implements [driver.Toucher].
func (d *cluster) Touch(ctx context.Context, key string, ttl time.Duration) error {
	c, err := d.pick(key).acquire(ctx, cache.OpTouch)
	if err != nil {
		return err
	}
	defer c.release()
	_, err = c.ask(true, wire.Request{Op: wire.Touch, Key: key, Expiry: expiry(ttl)})
	return err
}
