//go:build unix

package recipes_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestLimiterOnMemcached(t *testing.T) {
	server := memcachedtest.Start(t, "tcp")
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{server.Addr()}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	l := &Limiter{Cache: c, Limit: 3, Window: time.Minute}
	for i := range 4 {
		ok, wait, err := l.Allow(t.Context(), "ann")
		if err != nil || ok != (i < 3) {
			t.Fatalf("request %d: %v %v", i+1, ok, err)
		}
		if !ok && (wait <= 0 || wait > time.Minute) {
			t.Errorf("wait %v", wait)
		}
	}
}
