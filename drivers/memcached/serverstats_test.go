package memcached_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// ServerStats returns the statistics of each server that replies, and an error that names each
// that does not.
func TestServerStats(t *testing.T) {
	servers := memcachedtest.StartN(t, 2, "unix")
	addrs := memcachedtest.Addrs(servers)
	c := open(t, memcached.Config{Servers: addrs, Timeout: patient})
	ctx := t.Context()
	if err := c.SetMulti(ctx, valuesOf([]string{"a", "b", "c"}), 0); err != nil {
		t.Fatal(err)
	}
	stats, err := memcached.ServerStats(ctx, memcached.Config{Servers: addrs, Timeout: patient})
	if err != nil || len(stats) != 2 {
		t.Fatalf("%v, error %v; want those of 2 servers", stats, err)
	}
	items := 0
	for _, addr := range addrs {
		st := stats[addr]
		if st["version"] == "" || len(st["curr_items"]) != 1 {
			t.Fatalf("statistics of %s: %v", addr, st)
		}
		items += int(st["curr_items"][0] - '0')
	}
	if items != 3 {
		t.Errorf("%d items on both servers, want 3", items)
	}

	servers[0].Kill()
	stats, err = memcached.ServerStats(ctx, memcached.Config{Servers: addrs, Timeout: patient})
	if len(stats) != 1 || stats[addrs[1]]["version"] == "" {
		t.Errorf("one server down: %v", stats)
	}
	memcachedtest.IsOutage(t, err, "memcached", cache.OpStats, addrs[0])

	servers[1].Freeze()
	defer servers[1].Thaw()
	const timeout = 100 * time.Millisecond
	frozen := memcached.Config{Servers: addrs[1:], Timeout: timeout}
	_, err = memcached.ServerStats(ctx, frozen)
	var late interface{ Timeout() bool }
	if !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("a frozen server: error %v, want a timeout", err)
	}
	memcachedtest.IsOutage(t, err, "memcached", cache.OpStats, addrs[1])
	frozen.Timeout = patient
	ended, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if _, err = memcached.ServerStats(ended, frozen); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("a context that ended: error %v", err)
	}
}

// A reply that is not the statistics is an outage.
func TestServerStatsOfOthers(t *testing.T) {
	for _, reply := range []string{"ERROR\r\n", "STAT pid\r\nEND\r\n", "STAT pid 1\r\n", "STAT pid 1\r\nHTTP/1.1 400\r\n"} {
		f := memcachedtest.StartFake(t, func(int) []memcachedtest.Step {
			return []memcachedtest.Step{{Expect: "stats\r\n", Reply: reply, Close: true}}
		})
		stats, err := memcached.ServerStats(t.Context(), memcached.Config{Servers: []string{f.Addr()}, Timeout: patient})
		if len(stats) != 0 {
			t.Errorf("%q: %v", reply, stats)
		}
		memcachedtest.IsOutage(t, err, "memcached", cache.OpStats, f.Addr())
	}
	if _, err := memcached.ServerStats(t.Context(), memcached.Config{Conns: -1}); err == nil {
		t.Error("a configuration that is invalid: no error")
	}
}
