package promhook

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/larder-go/larder/cache"
)

// DefaultBuckets are the upper bounds of durations, in seconds: from a microsecond, for
// caches in the process, to ten seconds, for loads.
var DefaultBuckets = []float64{
	1e-6, 5e-6, 25e-6, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 2.5, 10,
}

// Config configures [New]. The zero value is ready to use.
type Config struct {
	// Buckets are the upper bounds of the histograms of durations, in seconds, in
	// increasing order; DefaultBuckets if empty. They are rounded to nanoseconds.
	Buckets []float64
}

// A Hook is a [cache.Hook] that counts, and the [prometheus.Collector] of its counts. It is
// safe for concurrent use.
type Hook struct {
	operations table

	mu      sync.Mutex
	watched []*watched // guarded by mu
}

// New returns a Hook. It panics if the buckets do not increase.
func New(config Config) *Hook {
	buckets := config.Buckets
	if len(buckets) == 0 {
		buckets = DefaultBuckets
	}
	h := &Hook{}
	for i, seconds := range buckets {
		if i == len(buckets)-1 && math.IsInf(seconds, 1) {
			break // implied
		}
		bound := int64(math.Round(seconds * nanoseconds))
		if !(seconds < math.MaxInt64/nanoseconds) || bound <= 0 || i > 0 && bound <= h.operations.durations[i-1] {
			panic(fmt.Sprintf("promhook: bucket %d of Config.Buckets is %v seconds; want positive bounds, each above the one before", i, seconds))
		}
		h.operations.durations = append(h.operations.durations, bound)
	}
	return h
}

// Watch returns a view of c whose operations h counts. It also adds the statistics of c to
// the metrics; if c has namespaces, those of the cache of each namespace. A cache is included
// once, however many of its views are watched, until it is closed.
//
// To count operations without statistics, use [cache.Cache.WithHook].
func (h *Hook) Watch(c *cache.Cache) *cache.Cache {
	h.mu.Lock()
	defer h.mu.Unlock()
	for namespace, part := range c.Partitions() {
		isPart := func(w *watched) bool { return w.cache == part }
		if part.Supports(cache.OpStats) && !slices.ContainsFunc(h.watched, isPart) {
			h.watched = append(h.watched, &watched{cache: part, group: group{part.Driver(), valid(namespace)}})
		}
	}
	return c.WithHook(h)
}

// Start returns ctx.
func (h *Hook) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End counts the operation.
func (h *Hook) End(_ context.Context, call cache.Call, r cache.Result) {
	h.operations.find(&call).count(&call, &r)
}

var (
	_ cache.Hook           = (*Hook)(nil)
	_ prometheus.Collector = (*Hook)(nil)
)
