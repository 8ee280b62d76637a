package gomemcache

import (
	"bytes"
	"context"
	"strconv"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

func (d *driverCache) GetItem(ctx context.Context, key string) (driver.Item, error) {
	s := d.pick(key)
	it, err := s.get(ctx, cache.OpGetItem, key)
	if err != nil {
		return driver.Item{}, err
	}
	return s.item(cache.OpGetItem, it)
}

func (s *server) item(op cache.Op, it *memcache.Item) (driver.Item, error) {
	token, err := memcached.NewToken(it.CasID)
	if err != nil {
		return driver.Item{}, s.error(op, err)
	}
	value, kind, err := memcached.Decode(it.Value, it.Flags)
	if err != nil {
		return driver.Item{}, s.error(op, err)
	}
	return driver.Item{Value: value, Kind: kind, Token: token}, nil
}

func (d *driverCache) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return driver.ErrTooLarge
	}
	s := d.pick(e.Key)
	id, err := s.casID(cache.OpCompareAndSwap, token)
	if err != nil {
		return err
	}
	return s.swap(ctx, cache.OpCompareAndSwap, id, func(c *session) { c.fill(d.dialect, e) })
}

// expired makes the server remove an item as soon as it is stored. The text protocol
// has no delete with a condition.
const expired = -1

func (d *driverCache) CompareAndDelete(ctx context.Context, key string, token any) error {
	s := d.pick(key)
	id, err := s.casID(cache.OpCompareAndDelete, token)
	if err != nil {
		return err
	}
	return s.swap(ctx, cache.OpCompareAndDelete, id, func(c *session) {
		c.item.Key, c.item.Expiration = key, expired
	})
}

// CompareAndDeleteMulti is not done again on a lost connection: the second request would
// find what the first has removed.
func (d *driverCache) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	const op = cache.OpCompareAndDeleteMulti
	p := &pipeline{
		errs:    make([]error, len(keys)),
		request: request{op: op, batch: true},
		append: func(b []byte, i int) []byte {
			b = append(b, "cas "...)
			b = append(b, keys[i]...)
			b = append(b, " 0 "...)
			b = strconv.AppendInt(b, expired, 10)
			b = append(b, " 0 "...)
			b = strconv.AppendUint(b, uint64(tokens[i].(memcached.Token)), 10)
			return append(b, "\r\n\r\n"...)
		},
		answer: func(s *server, line []byte) (error, bool) {
			switch {
			case string(line) == "STORED":
				return nil, true
			case string(line) == "EXISTS":
				return driver.ErrConflict, true
			case string(line) == "NOT_FOUND":
				return driver.ErrMiss, true
			case bytes.HasPrefix(line, outOfMemory):
				return driver.Unavailable(driverName, op, s.addr, unexpected(line)), true
			}
			return nil, false
		},
	}
	for i, token := range tokens {
		_, err := d.pick(keys[i]).casID(op, token)
		p.fail(i, err)
	}
	return d.pipeline(ctx, p, func(i int) string { return keys[i] })
}

func (s *server) casID(op cache.Op, token any) (uint64, error) {
	id, err := memcached.CASID(token)
	if err != nil {
		return 0, s.error(op, err)
	}
	return id, nil
}

// swap stores what fill puts into c.item if the key still has that id.
func (s *server) swap(ctx context.Context, op cache.Op, id uint64, fill func(c *session)) error {
	return s.do(ctx, request{op: op}, func(c *session) error {
		fill(c)
		defer c.empty()
		c.item.CasID = id
		err := c.client.CompareAndSwap(&c.item)
		if err == memcache.ErrCASConflict {
			return driver.ErrConflict
		}
		return missed(err)
	})
}

// GetOrAddMulti adds, and then reads what is there.
func (d *driverCache) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	return memcached.GetOrAddMulti(ctx, d, entries)
}

// CompareAndSwapMulti is not done again on a lost connection: see CompareAndDeleteMulti.
func (d *driverCache) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	errs := make([]error, len(entries))
	for i, e := range entries {
		errs[i] = d.CompareAndSwap(ctx, tokens[i], e)
	}
	return errs
}
