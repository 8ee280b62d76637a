//go:build unix

package production_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/memory"
)

// render represents work that is worth caching. It is controlled by the name.
func render(_ context.Context, name string) ([]byte, error) {
	switch name {
	case "slow":
		time.Sleep(10 * patience)
	case "broken":
		return nil, errors.New("no template")
	}
	return []byte("<h1>" + name + "</h1>"), nil
}

const patience = 50 * time.Millisecond

// page returns a page. It waits for the cache no longer than patience, to get and to set.
func page(ctx context.Context, c *cache.Cache, name string) ([]byte, error) {
	limited, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	cached, err := c.Get(limited, name)
	if err == nil {
		return cached, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err() // the caller gave up
	}
	made, renderErr := render(ctx, name)
	if errors.Is(err, cache.ErrMiss) && renderErr == nil {
		limited, cancel := context.WithTimeout(ctx, patience) // from now on, however long render took
		defer cancel()
		err = c.Set(limited, name, made, time.Minute)
	}
	if err != nil && !errors.Is(err, cache.ErrMiss) {
		countFailure(err) // the page is there all the same
	}
	return made, renderErr
}

// failures are the errors that countFailure was called with.
var failures []error

func countFailure(err error) { failures = append(failures, err) }

// A page that takes longer to render than anyone waits for the cache is cached, and one
// that cannot be rendered is an error that is not the cache's.
func TestPageThatIsSlowOrBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := made(t)(memory.New(memory.Config{}))
		failures = nil
		for i := range 2 {
			begin := time.Now()
			if _, err := page(t.Context(), c, "slow"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); (took > 0) != (i == 0) {
				t.Errorf("request %d took %v", i+1, took)
			}
		}
		if _, err := page(t.Context(), c, "broken"); err == nil {
			t.Error("no error of a page that cannot be rendered")
		}
		if len(failures) > 0 {
			t.Errorf("failures of the cache: %v", failures)
		}
	})
}

// A page is there when its server is silent, in about the time of its deadline and long
// before the timeout of the driver.
func TestPageFromSilentServer(t *testing.T) {
	server := memcachedtest.Start(t, "tcp")
	const timeout = time.Minute
	c, err := gomemcache.New(gomemcache.Config{Servers: []string{server.Addr()}, Timeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()

	memcachedtest.Eventually(t, "a page from the cache", func() bool {
		got, err := page(t.Context(), c, "seven")
		if err != nil || string(got) != "<h1>seven</h1>" {
			t.Fatalf("page %q, error %v", got, err)
		}
		return server.Stat("get_hits") > 0
	})

	failures = nil
	server.Freeze()
	defer server.Thaw()
	begin := time.Now()
	got, err := page(t.Context(), c, "seven")
	if err != nil || string(got) != "<h1>seven</h1>" {
		t.Errorf("from a silent server: %s, %v", got, err)
	}
	if took := time.Since(begin); took > timeout/2 {
		t.Errorf("it took %v", took)
	}
	if len(failures) != 1 || !errors.Is(failures[0], context.DeadlineExceeded) {
		t.Errorf("failures: %v", failures)
	}

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := page(canceled, c, "seven"); !errors.Is(err, context.Canceled) {
		t.Errorf("when the caller gave up: %v", err)
	}
}
