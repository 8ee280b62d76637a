package gomemcache

import (
	"context"
	"errors"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// driverCache is the driver.
type driverCache struct {
	servers      []*server // in the order of the configuration
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

var (
	_ driver.Cache        = (*driverCache)(nil)
	_ driver.Batcher      = (*driverCache)(nil)
	_ driver.BatchSwapper = (*driverCache)(nil)
	_ driver.Toucher      = (*driverCache)(nil)
	_ driver.Pinger       = (*driverCache)(nil)
)

// errForeignKey is a reply that belongs to another request.
var errForeignKey = errors.New("the reply is for another key")

func (d *driverCache) Get(ctx context.Context, key string) ([]byte, error) {
	s := d.pick(key)
	it, err := s.get(ctx, cache.OpGet, key)
	if err != nil {
		return nil, err
	}
	value, _, err := memcached.Decode(it.Value, it.Flags)
	if err != nil {
		return nil, s.error(cache.OpGet, err)
	}
	return value, nil
}

// get returns what is stored, not decoded.
func (s *server) get(ctx context.Context, op cache.Op, key string) (it *memcache.Item, err error) {
	err = s.do(ctx, request{op: op, want: 1, again: true}, func(c *session) error {
		var err error
		it, err = c.client.Get(key)
		if err == memcache.ErrCacheMiss {
			return driver.ErrMiss
		}
		if err == nil && it.Key != key {
			return c.fail(errForeignKey)
		}
		return err
	})
	return it, err
}

func (d *driverCache) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	return d.store(ctx, mode.Op(), mode, e)
}

func (d *driverCache) store(ctx context.Context, op cache.Op, mode driver.Mode, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return driver.ErrTooLarge // the server would not understand the length
	}
	r := request{op: op, again: mode != driver.Add}
	return d.pick(e.Key).do(ctx, r, func(c *session) error {
		c.fill(d.dialect, e)
		defer c.empty()
		switch mode {
		case driver.Add:
			return notStored(c.client.Add(&c.item))
		case driver.Replace:
			return notStored(c.client.Replace(&c.item))
		}
		return c.client.Set(&c.item)
	})
}

// fill makes c.item of an entry.
func (c *session) fill(d memcached.Dialect, e driver.Entry) {
	c.item.Key = e.Key
	c.item.Value, c.item.Flags = d.Encode(e.Kind, e.Value)
	c.item.Expiration = memcached.ExpiryFromNow(e.TTL)
}

// empty lets go of what the caller gave.
func (c *session) empty() { c.item = memcache.Item{} }

func notStored(err error) error {
	if err == memcache.ErrNotStored {
		return driver.ErrNotStored
	}
	return err
}

func missed(err error) error {
	if err == memcache.ErrCacheMiss {
		return driver.ErrMiss
	}
	return err
}

func (d *driverCache) Delete(ctx context.Context, key string) error {
	return d.delete(ctx, cache.OpDelete, key)
}

func (d *driverCache) delete(ctx context.Context, op cache.Op, key string) error {
	return d.pick(key).do(ctx, request{op: op, again: true}, func(c *session) error {
		err := c.client.Delete(key)
		if err == nil && string(c.reply.status) != "DELETED" {
			return c.fail(unexpected(c.reply.status)) // the library takes OK as well
		}
		return missed(err)
	})
}

func (d *driverCache) Touch(ctx context.Context, key string, ttl time.Duration) error {
	return d.pick(key).do(ctx, request{op: cache.OpTouch, again: true}, func(c *session) error {
		return missed(c.client.Touch(key, memcached.ExpiryFromNow(ttl)))
	})
}

func (d *driverCache) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	s := d.pick(key)
	var it *memcache.Item
	err := s.do(ctx, request{op: cache.OpGetAndTouch, want: 1, again: true}, func(c *session) error {
		var err error
		it, err = c.client.GetAndTouch(key, memcached.ExpiryFromNow(ttl))
		if err == nil && it.Key != key {
			return c.fail(errForeignKey)
		}
		return missed(err)
	})
	if err != nil {
		return nil, err
	}
	value, _, err := memcached.Decode(it.Value, it.Flags)
	if err != nil {
		return nil, s.error(cache.OpGetAndTouch, err)
	}
	return value, nil
}

// pick returns the server of a key.
func (d *driverCache) pick(key string) *server {
	return d.servers[d.distribution.Pick(key)]
}
