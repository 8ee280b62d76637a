package ketama_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestMain(m *testing.M) { memcachedtest.Main(m) }

// patient is the timeout where it is not what the test is about: on a busy machine
// the default may pass.
const patient = 30 * time.Second

// open makes a cache that is closed with the test.
func open(t testing.TB, cfg ketama.Config) *cache.Cache {
	t.Helper()
	if cfg.Timeout == 0 {
		cfg.Timeout = patient
	}
	c, err := ketama.New(cfg)
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
func empty(t testing.TB, cfg ketama.Config) *cache.Cache {
	t.Helper()
	c := open(t, cfg)
	if err := c.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return c
}
