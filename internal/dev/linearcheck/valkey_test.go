package linearcheck

import (
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestLinearValkey does the same on servers, alone and in a cluster.
func TestLinearValkey(t *testing.T) {
	const (
		longest = 8 * time.Millisecond
		// Servers round a TTL up to a millisecond and find an entry for one more.
		late = 3 * time.Millisecond
	)
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		for name, cfg := range map[string]valkey.Config{
			"single":  {Servers: []string{valkeytest.Start(t, b, "unix").Addr()}},
			"cluster": {Servers: valkeytest.StartCluster(t, b, 3).Addrs(), Cluster: true},
		} {
			t.Run(name, func(t *testing.T) {
				cfg.FlushDatabase, cfg.Timeout = true, 10*time.Second
				c, err := valkey.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				for round := range many(3) {
					if err := c.Flush(ctx); err != nil {
						t.Fatal(err)
					}
					check(t, model(false, late), round, run(c, round, longest))
				}
			})
		}
	})
}
