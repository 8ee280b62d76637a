package gomemcache

import (
	"context"
	"sync/atomic"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// maxGet is how many keys are asked for in one request. A server begins to answer when
// it has all of a request, so this bounds what it holds; the context is looked at in
// between.
const maxGet = 1000

func (d *driverCache) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	values := make([][]byte, len(keys))
	errs := d.getMulti(ctx, cache.OpGetMulti, keys, func(s *server, i int, it *memcache.Item) error {
		value, _, err := memcached.Decode(it.Value, it.Flags)
		if err != nil {
			return s.error(cache.OpGetMulti, err)
		}
		values[i] = value
		return nil
	})
	return values, errs
}

func (d *driverCache) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	items := make([]driver.Item, len(keys))
	errs := d.getMulti(ctx, cache.OpGetItemMulti, keys, func(s *server, i int, it *memcache.Item) error {
		var err error
		items[i], err = s.item(cache.OpGetItemMulti, it)
		return err
	})
	return items, errs
}

// found takes the item of keys[i]. It is called for different i at the same time.
type found func(s *server, i int, it *memcache.Item) error

// getMulti asks every server for its part of keys, all at the same time. The result has an
// error for each key, or is nil.
func (d *driverCache) getMulti(ctx context.Context, op cache.Op, keys []string, f found) []error {
	errs := make([]error, len(keys))
	var failed atomic.Bool
	d.onServers(len(keys), func(i int) string { return keys[i] }, func(s *server, part []int) {
		asked := keys
		if len(part) < len(keys) {
			asked = make([]string, len(part))
			for i, k := range part {
				asked[i] = keys[k]
			}
		}
		for from := 0; from < len(part); from += maxGet {
			to := min(from+maxGet, len(part))
			if err := s.getPart(ctx, op, asked[from:to], part[from:to], f, errs); err != nil {
				failed.Store(true)
				for _, i := range part[from:] {
					errs[i] = err // the rest would fail the same way, and slowly
				}
				return
			}
			for _, i := range part[from:to] {
				if errs[i] != nil {
					failed.Store(true)
				}
			}
		}
	})
	if !failed.Load() {
		return nil
	}
	return errs
}

// getPart asks for some keys, whose positions part lists. It notes in errs the values that
// cannot be decoded. It returns an error if the server failed.
func (s *server) getPart(ctx context.Context, op cache.Op, keys []string, part []int, f found, errs []error) error {
	if err := ctx.Err(); err != nil {
		return s.error(op, err)
	}
	items := make([]*memcache.Item, len(keys))
	err := s.do(ctx, request{op: op, want: len(keys), batch: true, again: true}, func(c *session) error {
		got, err := c.client.GetMulti(keys)
		if err != nil {
			return err
		}
		distinct := 0
		for i, key := range keys {
			it := got[key]
			if it == nil {
				continue
			}
			items[i] = it
			if it.Key != "" { // a key may have been asked for twice
				it.Key = ""
				distinct++
			}
		}
		if distinct != len(got) {
			return c.fail(errForeignKey) // the library takes any key for an answer
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, it := range items {
		if it != nil {
			errs[part[i]] = f(s, part[i], it)
		}
	}
	return nil
}
