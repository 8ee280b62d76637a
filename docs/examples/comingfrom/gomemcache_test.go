//go:build unix

package comingfrom

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// visitBefore counts a visit and returns the greeting of a user, with gomemcache.
func visitBefore(mc *memcache.Client, user string) (greeting string, visits uint64, err error) {
	item, err := mc.Get("greeting:" + user)
	if errors.Is(err, memcache.ErrCacheMiss) {
		item = &memcache.Item{Key: "greeting:" + user, Value: []byte("hello " + user), Expiration: 600}
		err = mc.Set(item)
	}
	if err != nil {
		return "", 0, err
	}
	visits, err = mc.Increment("visits:"+user, 1)
	if errors.Is(err, memcache.ErrCacheMiss) {
		first := &memcache.Item{Key: "visits:" + user, Value: []byte("1"), Expiration: 86400}
		visits, err = 1, mc.Add(first)
		if errors.Is(err, memcache.ErrNotStored) { // another was faster
			visits, err = mc.Increment("visits:"+user, 1)
		}
	}
	return string(item.Value), visits, err
}

// visitAfter does the same with larder.
func visitAfter(ctx context.Context, c *cache.Cache, user string) (greeting string, visits uint64, err error) {
	value, err := c.Get(ctx, "greeting:"+user)
	if errors.Is(err, cache.ErrMiss) {
		value = []byte("hello " + user)
		err = c.Set(ctx, "greeting:"+user, value, 10*time.Minute)
	}
	if err != nil {
		return "", 0, err
	}
	visits, err = c.IncrementFrom(ctx, "visits:"+user, 1, 0, 24*time.Hour)
	return string(value), visits, err
}

// On the same servers, each finds what the other stored, so that programs can move one by
// one.
func TestGomemcache(t *testing.T) {
	servers := memcachedtest.Addrs(memcachedtest.StartN(t, 3, "tcp"))
	mc := memcache.New(servers...)
	mc.Timeout = time.Minute
	defer mc.Close()
	c, err := gomemcache.New(gomemcache.Config{Servers: servers, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	before := func(user string) (string, uint64, error) { return visitBefore(mc, user) }
	after := func(user string) (string, uint64, error) { return visitAfter(t.Context(), c, user) }
	for _, first := range []bool{false, true} {
		for i, user := range []string{"ann", "bob", "cy", "dee", "eve"} {
			if first {
				user += "2"
			}
			for n := range uint64(4) {
				visit := after
				if (n%2 == 0) == first {
					visit = before
				}
				greeting, visits, err := visit(user)
				if err != nil || greeting != "hello "+user || visits != n+1 {
					t.Fatalf("user %d, visit %d: %q, %d, %v", i, n+1, greeting, visits, err)
				}
			}
		}
	}
}

// The page describes a duration that the conversion to int32 seconds cuts to 0.
func TestGomemcacheExpiration(t *testing.T) {
	server := memcachedtest.Start(t, "tcp")
	mc := memcache.New(server.Addr())
	mc.Timeout = time.Minute
	defer mc.Close()
	half := 500 * time.Millisecond
	if err := mc.Set(&memcache.Item{Key: "before", Value: []byte("v"), Expiration: int32(half.Seconds())}); err != nil {
		t.Fatal(err)
	}
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{server.Addr()}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(t.Context(), "after", []byte("v"), half); err != nil {
		t.Fatal(err)
	}
	memcachedtest.Eventually(t, "the end of half a second", func() bool {
		_, err := c.Get(t.Context(), "after")
		return errors.Is(err, cache.ErrMiss)
	})
	if _, err := mc.Get("before"); err != nil {
		t.Errorf("half a second, cut to 0: %v", err)
	}
}
