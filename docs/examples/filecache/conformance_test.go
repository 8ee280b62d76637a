package filecache_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/docs/examples/filecache"
	"github.com/larder-go/larder/encoding"
)

func TestConformance(t *testing.T) {
	open := func(t *testing.T) *cache.Cache {
		c, err := filecache.New(filecache.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cachetest.Run(t, open, cachetest.Options{Synctest: true, Outage: gone})
}

func TestConformanceEncoded(t *testing.T) {
	open := func(t *testing.T) *cache.Cache {
		c, err := filecache.New(filecache.Config{Dir: t.TempDir(), KeyEncoding: encoding.Safe()})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	cachetest.Run(t, open, cachetest.Options{Synctest: true, DriverOnly: true, KeyEncoding: encoding.Safe()})
}
