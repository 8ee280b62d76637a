package ketama_test

import (
	"fmt"
	"testing"

	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestDependency(t *testing.T) {
	for _, n := range []int{1, 3} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			cfg := ketama.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, n, "unix")), Timeout: patient}
			dependencytest.Hammer(t, open(t, cfg), open(t, cfg))
		})
	}
}
