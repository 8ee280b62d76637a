package guide_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

func TestSessionExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := memory.New(memory.Config{CheckReads: true})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.Set(t.Context(), "session:5", []byte("ann"), time.Hour); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour) // takes no time here
		if _, err := c.Get(t.Context(), "session:5"); !errors.Is(err, cache.ErrMiss) {
			t.Errorf("after an hour: %v", err)
		}
	})
}
