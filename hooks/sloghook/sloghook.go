// Package sloghook logs the operations of caches that fail or are slow, with package
// log/slog.
//
//	c = c.WithHook(sloghook.New(sloghook.Config{Slow: 100 * time.Millisecond}))
//
// # Lines
//
// An operation that failed is logged at level Error, and one that was slow at level Warn. A
// miss and a condition that did not hold are not failures. A call that was canceled by its
// caller is logged at level Warn.
//
// The attributes are: driver; namespace, if there is one; op, such as "get_multi"; within,
// for a part of another operation; keys, the number of keys of an operation on many;
// outcome, such as "unavailable" (see [cache.Outcome]); server, if the error names one;
// duration; and error. Keys are not logged unless [Config.Keys] is set. The text of an error
// does not contain keys or tags either, unless a load function returned it.
//
// # Limits
//
// The rate of lines is limited, so that an outage does not flood the log. Lines with equal
// driver, namespace, op, within, outcome and server are of one kind. The first line of a kind
// is logged, and those that follow within [Config.Interval] are counted. At its end a line
// reports their number, as count, and the next interval begins. The hook starts a timer only
// while it counts. Call [Hook.Flush] at the end of a program to report the counts at once.
package sloghook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// DefaultInterval is the default of Config.Interval.
const DefaultInterval = 10 * time.Second

// Config configures New. The zero value logs failures to slog.Default.
type Config struct {
	// Logger receives the lines. If nil, it is slog.Default at the time of the line.
	Logger *slog.Logger

	// Slow is the shortest duration of an operation that is logged as slow. Zero means
	// that none is.
	Slow time.Duration

	// SlowLoad is Slow for operations of package load that load a value, or wait for one
	// that another caller loads. Zero means that none of them is logged as slow.
	SlowLoad time.Duration

	// Interval is the time for which lines of a kind are counted before their number is
	// logged. Zero means DefaultInterval.
	Interval time.Duration

	// Keys logs the keys of operations on one key, as the attribute key. They may be
	// long, binary or private.
	Keys bool
}

// A Hook is a [cache.Hook] that logs. It is safe for concurrent use.
type Hook struct {
	config Config

	mu      sync.Mutex
	tallies map[kind]*tally // guarded by mu
}

// New returns a Hook.
func New(config Config) *Hook {
	if config.Interval <= 0 {
		config.Interval = DefaultInterval
	}
	return &Hook{config: config, tallies: map[kind]*tally{}}
}

var _ cache.Hook = (*Hook)(nil)

// Start returns ctx.
func (h *Hook) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End logs or counts the operation if it failed or was slow.
func (h *Hook) End(ctx context.Context, call cache.Call, r cache.Result) {
	outcome := r.Outcome(call.Op)
	if !outcome.Failed() && !h.slow(&call, &r) {
		return
	}
	k := kind{driver: call.Driver, namespace: call.Namespace, op: call.Op, within: call.Within, outcome: outcome}
	if outcome.Failed() {
		k.server = r.Server()
	}
	if h.first(&k, &call, &r) {
		h.log(ctx, &k, &call, &r)
	}
}

// slow reports whether an operation took too long.
func (h *Hook) slow(call *cache.Call, r *cache.Result) bool {
	limit := h.config.Slow
	switch call.Op {
	case cache.OpLoad, cache.OpLoadMulti, cache.OpRefresh:
		if r.Loaded > 0 || r.Waited > 0 || r.Stale > 0 || r.LoadTime > 0 {
			limit = h.config.SlowLoad
		}
	}
	return limit > 0 && r.Duration >= limit
}

// log logs an operation.
func (h *Hook) log(ctx context.Context, k *kind, call *cache.Call, r *cache.Result) {
	attrs := k.attrs()
	if call.Keys > 1 {
		attrs = append(attrs, slog.Int("keys", call.Keys))
	}
	if h.config.Keys && call.Key != "" {
		attrs = append(attrs, slog.String("key", call.Key))
	}
	attrs = append(attrs, slog.Duration("duration", r.Duration))
	if k.outcome.Failed() {
		attrs = append(attrs, h.err(call, r))
		h.logger().LogAttrs(ctx, k.level(), "cache operation failed", attrs...)
		return
	}
	h.logger().LogAttrs(ctx, k.level(), "cache operation was slow", attrs...)
}

// err returns the attribute error.
func (h *Hook) err(call *cache.Call, r *cache.Result) slog.Attr {
	if h.config.Keys {
		return slog.Any("error", r.Err)
	}
	return slog.String("error", r.RedactedError(call))
}

func (h *Hook) logger() *slog.Logger {
	if h.config.Logger == nil {
		return slog.Default()
	}
	return h.config.Logger
}
