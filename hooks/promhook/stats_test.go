package promhook_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/internal/dev/hooktest"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

// ofStatistics leaves the samples that come from statistics.
func ofStatistics(all samples) samples {
	maps.DeleteFunc(all, func(k string, _ float64) bool {
		return strings.HasPrefix(k, "larder_operation") || strings.HasPrefix(k, "larder_part")
	})
	return all
}

// The statistics of memory are reported, with evictions by reason.
func TestMemory(t *testing.T) {
	c, err := memory.New(memory.Config{MaxEntries: 100})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hook := promhook.New(promhook.Config{})
	c = hook.Watch(c)
	for i := range 1000 {
		if err := c.Set(t.Context(), fmt.Sprint(i), []byte("value"), 0); err != nil {
			t.Fatal(err)
		}
	}
	st, err := c.Stats(t.Context())
	if err != nil || st.EvictionsByCount < 800 || st.Entries == 0 {
		t.Fatalf("statistics %+v and error %v, want evictions", st, err)
	}
	const labels = `{cache_namespace="",driver="memory"`
	want := samples{
		"larder_stored_entries" + labels + "}":                 float64(st.Entries),
		"larder_stored_bytes" + labels + "}":                   float64(st.Bytes),
		"larder_evictions_total" + labels + `,reason="count"}`: float64(st.EvictionsByCount),
		"larder_evictions_total" + labels + `,reason="size"}`:  0,
		"larder_expirations_total" + labels + "}":              0,
		"larder_stats_errors_total" + labels + "}":             0,
	}
	if diff := cmp.Diff(want, ofStatistics(gather(t, hook))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// pools are the statistics of connections to two servers.
func pools() driver.Stats {
	return driver.Stats{Servers: []driver.ServerStats{{
		Server: "a:1", MaxOpen: 8, Open: 5, InUse: 3, Idle: 2, Opened: 9, Closed: 4, WaitCount: 6, WaitDuration: 1500 * time.Millisecond,
		Failures: driver.Failures{Dial: 1, PoolTimeout: 2, Timeout: 3, Lost: 4, Protocol: 5, Rejected: 6, Canceled: 7},
	}, {
		Server: "b:1", Open: 1, InUse: 1,
	}}}
}

// Pools are reported by server, and caches with equal labels are added up.
func TestPools(t *testing.T) {
	hook := promhook.New(promhook.Config{})
	for range 2 {
		hook.Watch(hooktest.Open(&hooktest.Driver{Statistics: pools()}))
	}
	const a, b = `{cache_namespace="",driver="hooktest",server="a:1"`, `{cache_namespace="",driver="hooktest",server="b:1"`
	want := samples{
		"larder_pool_connections" + a + `,state="in_use"}`: 6,
		"larder_pool_connections" + a + `,state="idle"}`:   4,
		"larder_pool_max_connections" + a + "}":            16,
		"larder_pool_connections_opened_total" + a + "}":   18,
		"larder_pool_connections_closed_total" + a + "}":   8,
		"larder_pool_waits_total" + a + "}":                12,
		"larder_pool_wait_seconds_total" + a + "}":         3,
		"larder_pool_connections" + b + `,state="in_use"}`: 2,
	}
	for i, reason := range []string{"dial", "pool_timeout", "timeout", "lost", "protocol", "rejected", "canceled"} {
		want[`larder_pool_failures_total{cache_namespace="",driver="hooktest",reason="`+reason+`",server="a:1"}`] = float64(2 * (i + 1))
	}
	got := ofStatistics(gather(t, hook))
	if diff := cmp.Diff(want, got.nonzero()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, ok := got["larder_pool_max_connections"+b+"}"]; ok {
		t.Error("a pool without a bound has one")
	}
	if _, ok := got["larder_stored_entries{"+`cache_namespace="",driver="hooktest"}`]; ok {
		t.Error("a cache on servers reports how many entries are in the process")
	}
	if sum := pools().Servers[0].Failures.Total(); sum != 28 {
		t.Errorf("there are %d failures, want 28: every field of driver.Failures must be reported", sum)
	}
}

// A cache is reported once, however many of its views are watched, and each cache behind
// namespaces by the first of its names.
func TestWatch(t *testing.T) {
	plain := hooktest.Open(&hooktest.Driver{Statistics: driver.Stats{Entries: 1}})
	shared := hooktest.Open(&hooktest.Driver{Statistics: driver.Stats{Entries: 10}})
	closed := hooktest.Open(&hooktest.Driver{Statistics: driver.Stats{Entries: 100}})
	broken := hooktest.Open(&hooktest.Driver{StatsError: errors.New("no statistics")})
	parts, err := cache.Partitioned("b", map[string]*cache.Cache{
		"b": shared, "a": shared, "closed": closed, "broken": broken, "null": null.New(null.Config{}), "\xff": hooktest.Open(&hooktest.Driver{}),
	})
	if err != nil {
		t.Fatal(err)
	}
	hook := promhook.New(promhook.Config{})
	hook.Watch(plain)
	hook.Watch(plain.WithPrefix("p"))
	hook.Watch(parts)
	hook.Watch(shared)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	gather(t, hook)
	all := gather(t, hook)
	entries := samples{
		`{cache_namespace="",driver="hooktest"}`:      1,
		`{cache_namespace="a",driver="hooktest"}`:     10,
		`{cache_namespace="other",driver="hooktest"}`: 0,
	}
	if diff := cmp.Diff(entries, all.named("larder_stored_entries")); diff != "" {
		t.Errorf("entries (-want +got):\n%s", diff)
	}
	failed := samples{`{cache_namespace="broken",driver="hooktest"}`: 2}
	if diff := cmp.Diff(failed, all.named("larder_stats_errors_total").nonzero()); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

// Reading statistics is not an operation.
func TestStatisticsAreNotCounted(t *testing.T) {
	hook := promhook.New(promhook.Config{})
	hook.Watch(hook.Watch(hooktest.Open(&hooktest.Driver{})))
	gather(t, hook)
	if n := gather(t, hook).named("larder_operation_duration_seconds_count"); len(n) != 0 {
		t.Errorf("operations %v, want none", n)
	}
}
