package ketama_test

import (
	"testing"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestAllocs: the driver adds no allocation to those of the bare library, and makes
// one for a get, the value.
func TestAllocs(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	mc, err := memcache.New(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer mc.Close()
	mc.SetTimeout(patient)
	value := make([]byte, 128)
	bare := func(want error, f func() error) int {
		return int(testing.AllocsPerRun(200, func() {
			if err := f(); err != want {
				t.Fatalf("bare library: %v, want %v", err, want)
			}
		}))
	}
	set := bare(nil, func() error { return mc.Set(&memcache.Item{Key: "k", Value: value}) })
	addPresent := bare(memcache.ErrNotStored, func() error { return mc.Add(&memcache.Item{Key: "k", Value: value}) })
	deleteMiss := bare(memcache.ErrCacheMiss, func() error { return mc.Delete("absent") })
	setDelete := bare(nil, func() error {
		if err := mc.Set(&memcache.Item{Key: "k", Value: value}); err != nil {
			return err
		}
		return mc.Delete("k")
	})
	if err := mc.Set(&memcache.Item{Key: "n", Value: []byte("1000000000")}); err != nil {
		t.Fatal(err)
	}
	increment := bare(nil, func() error { _, err := mc.Increment("n", 1); return err })
	decrement := bare(nil, func() error { _, err := mc.Decrement("n", 1); return err })

	cachetest.Allocs(t, func(t *testing.T) *cache.Cache {
		return empty(t, ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix")), Timeout: patient})
	}, cachetest.Allocations{
		GetHit:     1,
		GetMiss:    0,
		Set:        set,
		AddPresent: addPresent,
		Replace:    0,
		DeleteMiss: deleteMiss,
		SetDelete:  setDelete,
		Increment:  increment,
		Decrement:  decrement,
	})
}
