package cache

import (
	"context"

	"github.com/larder-go/larder/cache/driver"
)

// Stats are statistics that a backend keeps.
type Stats = driver.Stats

// ServerStats are statistics of the connections to one server.
type ServerStats = driver.ServerStats

// pingKey is the key that Ping gets if the driver has no ping. Nothing is stored there.
const pingKey = "larder-ping"

// Flush removes everything in this cache: the items of all views and prefixes, and on shared
// servers those of other programs. A cache with namespaces flushes each cache behind
// them once.
func (c *Cache) Flush(ctx context.Context) error {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpFlush, 0)
		err := c.bare.Flush(ctx)
		s.end(ctx, 0, err)
		return err
	}
	return c.whole(ctx, func(co *core) error {
		// The records of tags may be in this cache, and their values in another one.
		defer co.invalidations.Add(1)
		return co.driver.Flush(ctx)
	})
}

// Ping reports whether the servers of this cache can be reached. It returns nil if all of
// them reply. In-process caches are always reachable. A cache with namespaces pings each
// cache behind them.
func (c *Cache) Ping(ctx context.Context) error {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpPing, 0)
		err := c.bare.Ping(ctx)
		s.end(ctx, 0, err)
		return err
	}
	if c.near != nil && c.parts == nil {
		if err := c.ready(ctx); err != nil {
			return err
		}
		return c.near.Ping(ctx)
	}
	return c.whole(ctx, func(co *core) error {
		if co.ping != nil {
			return co.ping.Ping(ctx)
		}
		_, err := co.driver.Get(ctx, pingKey)
		return ignoreMiss(err)
	})
}

// whole calls f for each distinct cache behind c.
func (c *Cache) whole(ctx context.Context, f func(*core) error) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.parts == nil {
		return f(c.core)
	}
	return c.parts.each(func(co *core) error {
		if co.closed.Load() {
			return ErrClosed
		}
		return f(co)
	})
}

// Stats returns the statistics of this cache; a cache with namespaces returns those of the
// default one. Not every backend supports it; see [Cache.Supports].
func (c *Cache) Stats(ctx context.Context) (Stats, error) {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpStats, 0)
		st, err := c.bare.Stats(ctx)
		s.end(ctx, 0, err)
		return st, err
	}
	if err := c.ready(ctx); err != nil {
		return Stats{}, err
	}
	if c.near != nil {
		return c.near.Stats(ctx)
	}
	if c.core.stats == nil {
		return Stats{}, c.unsupported(OpStats)
	}
	return c.core.stats.Stats(ctx)
}

// Close releases the resources of the cache and all its views; on a cache with namespaces,
// those of all caches behind them. Operations in progress may still succeed; later ones
// return ErrClosed. Closing again does nothing and returns nil.
func (c *Cache) Close() error {
	if c.parts != nil {
		return c.parts.each(func(co *core) error { return co.close() })
	}
	return c.core.close()
}

func (co *core) close() error {
	if co.closed.Swap(true) {
		return nil
	}
	return co.driver.Close()
}
