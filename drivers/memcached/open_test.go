package memcached_test

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
)

func TestMain(m *testing.M) {
	flag.Parse()
	// The tests that are parallel wait for items to expire. That takes time and no
	// processor, of which there may be two.
	if err := flag.Set("test.parallel", "100"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// patient is the timeout where it is not what the test is about: on a busy machine the
// default may pass.
const patient = 30 * time.Second

// open makes a cache that is closed with the test.
func open(t testing.TB, cfg memcached.Config) *cache.Cache {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = patient
	}
	c, err := memcached.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

// empty is open on servers that are then flushed.
func empty(t testing.TB, cfg memcached.Config) *cache.Cache {
	t.Helper()
	c := open(t, cfg)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}
