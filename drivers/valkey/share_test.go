package valkey_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestAfterRestart: the first call after a restart works, whichever it is, if it is
// idempotent.
func TestAfterRestart(t *testing.T) {
	eachOrAny(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "tcp")
		c := open(t, config(s))
		ctx := t.Context()
		for name, first := range map[string]func() error{
			"Get":           func() error { _, err := c.Get(ctx, "k"); return err },
			"Set":           func() error { return c.Set(ctx, "k", nil, 0) },
			"GetItem":       func() error { _, err := c.GetItem(ctx, "k"); return err },
			"GetOrAdd":      func() error { _, _, err := c.GetOrAdd(ctx, "k", nil, 0); return err },
			"GetMulti":      func() error { _, err := c.GetMulti(ctx, keys(2500)); return err },
			"SetMulti":      func() error { return c.SetMulti(ctx, valuesOf(keys(2500)), 0) },
			"GetOrAddMulti": func() error { _, _, err := c.GetOrAddMulti(ctx, valuesOf(keys(2500)), 0); return err },
			"Ping":          func() error { return c.Ping(ctx) },
			"Flush":         func() error { return c.Flush(ctx) },
		} {
			if err := c.Set(ctx, "other", nil, 0); err != nil {
				t.Fatal(err)
			}
			s.Restart()
			if err := first(); err != nil && !errors.Is(err, cache.ErrMiss) {
				t.Errorf("%s after a restart: %v", name, err)
			}
		}
	})
}

// TestConnectionRefused: a call whose attempt to connect fails tries once more, whatever the
// operation. The attempt may have begun before the call, when the server was still down. It does
// not try for ever.
func TestConnectionRefused(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	ctx := t.Context()
	s.Do("SET", "n", "1")
	for name, call := range map[string]func(c *cache.Cache) error{
		"Increment": func(c *cache.Cache) error { _, err := c.Increment(ctx, "n", 1); return err },
		"AddMulti":  func(c *cache.Cache) error { return c.AddMulti(ctx, valuesOf(keys(100)), 0) },
		"Get":       func(c *cache.Cache) error { _, err := c.Get(ctx, "n"); return err },
	} {
		m := startMute(t, s.Addr())
		c := open(t, valkey.Config{Servers: []string{m.listener.Addr().String()}, Timeout: patient})
		m.refuse.Store(2)
		if err := call(c); !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s after two attempts to connect failed: %v", name, err)
		}
		m.refuse.Store(1)
		if err := call(c); err != nil {
			t.Errorf("%s after the first attempt to connect failed: %v", name, err)
		}
	}
}

// TestDeadlineOfAnother: callers share a connection, and when the contexts of some end while
// the server is silent, the calls of the others go on and get their replies.
func TestDeadlineOfAnother(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	c := open(t, config(s))
	ctx := t.Context()
	all := keys(64)
	if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
		t.Fatal(err)
	}
	before, err := c.Stats(ctx)
	if err != nil {
		t.Fatal(err)
	}
	s.Pause()
	var hasty, patient sync.WaitGroup
	for _, k := range all {
		patient.Go(func() {
			if v, err := c.Get(ctx, k); err != nil || string(v) != string(valueOf(k)) {
				t.Errorf("Get by a patient caller: %q, %v", v, err)
			}
		})
		hasty.Go(func() {
			short, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			if _, err := c.Get(short, k); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Get by a hasty caller: %v", err)
			}
			if _, err := c.GetMulti(short, all); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("GetMulti by a hasty caller: %v", err)
			}
		})
	}
	hasty.Wait()
	s.Resume()
	patient.Wait()
	after, err := c.Stats(ctx)
	if err != nil || after.Servers[0].Opened != before.Servers[0].Opened {
		t.Errorf("%d connections were made in all, %d before, %v; want no more", after.Servers[0].Opened, before.Servers[0].Opened, err)
	}
}

// TestSilent: on a server that is silent, calls without a deadline end when the timeout
// has passed, all of them at once, and those that follow are not made to wait again.
func TestSilent(t *testing.T) {
	const timeout = 300 * time.Millisecond
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	c := open(t, valkey.Config{Servers: []string{s.Addr()}, Timeout: timeout, FlushDatabase: true})
	ctx := t.Context()
	// On a busy machine one call may take longer than the timeout.
	memcachedtest.Eventually(t, "the server is used", func() bool { return c.Set(ctx, "k", nil, 0) == nil })
	s.Pause()
	start := time.Now()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			_, err := c.Get(ctx, "k")
			memcachedtest.IsOutage(t, err, "valkey", cache.OpGet, s.Addr())
		})
	}
	wg.Go(func() {
		_, err := c.GetMulti(ctx, keys(2500))
		if !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("GetMulti: %v", err)
		}
	})
	wg.Wait()
	// An idempotent operation is tried once more on another connection.
	memcachedtest.Bounded(t, start, 2*timeout)
	s.Resume()
	memcachedtest.Eventually(t, "calls work", func() bool { return c.Set(ctx, "k", nil, 0) == nil })
}
