package ketama_test

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load/loadtest"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	cfg := ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 3, "unix")), Timeout: patient}
	loadtest.Run(t, func(t *testing.T) *cache.Cache { return open(t, cfg) }, loadtest.Options{
		Granularity: time.Second, TooLarge: 2 << 20,
		Outage: func(t *testing.T) *cache.Cache {
			return open(t, ketama.Config{Servers: []string{memcachedtest.FreeAddr(t)}, Timeout: time.Second})
		},
	})
}
