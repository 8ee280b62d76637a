package filecache_test

import (
	"flag"
	"testing"
	"time"

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

// long runs the contract with a key encoding too: go test -long.
var long = flag.Bool("long", false, "run the whole contract in every configuration")

func TestKeyEncoding(t *testing.T) {
	open := func(t *testing.T) *cache.Cache {
		c, err := filecache.New(filecache.Config{Dir: t.TempDir(), KeyEncoding: encoding.Safe()})
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if *long {
		cachetest.Run(t, open, cachetest.Options{Synctest: true, DriverOnly: true, KeyEncoding: encoding.Safe()})
	}
	const key = "not a key\nwithout an encoding"
	c := open(t)
	defer c.Close()
	set(t, c, key, []byte("value"), time.Hour)
	if got, err := c.Get(t.Context(), key); err != nil || string(got) != "value" {
		t.Errorf("Get = %q, %v", got, err)
	}
}
