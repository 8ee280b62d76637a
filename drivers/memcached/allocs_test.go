package memcached_test

import (
	"context"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/race"
)

// An operation allocates the value that it returns, and nothing else.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	s := memcachedtest.Start(t, "unix")
	for name, servers := range map[string][]string{
		"one server": {s.Addr()},
		"three":      memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix")),
	} {
		t.Run(name, func(t *testing.T) {
			c := open(t, memcached.Config{Servers: servers, Timeout: patient})
			ctx := context.Background()
			mayEnd, cancel := context.WithTimeout(ctx, time.Hour)
			defer cancel()
			value := make([]byte, 128)
			text := c.WithKind(cache.Text)
			fine := func(err error) {
				if err != nil {
					t.Fatal(err)
				}
			}
			fine(c.Set(ctx, "k", value, 0))
			fine(c.Set(ctx, "n", []byte("1000000000"), 0))
			for _, op := range []struct {
				name string
				want float64
				do   func()
			}{
				{"Get", 1, func() { _, err := c.Get(ctx, "k"); fine(err) }},
				{"Get miss", 0, func() { _, _ = c.Get(ctx, "absent") }},
				{"Get with a context", 1, func() { _, err := c.Get(mayEnd, "k"); fine(err) }},
				{"Set with a context", 0, func() { fine(c.Set(mayEnd, "k", value, 0)) }},
				{"GetAndTouch", 1, func() { _, err := c.GetAndTouch(ctx, "k", ttl); fine(err) }},
				{"GetItem", 2, func() { _, err := c.GetItem(ctx, "k"); fine(err) }}, // and the token
				{"Set", 0, func() { fine(c.Set(ctx, "k", value, 0)) }},
				{"Set with TTL", 0, func() { fine(c.Set(ctx, "k", value, ttl)) }},
				{"Set text", 0, func() { fine(text.Set(ctx, "k", value, ttl)) }},
				{"Add", 0, func() { _ = c.Add(ctx, "k", value, ttl) }},
				{"Replace", 0, func() { fine(c.Replace(ctx, "k", value, ttl)) }},
				{"Delete miss", 0, func() { _ = c.Delete(ctx, "absent") }},
				{"Touch", 0, func() { fine(c.Touch(ctx, "k", ttl)) }},
				{"Increment", 0, func() { _, err := c.Increment(ctx, "n", 1); fine(err) }},
				{"Decrement", 0, func() { _, err := c.Decrement(ctx, "n", 1); fine(err) }},
			} {
				if got := testing.AllocsPerRun(500, op.do); got > op.want {
					t.Errorf("%s: %v allocations, want %v", op.name, got, op.want)
				}
			}
		})
	}
}
