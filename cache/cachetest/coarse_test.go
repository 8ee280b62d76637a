package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// coarse is a mapCache that counts time in seconds, by a clock that ticks once a second, and
// rounds TTLs up.
type coarse struct{ *mapCache }

// seconds returns a TTL that ends at a tick.
func seconds(ttl time.Duration) time.Duration {
	if ttl == 0 || ttl > 50*365*24*time.Hour {
		return ttl
	}
	now := time.Now()
	return now.Truncate(time.Second).Add((ttl + time.Second - 1).Truncate(time.Second)).Sub(now)
}

func (c *coarse) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	e.TTL = seconds(e.TTL)
	return c.mapCache.Store(ctx, mode, e)
}

func (c *coarse) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	e.TTL = seconds(e.TTL)
	return c.mapCache.CompareAndSwap(ctx, token, e)
}

func (c *coarse) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	return c.mapCache.GetAndTouch(ctx, key, seconds(ttl))
}

func (c *coarse) Touch(ctx context.Context, key string, ttl time.Duration) error {
	return c.mapCache.Touch(ctx, key, seconds(ttl))
}
