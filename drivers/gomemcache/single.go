package gomemcache

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// Get implements [driver.Cache].
func (d *cluster) Get(ctx context.Context, key string) ([]byte, error) {
	return d.get(ctx, &request{op: cache.OpGet, verb: verbGet, key: key})
}

// GetAndTouch implements [driver.Toucher].
func (d *cluster) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	return d.get(ctx, &request{op: cache.OpGetAndTouch, verb: verbGetAndTouch, key: key, expiry: memcached.ExpiryFromNow(ttl)})
}

func (d *cluster) get(ctx context.Context, r *request) ([]byte, error) {
	s := d.pick(r.key)
	r.idempotent = true
	if err := s.do(ctx, r); err != nil {
		return nil, err
	}
	value, _, err := s.decode(r.op, r.key, r.item.Value, r.item.Flags)
	return value, err
}

// decode is [memcached.Decode] with the error of a server.
func (s *server) decode(op cache.Op, key string, data []byte, flags uint32) ([]byte, driver.Kind, error) {
	value, kind, err := memcached.Decode(data, flags)
	if err != nil {
		return nil, 0, s.Unreadable(op, key, err)
	}
	return value, kind, nil
}

// Store implements [driver.Cache].
func (d *cluster) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	// An add that is sent again may find what the first one stored.
	r := request{op: mode.Op(), verb: storeVerbs[mode], idempotent: mode != driver.Add}
	return d.store(ctx, &r, e)
}

// store sends r, which stores e.
func (d *cluster) store(ctx context.Context, r *request, e driver.Entry) error {
	if len(e.Value) > memcached.MaxValue {
		return memcached.Explain(d.fail, r.op, &e, driver.ErrTooLarge) // the server would not understand the length
	}
	r.key = e.Key
	r.value, r.flags = d.dialect.Encode(e.Kind, e.Value)
	r.expiry = memcached.ExpiryFromNow(e.TTL)
	return memcached.Explain(d.fail, r.op, &e, d.pick(e.Key).do(ctx, r))
}

// Delete implements [driver.Cache].
func (d *cluster) Delete(ctx context.Context, key string) error {
	return d.pick(key).do(ctx, &request{op: cache.OpDelete, verb: verbDelete, key: key, idempotent: true})
}

// Touch implements [driver.Toucher].
func (d *cluster) Touch(ctx context.Context, key string, ttl time.Duration) error {
	return d.pick(key).do(ctx, &request{
		op: cache.OpTouch, verb: verbTouch, key: key, expiry: memcached.ExpiryFromNow(ttl), idempotent: true,
	})
}
