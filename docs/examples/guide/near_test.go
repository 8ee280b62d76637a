package guide_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
)

// near returns a view of c that keeps values in the process, if the driver has such views.
// For other drivers it returns c.
func near(c *cache.Cache) (*cache.Cache, error) {
	if c.Driver() != "valkey" {
		return c, nil
	}
	return valkey.Near(c, valkey.NearConfig{MaxAge: time.Second})
}

func TestNear(t *testing.T) {
	for dsn, isView := range map[string]bool{"memory://": false, "null://": false, "valkey://127.0.0.1:1": true} {
		c, err := cache.Open(dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		if v, err := near(c); err != nil || (v != c) != isView {
			t.Errorf("%s: another cache: %v, error %v; want %v", dsn, v != c, err, isView)
		}
	}
}
