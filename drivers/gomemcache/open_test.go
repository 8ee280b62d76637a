package gomemcache_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestMain(m *testing.M) { memcachedtest.Main(m) }

// patient is a timeout for tests that are not about time: the machine may be busy.
const patient = 30 * time.Second

// open makes a cache that is closed with the test.
func open(t testing.TB, c gomemcache.Config) *cache.Cache {
	t.Helper()
	if c.Timeout == 0 {
		c.Timeout = patient
	}
	k, err := gomemcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := k.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return k
}

// empty is open on a cluster that has nothing in it.
func empty(t testing.TB, c gomemcache.Config) *cache.Cache {
	t.Helper()
	k := open(t, c)
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}
