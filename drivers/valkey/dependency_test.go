package valkey_test

import (
	"testing"

	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

func TestDependency(t *testing.T) {
	t.Parallel()
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		t.Run("single", func(t *testing.T) {
			t.Parallel()
			cfg := config(valkeytest.Start(t, b, "unix"))
			dependencytest.Hammer(t, open(t, cfg), open(t, cfg))
		})
		t.Run("cluster", func(t *testing.T) {
			t.Parallel()
			cfg := valkey.Config{Servers: valkeytest.StartCluster(t, b, 3).Addrs(), Cluster: true, Timeout: patient}
			dependencytest.Hammer(t, open(t, cfg), open(t, cfg))
		})
	})
}
