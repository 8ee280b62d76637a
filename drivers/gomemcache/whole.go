package gomemcache

import (
	"context"

	"github.com/larder-go/larder/cache"
)

func (d *driverCache) Flush(ctx context.Context) error {
	return d.onAll(func(s *server) error {
		return s.do(ctx, request{op: cache.OpFlush, again: true}, func(c *session) error {
			return c.client.FlushAll()
		})
	})
}

func (d *driverCache) Ping(ctx context.Context) error {
	return d.onAll(func(s *server) error {
		return s.do(ctx, request{op: cache.OpPing, again: true}, func(c *session) error {
			return c.client.Ping()
		})
	})
}

func (d *driverCache) Close() error {
	for _, s := range d.servers {
		s.close()
	}
	return nil
}
