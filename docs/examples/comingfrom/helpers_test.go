package comingfrom

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// newMemory returns an empty cache.
func newMemory(t *testing.T) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{MaxBytes: 8 << 20})
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
