package production_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
)

// made returns a function that takes the results of New.
func made(t *testing.T) func(*cache.Cache, error) *cache.Cache {
	return func(c *cache.Cache, err error) *cache.Cache {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := c.Close(); err != nil {
				t.Error(err)
			}
		})
		return c
	}
}
