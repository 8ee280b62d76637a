package cache

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache/driver"
)

// Stats are counts that a backend keeps of itself; the fields say what they hold.
type Stats = driver.Stats

// pingKey is what Ping asks for where the driver has no ping of its own. Nothing is
// stored under it.
const pingKey = "larder-ping"

// Flush removes everything in this cache: whatever the view and its prefix, and on
// servers that are shared, what others stored. On a cache with namespaces it flushes
// each of the caches behind them once.
func (c *Cache) Flush(ctx context.Context) error {
	return c.whole(ctx, OpFlush, func(ctx context.Context, co *core) error { return co.driver.Flush(ctx) })
}

// Ping reports whether the servers of this cache can be reached: nil when all answer.
// Caches in the process always can.
func (c *Cache) Ping(ctx context.Context) error {
	return c.whole(ctx, OpPing, func(ctx context.Context, co *core) error {
		if co.ping != nil {
			return co.ping.Ping(ctx)
		}
		_, err := co.driver.Get(ctx, pingKey)
		if errors.Is(err, ErrMiss) {
			return nil
		}
		return err
	})
}

// whole runs f on each distinct cache behind c.
func (c *Cache) whole(ctx context.Context, op Op, f func(context.Context, *core) error) error {
	run := func(ctx context.Context) error {
		if err := c.ready(ctx); err != nil {
			return err
		}
		if c.parts == nil {
			return f(ctx, c.core)
		}
		return c.parts.each(func(co *core) error {
			if co.closed.Load() {
				return ErrClosed
			}
			return f(ctx, co)
		})
	}
	if c.hook == nil {
		return run(ctx)
	}
	ctx, s := c.start(ctx, op, 0)
	err := run(ctx)
	s.end(ctx, 0, err)
	return err
}

// Stats returns the counts of this cache; on a cache with namespaces, those of the
// default one. Not every backend can: see [Cache.Supports].
func (c *Cache) Stats(ctx context.Context) (Stats, error) {
	if c.hook == nil {
		return c.stats(ctx)
	}
	ctx, s := c.start(ctx, OpStats, 0)
	st, err := c.stats(ctx)
	s.end(ctx, 0, err)
	return st, err
}

func (c *Cache) stats(ctx context.Context) (Stats, error) {
	if err := c.ready(ctx); err != nil {
		return Stats{}, err
	}
	if c.core.stats == nil {
		return Stats{}, c.unsupported(OpStats)
	}
	return c.core.stats.Stats(ctx)
}

// Close releases the cache and every view of it; on a cache with namespaces, all the
// caches behind them. Operations that are running may still succeed; later ones
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
