package gomemcache

import (
	"context"
	"sync"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/memcached"
)

// maxGet is how many keys are asked for in one request. A server begins to answer when
// it has all of a request, so this bounds what it holds; the context is looked at in
// between.
const maxGet = 1000

func (d *driverCache) GetMulti(ctx context.Context, keys []string) ([][]byte, error) {
	values := make([][]byte, len(keys))
	err := d.getMulti(ctx, cache.OpGetMulti, keys, func(s *server, i int, it *memcache.Item) error {
		value, _, err := memcached.Decode(it.Value, it.Flags)
		if err != nil {
			return s.error(cache.OpGetMulti, err)
		}
		values[i] = value
		return nil
	})
	return values, err
}

func (d *driverCache) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, error) {
	items := make([]driver.Item, len(keys))
	err := d.getMulti(ctx, cache.OpGetItemMulti, keys, func(s *server, i int, it *memcache.Item) error {
		var err error
		items[i], err = s.item(cache.OpGetItemMulti, it)
		return err
	})
	return items, err
}

// found takes the item of keys[i]. It is called for different i at the same time.
type found func(s *server, i int, it *memcache.Item) error

// getMulti asks every server for its part of keys, all at the same time.
func (d *driverCache) getMulti(ctx context.Context, op cache.Op, keys []string, f found) error {
	var mu sync.Mutex
	var errs []error
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
			err, broken := s.getPart(ctx, op, asked[from:to], part[from:to], f)
			if err != nil {
				mu.Lock()
				errs = append(errs, err)
				mu.Unlock()
			}
			if broken {
				return // the rest would fail the same way, and slowly
			}
		}
	})
	return memcached.Join(errs)
}

// getPart asks for some keys, whose positions part lists. The error is broken where
// the server is, and not the values.
func (s *server) getPart(ctx context.Context, op cache.Op, keys []string, part []int, f found) (err error, broken bool) {
	if err := ctx.Err(); err != nil {
		return s.error(op, err), true
	}
	items := make([]*memcache.Item, len(keys))
	err = s.do(ctx, request{op: op, want: len(keys), batch: true, again: true}, func(c *session) error {
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
		return err, true
	}
	var errs []error
	for i, it := range items {
		if it == nil {
			continue
		}
		if err := f(s, part[i], it); err != nil {
			errs = append(errs, err)
		}
	}
	return memcached.Join(errs), false
}
