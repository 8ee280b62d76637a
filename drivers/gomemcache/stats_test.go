package gomemcache_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache"
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

func failuresOf(t *testing.T, c *cache.Cache) driver.Failures { return statsOf(t, c).Failures }

func TestStatsOfConnections(t *testing.T) {
	const calls, kept = 20, 5
	c, f, reply := held(t, calls, kept)
	memcachedtest.Eventually(t, "all calls are connected", func() bool { return statsOf(t, c).Opened == calls })
	if st := statsOf(t, c); st.Server != f.Addr() || st.Open != calls || st.InUse != calls || st.Idle != 0 || st.Opened != calls || st.Closed != 0 {
		t.Errorf("with %d calls in progress: %+v", calls, st)
	}
	reply()
	if st := statsOf(t, c); st.Open != kept || st.InUse != 0 || st.Idle != kept || st.Opened != calls || st.Closed != calls-kept {
		t.Errorf("after %d calls: %+v, want %d idle", calls, st, kept)
	}
}

// A swap waits for the only connection that leads to the server of its token.
func TestStatsOfWaits(t *testing.T) {
	wait := make(chan struct{})
	f := memcachedtest.StartFake(t, script(
		memcachedtest.Step{Expect: "gets k\r\n", Reply: "VALUE k 0 1 9\r\nx\r\nEND\r\n"},
		memcachedtest.Step{Expect: "delete l\r\n", Wait: wait, Reply: "DELETED\r\n"},
		memcachedtest.Step{Expect: "cas k 0 0 1 9\r\ny\r\n", Reply: "STORED\r\n"}))
	c := open(t, gomemcache.Config{Servers: []string{f.Addr()}})
	it, err := c.GetItem(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	deleted, swapped := make(chan error), make(chan error)
	go func() { deleted <- c.Delete(context.Background(), "l") }()
	memcachedtest.Eventually(t, "the connection is in use", func() bool { return statsOf(t, c).InUse == 1 })
	began := time.Now()
	go func() { swapped <- c.CompareAndSwap(context.Background(), it, []byte("y"), 0) }()
	memcachedtest.Eventually(t, "the swap waits", func() bool { return statsOf(t, c).WaitCount == 1 })
	close(wait)
	if err := errors.Join(<-deleted, <-swapped); err != nil {
		t.Error(err)
	}
	if st := statsOf(t, c); st.WaitCount != 1 || st.WaitDuration <= 0 || st.WaitDuration > time.Since(began) || st.Opened != 1 {
		t.Errorf("Stats: %+v, want one wait of less than %v, and one connection", st, time.Since(began))
	}
}

// begins is the time of a context in which a call begins, also on a machine that stands still for
// a while.
const begins = 2 * time.Second

func TestStatsOfFailures(t *testing.T) {
	const read = "VALUE k 0 1 9\r\nx\r\nEND\r\n"
	get := func(ctx context.Context, c *cache.Cache) { _, _ = c.Get(ctx, "k") }
	for name, tt := range map[string]struct {
		steps []memcachedtest.Step
		call  func(ctx context.Context, c *cache.Cache)
		want  driver.Failures
	}{
		"success":       {[]memcachedtest.Step{{Reply: read}}, get, driver.Failures{}},
		"miss":          {[]memcachedtest.Step{{Reply: "END\r\n"}}, get, driver.Failures{}},
		"silence":       {nil, get, driver.Failures{Timeout: 1}},
		"end":           {[]memcachedtest.Step{{Close: true}}, get, driver.Failures{Lost: 1}},
		"cut":           {[]memcachedtest.Step{{Reply: read[:9], Close: true}}, get, driver.Failures{Lost: 1}},
		"garbage":       {[]memcachedtest.Step{{Reply: "garbage\r\n"}}, get, driver.Failures{Refused: 1}},
		"invalid reply": {[]memcachedtest.Step{{Reply: "VALUE k 0 x\r\n"}}, get, driver.Failures{Protocol: 1}},
		"refused":       {[]memcachedtest.Step{{Reply: "SERVER_ERROR out of memory\r\n"}}, get, driver.Failures{Refused: 1}},
		"canceled": {nil, func(ctx context.Context, c *cache.Cache) {
			ctx, cancel := context.WithTimeout(ctx, begins)
			defer cancel()
			get(ctx, c)
		}, driver.Failures{Canceled: 1}},
		"down": {nil, func(ctx context.Context, c *cache.Cache) { get(ctx, c); get(ctx, c) }, driver.Failures{Timeout: 2}},
		"canceled wait": {[]memcachedtest.Step{{Reply: read}}, func(ctx context.Context, c *cache.Cache) {
			it, err := c.GetItem(ctx, "k")
			if err != nil {
				panic(err)
			}
			deleted := make(chan struct{})
			go func() { defer close(deleted); _ = c.Delete(ctx, "l") }()
			for !inUse(ctx, c) {
			}
			hasty, cancel := context.WithTimeout(ctx, begins)
			defer cancel()
			_ = c.CompareAndSwap(hasty, it, nil, 0)
			<-deleted
		}, driver.Failures{Canceled: 1, Timeout: 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := memcachedtest.StartFake(t, script(tt.steps...))
			timeout := patient
			if tt.want.Timeout > 0 {
				timeout = 3 * begins
			}
			c := open(t, gomemcache.Config{Servers: []string{f.Addr()}, Timeout: timeout})
			tt.call(t.Context(), c)
			if f := failuresOf(t, c); f != tt.want {
				t.Errorf("failures %+v, want %+v", f, tt.want)
			}
		})
	}
	t.Run("rejected", func(t *testing.T) {
		t.Parallel()
		f := memcachedtest.StartFake(t, script())
		c := open(t, gomemcache.Config{Servers: []string{f.Addr()}, Timeout: 500 * time.Millisecond})
		ctx := t.Context()
		get(ctx, c)
		get(ctx, c)
		memcachedtest.Eventually(t, "a call is rejected while another one asks the server", func() bool {
			asking := make(chan struct{})
			go func() { defer close(asking); get(ctx, c) }()
			for over := false; !over && !inUse(ctx, c); {
				select {
				case <-asking:
					over = true
				default:
				}
			}
			get(ctx, c)
			<-asking
			return failuresOf(t, c).Rejected > 0
		})
		if got := failuresOf(t, c); got.Timeout < 3 || got != (driver.Failures{Timeout: got.Timeout, Rejected: got.Rejected}) {
			t.Errorf("failures %+v, want at least 3 timeouts and some calls rejected", got)
		}
	})
}

func inUse(ctx context.Context, c *cache.Cache) bool {
	st, err := c.Stats(ctx)
	return err == nil && st.Servers[0].InUse > 0
}
