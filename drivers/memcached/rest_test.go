package memcached_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A cache at rest has its connections and no goroutine, whatever it did before. All callers
// share the connections.
func TestAtRest(t *testing.T) {
	servers := memcachedtest.StartN(t, 2, "tcp")
	before := runtime.NumGoroutine()
	c := open(t, memcached.Config{Servers: memcachedtest.Addrs(servers), Timeout: patient})
	var all []string
	for i := range 200 {
		all = append(all, fmt.Sprint("key:", i))
	}
	var wg sync.WaitGroup
	for g := range 100 {
		wg.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			for i := range 5 {
				key := all[(g+i)%len(all)]
				if err := c.Set(ctx, key, valueOf(key), 0); err != nil {
					t.Error(err)
				}
				if _, err := c.GetMulti(ctx, all); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	memcachedtest.Eventually(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	st, err := c.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range st.Servers {
		if s.Server != servers[i].Addr() || s.Open != 1 || s.Idle != 1 || s.Opened != 1 || s.MaxOpen != 1 {
			t.Errorf("Stats of a server: %+v, want one connection, idle", s)
		}
	}
}
