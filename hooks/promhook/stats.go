package promhook

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

var (
	entriesDesc     = describe("stored_entries", "The entries that are held in the process, including expired ones that are not yet removed.")
	storedDesc      = describe("stored_bytes", "The bytes that are held in the process, as the bound on bytes counts them.")
	evictionsDesc   = describe("evictions_total", "The entries removed to keep within a bound.", "reason")
	expirationsDesc = describe("expirations_total", "The entries removed because their TTL had passed.")

	connectionsDesc    = describe("pool_connections", "The open connections to a server.", "server", "state")
	maxConnectionsDesc = describe("pool_max_connections", "The bound on open connections to a server.", "server")
	openedDesc         = describe("pool_connections_opened_total", "The connections to a server that were established.", "server")
	closedDesc         = describe("pool_connections_closed_total", "The connections to a server that were closed.", "server")
	poolWaitsDesc      = describe("pool_waits_total", "The calls that waited for a connection to a server.", "server")
	poolWaitDesc       = describe("pool_wait_seconds_total", "How long calls waited for a connection to a server.", "server")
	failuresDesc       = describe("pool_failures_total", "The calls to a server that failed.", "server", "reason")

	statsErrorsDesc = describe("stats_errors_total", "The statistics of a cache that could not be read.")
)

// statsTimeout bounds reading the statistics of a cache. The drivers of larder count them in
// the process; other drivers may ask a server.
const statsTimeout = time.Second

// watched is a cache whose statistics are collected.
type watched struct {
	cache  *cache.Cache
	group  group
	errors uint64
}

// totals are statistics of the caches of a group.
type totals struct {
	errors    uint64
	inProcess bool // some of the caches are in the process
	stats     cache.Stats
	servers   map[string]cache.ServerStats // by label
	unbounded map[string]bool              // servers to which some cache has no bound on connections
}

func (t *totals) add(st *cache.Stats) {
	if st.Servers == nil {
		t.inProcess = true
	}
	t.stats.Entries += st.Entries
	t.stats.Bytes += st.Bytes
	t.stats.EvictionsByCount += st.EvictionsByCount
	t.stats.EvictionsBySize += st.EvictionsBySize
	t.stats.Expirations += st.Expirations
	for i := range st.Servers {
		s := &st.Servers[i]
		server := valid(s.Server)
		if s.MaxOpen == 0 {
			t.unbounded[server] = true
		}
		sum := t.servers[server]
		sum.MaxOpen += s.MaxOpen
		sum.InUse += s.InUse
		sum.Idle += s.Idle
		sum.Opened += s.Opened
		sum.Closed += s.Closed
		sum.WaitCount += s.WaitCount
		sum.WaitDuration += s.WaitDuration
		for i, reason := range failures {
			*failures[i].of(&sum.Failures) += *reason.of(&s.Failures)
		}
		t.servers[server] = sum
	}
}

// failures are the fields of driver.Failures, by their labels.
var failures = []struct {
	reason string
	of     func(*driver.Failures) *uint64
}{
	{"dial", func(f *driver.Failures) *uint64 { return &f.Dial }},
	{"pool_timeout", func(f *driver.Failures) *uint64 { return &f.PoolTimeout }},
	{"timeout", func(f *driver.Failures) *uint64 { return &f.Timeout }},
	{"lost", func(f *driver.Failures) *uint64 { return &f.Lost }},
	{"protocol", func(f *driver.Failures) *uint64 { return &f.Protocol }},
	{"rejected", func(f *driver.Failures) *uint64 { return &f.Rejected }},
	{"canceled", func(f *driver.Failures) *uint64 { return &f.Canceled }},
}

// collectStats sends the statistics of the watched caches, and forgets those that were
// closed.
func (h *Hook) collectStats(ch chan<- prometheus.Metric) {
	for g, t := range h.readStats() {
		ch <- counter(statsErrorsDesc, float64(t.errors), g.driver, g.namespace)
		if t.inProcess {
			ch <- gauge(entriesDesc, float64(t.stats.Entries), g.driver, g.namespace)
			ch <- gauge(storedDesc, float64(t.stats.Bytes), g.driver, g.namespace)
			ch <- counter(evictionsDesc, float64(t.stats.EvictionsByCount), g.driver, g.namespace, "count")
			ch <- counter(evictionsDesc, float64(t.stats.EvictionsBySize), g.driver, g.namespace, "size")
			ch <- counter(expirationsDesc, float64(t.stats.Expirations), g.driver, g.namespace)
		}
		for server, s := range t.servers {
			ch <- gauge(connectionsDesc, float64(s.InUse), g.driver, g.namespace, server, "in_use")
			ch <- gauge(connectionsDesc, float64(s.Idle), g.driver, g.namespace, server, "idle")
			if !t.unbounded[server] {
				ch <- gauge(maxConnectionsDesc, float64(s.MaxOpen), g.driver, g.namespace, server)
			}
			ch <- counter(openedDesc, float64(s.Opened), g.driver, g.namespace, server)
			ch <- counter(closedDesc, float64(s.Closed), g.driver, g.namespace, server)
			ch <- counter(poolWaitsDesc, float64(s.WaitCount), g.driver, g.namespace, server)
			ch <- counter(poolWaitDesc, s.WaitDuration.Seconds(), g.driver, g.namespace, server)
			for _, f := range failures {
				ch <- counter(failuresDesc, float64(*f.of(&s.Failures)), g.driver, g.namespace, server, f.reason)
			}
		}
	}
}

// readStats adds up the statistics of the caches of each group.
func (h *Hook) readStats() map[group]*totals {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[group]*totals{}
	h.watched = slices.DeleteFunc(h.watched, func(w *watched) bool {
		ctx, cancel := context.WithTimeout(context.Background(), statsTimeout)
		defer cancel()
		st, err := w.cache.Stats(ctx)
		if errors.Is(err, cache.ErrClosed) {
			return true
		}
		t := all[w.group]
		if t == nil {
			t = &totals{servers: map[string]cache.ServerStats{}, unbounded: map[string]bool{}}
			all[w.group] = t
		}
		if err != nil {
			w.errors++
		} else {
			t.add(&st)
		}
		t.errors += w.errors
		return false
	})
	return all
}
