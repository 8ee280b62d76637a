package ketama_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// statsOf returns the statistics of the only server of c.
func statsOf(t *testing.T, c *cache.Cache) driver.ServerStats {
	t.Helper()
	st, err := c.Stats(t.Context())
	if err != nil || len(st.Servers) != 1 {
		t.Fatalf("Stats: %+v, error %v; want one server", st, err)
	}
	return st.Servers[0]
}

func TestStatsOfConnections(t *testing.T) {
	const calls = 20
	wait := make(chan struct{})
	f := fake(t, []memcachedtest.Step{{Expect: request(noop, 0, "", "", ""), Wait: wait, Reply: reply(noop, ok, "", "", "")}})
	c := open(t, ketama.Config{Servers: []string{f.Addr()}, PoolSize: calls, Timeout: patient})
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			if err := c.Ping(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	memcachedtest.Eventually(t, "all calls are connected", func() bool { return statsOf(t, c).Opened == calls })
	if st := statsOf(t, c); st.Server != f.Addr() || st.Open != calls || st.InUse != calls || st.Idle != 0 || st.Closed != 0 || st.MaxOpen < calls {
		t.Errorf("with %d calls in progress: %+v", calls, st)
	}
	close(wait)
	wg.Wait()
	if st := statsOf(t, c); st.Open != calls || st.InUse != 0 || st.Idle != calls || st.Opened != calls || st.Closed != 0 {
		t.Errorf("after %d calls: %+v, want all idle", calls, st)
	}
}

func TestStatsOfWaits(t *testing.T) {
	wait := make(chan struct{})
	ping := memcachedtest.Step{Expect: request(noop, 0, "", "", ""), Wait: wait, Reply: reply(noop, ok, "", "", "")}
	next := memcachedtest.Step{Expect: message(requestMagic, noop, 0, 1, 0, "", "", ""), Reply: message(replyMagic, noop, ok, 1, 0, "", "", "")}
	f := fake(t, []memcachedtest.Step{ping, next})
	c := open(t, ketama.Config{Servers: []string{f.Addr()}, PoolSize: 1, Timeout: patient})
	pings := make(chan error)
	call := func() { pings <- c.Ping(context.Background()) }
	go call()
	memcachedtest.Eventually(t, "the client is in use", func() bool { return statsOf(t, c).InUse == 1 })
	began := time.Now()
	go call()
	memcachedtest.Eventually(t, "a call waits", func() bool { return statsOf(t, c).WaitCount == 1 })
	close(wait)
	if err := errors.Join(<-pings, <-pings); err != nil {
		t.Error(err)
	}
	if st := statsOf(t, c); st.WaitCount != 1 || st.WaitDuration <= 0 || st.WaitDuration > time.Since(began) || st.Opened != 1 {
		t.Errorf("Stats: %+v, want one wait of less than %v, and one connection", st, time.Since(began))
	}
}

func TestStatsOfFailures(t *testing.T) {
	found := reply(get, ok, bytesFlags, "k", "x")
	read := func(ctx context.Context, c *cache.Cache) { _, _ = c.Get(ctx, "k") }
	inUse := func(ctx context.Context, c *cache.Cache) bool {
		st, err := c.Stats(ctx)
		return err == nil && st.Servers[0].InUse > 0
	}
	for name, tt := range map[string]struct {
		reply string
		then  bool // the connection ends
		call  func(ctx context.Context, c *cache.Cache)
		want  driver.Failures
	}{
		"success":       {found, false, read, driver.Failures{}},
		"miss":          {reply(get, miss, "", "", ""), false, read, driver.Failures{}},
		"silence":       {"", false, read, driver.Failures{Timeout: 1}},
		"end":           {"", true, read, driver.Failures{Lost: 1}},
		"cut":           {found[:28], true, read, driver.Failures{Lost: 1}},
		"invalid reply": {reply(set, ok, "", "", ""), false, read, driver.Failures{Protocol: 1}},
		"refused":       {reply(get, 0x82, "", "", ""), false, read, driver.Failures{Refused: 1}},
		"canceled": {"", false, func(ctx context.Context, c *cache.Cache) {
			ctx, cancel := context.WithTimeout(ctx, 2*time.Second) // in which the call begins
			defer cancel()
			read(ctx, c)
		}, driver.Failures{Canceled: 1}},
		"down":             {"", false, func(ctx context.Context, c *cache.Cache) { read(ctx, c); read(ctx, c) }, driver.Failures{Timeout: 2}},
		"library, silence": {"", false, func(ctx context.Context, c *cache.Cache) { _ = c.Delete(ctx, "k") }, driver.Failures{Timeout: 1}},
		"library, end":     {"", true, func(ctx context.Context, c *cache.Cache) { _ = c.Delete(ctx, "k") }, driver.Failures{Lost: 1}},
		"library, refused": {reply(remove, 0x82, "", "", ""), false, func(ctx context.Context, c *cache.Cache) { _ = c.Delete(ctx, "k") }, driver.Failures{Refused: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := fake(t, []memcachedtest.Step{{Reply: tt.reply, Close: tt.then}})
			timeout := patient
			if tt.want.Timeout > 0 {
				timeout = 2 * time.Second
			}
			c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: timeout})
			tt.call(t.Context(), c)
			if got := statsOf(t, c).Failures; got != tt.want {
				t.Errorf("failures %+v, want %+v", got, tt.want)
			}
		})
	}
	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		f := fake(t, []memcachedtest.Step{{}})
		c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: 500 * time.Millisecond})
		ctx := t.Context()
		read(ctx, c)
		read(ctx, c)
		memcachedtest.Eventually(t, "a call is rejected while another one asks the server", func() bool {
			asking := make(chan struct{})
			go func() { defer close(asking); read(ctx, c) }()
			for over := false; !over && !inUse(ctx, c); {
				select {
				case <-asking:
					over = true
				default:
				}
			}
			read(ctx, c)
			<-asking
			return statsOf(t, c).Failures.Rejected > 0
		})
		if got := statsOf(t, c).Failures; got.Timeout < 3 || got != (driver.Failures{Timeout: got.Timeout, Rejected: got.Rejected}) {
			t.Errorf("failures %+v, want at least 3 timeouts and some calls rejected", got)
		}
	})
	t.Run("no free client", func(t *testing.T) {
		c, _, end := busy(t, 20*time.Millisecond)
		read(t.Context(), c)
		if got, want := statsOf(t, c).Failures, (driver.Failures{PoolTimeout: 1}); got != want {
			t.Errorf("failures %+v, want %+v", got, want)
		}
		end()
	})
}
