package ketama_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

var names = memcachedtest.ReplaceResolver()

func TestNameMoves(t *testing.T) {
	memcachedtest.NameMoves(t, names, func(t *testing.T, server string) *cache.Cache {
		return open(t, ketama.Config{Servers: []string{server}, Timeout: patient, PoolSize: 64})
	})
}
