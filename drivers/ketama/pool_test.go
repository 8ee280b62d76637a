package ketama_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// busy is a cache whose only client waits for a server that does not reply. The
// returned function ends that.
func busy(t *testing.T, wait time.Duration) (c *cache.Cache, addr string, end func()) {
	t.Helper()
	f := memcachedtest.StartFake(t, func(int) []memcachedtest.Step { return nil })
	c, err := ketama.New(ketama.Config{Servers: []string{f.Addr()}, PoolSize: 1, PoolTimeout: wait, Timeout: patient})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Get(ctx, "k")
		done <- err
	}()
	memcachedtest.Eventually(t, "the client is in use", func() bool { return f.Accepted() == 1 })
	end = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("the first call: %v", err)
		}
	})
	t.Cleanup(func() {
		end()
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c, f.Addr(), end
}

func TestPoolExhausted(t *testing.T) {
	c, addr, end := busy(t, 20*time.Millisecond)
	for _, a := range actions {
		start := time.Now()
		err := a.run(t.Context(), c)
		isOutage(t, err, a.op, addr)
		bounded(t, start)
		if !strings.Contains(err.Error(), "pool_size") || !strings.Contains(err.Error(), "20ms") {
			t.Errorf("%v: %v; want what to turn", a.op, err)
		}
		var timeout interface{ Timeout() bool }
		if !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%v: %v is not a timeout", a.op, err)
		}
	}
	end()
	// The client is free again: now it is the server that does not reply.
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := c.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with a free client: %v", err)
	}
}

func TestPoolTimeoutEndsWithTheContext(t *testing.T) {
	c, addr, _ := busy(t, patient)
	for _, a := range actions {
		start := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		err := a.run(ctx, c)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%v: %v", a.op, err)
		}
		isNamed(t, err, a.op, addr)
		bounded(t, start)
	}
}

func TestCloseEndsTheWait(t *testing.T) {
	c, _, end := busy(t, patient)
	waiting := make(chan error, 1)
	go func() {
		_, err := c.Get(t.Context(), "k")
		waiting <- err
	}()
	closed := make(chan error, 1)
	go func() { closed <- c.Close() }()
	memcachedtest.Eventually(t, "the cache is closed", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Get(ctx, "k")
		return errors.Is(err, cache.ErrClosed)
	})
	end()
	if err := <-waiting; !errors.Is(err, cache.ErrClosed) {
		t.Errorf("the call that waited: %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

// TestPoolBoundsConnections: at most pool_size calls are at work, and a batch takes
// one client of a server.
func TestPoolBoundsConnections(t *testing.T) {
	const size = 3
	s := memcachedtest.Start(t, "unix", "-t", "1")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, PoolSize: size, Timeout: patient})
	all := keys(2000)
	values := valuesOf(all)
	before := stat(t, s, "total_connections")
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if err := c.SetMulti(t.Context(), values, 0); err != nil {
				t.Error(err)
			}
			if _, err := c.GetMulti(t.Context(), all); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	// The connection that asks counts too.
	if n := stat(t, s, "total_connections") - before - 1; n < 1 || n > size {
		t.Errorf("%d connections were made, want 1 to %d", n, size)
	}
}

// stat returns a number of the server's statistics.
func stat(t *testing.T, s *memcachedtest.Server, name string) int {
	t.Helper()
	for _, line := range s.Command("stats", "END") {
		if v, ok := strings.CutPrefix(line, "STAT "+name+" "); ok {
			n, err := strconv.Atoi(v)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("the server has no statistic %s", name)
	return 0
}
