package sloghook

import (
	"context"
	"log/slog"
	"time"

	"github.com/larder-go/larder/cache"
)

// maxKinds bounds the kinds that are counted separately.
const maxKinds = 1000

// kind identifies the lines that are counted together.
type kind struct {
	driver, namespace string
	op, within        cache.Op
	outcome           cache.Outcome
	server            string
}

// tally counts the lines of a kind after the first.
type tally struct {
	until time.Time   // when the interval ends
	count int         // lines in the interval
	timer *time.Timer // reports at the end of the interval; nil while count is 0
	call  cache.Call  // the last one that was counted
	last  cache.Result
}

// first reports whether a line is the first of its kind, and counts it otherwise.
func (h *Hook) first(k *kind, call *cache.Call, r *cache.Result) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	t := h.tallies[*k]
	if t == nil && len(h.tallies) >= maxKinds {
		h.forget(now)
		if len(h.tallies) >= maxKinds {
			k.namespace, k.server = "", "" // what is left is bounded
			t = h.tallies[*k]
		}
	}
	if t == nil || t.over(now) {
		h.tallies[*k] = &tally{until: now.Add(h.config.Interval)}
		return true
	}
	t.count++
	t.call, t.last = *call, *r
	if t.timer == nil {
		k := *k
		t.timer = time.AfterFunc(t.until.Sub(now), func() { h.report(&k, t) })
	}
	return false
}

// over reports whether the interval has ended without a line.
func (t *tally) over(now time.Time) bool { return t.count == 0 && !now.Before(t.until) }

// forget drops the tallies of intervals that have ended.
func (h *Hook) forget(now time.Time) {
	for k, t := range h.tallies {
		if t.over(now) {
			delete(h.tallies, k)
		}
	}
}

// report logs how many lines were counted, and begins the next interval.
func (h *Hook) report(k *kind, t *tally) {
	h.mu.Lock()
	count, call, last := t.count, t.call, t.last
	t.count, t.timer, t.call, t.last = 0, nil, cache.Call{}, cache.Result{}
	t.until = time.Now().Add(h.config.Interval)
	h.mu.Unlock()
	attrs := append(k.attrs(), slog.Int("count", count))
	text := "more cache operations were slow"
	if k.outcome.Failed() {
		attrs, text = append(attrs, h.err(&call, &last)), "more cache operations failed"
	}
	h.logger().LogAttrs(context.Background(), k.level(), text, attrs...)
}

// Flush logs the counts of all kinds at once, and begins their next intervals.
func (h *Hook) Flush() {
	counted := map[kind]*tally{}
	h.mu.Lock()
	for k, t := range h.tallies {
		if t.timer != nil && t.timer.Stop() {
			counted[k] = t
		}
	}
	h.mu.Unlock()
	for k, t := range counted {
		h.report(&k, t)
	}
}

func (k *kind) level() slog.Level {
	if k.outcome.Failed() && k.outcome != cache.OutcomeCanceled {
		return slog.LevelError
	}
	return slog.LevelWarn
}

func (k *kind) attrs() []slog.Attr {
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("driver", k.driver))
	if k.namespace != "" {
		attrs = append(attrs, slog.String("namespace", k.namespace))
	}
	attrs = append(attrs, slog.String("op", k.op.String()))
	if k.within != 0 {
		attrs = append(attrs, slog.String("within", k.within.String()))
	}
	attrs = append(attrs, slog.String("outcome", k.outcome.String()))
	if k.server != "" {
		attrs = append(attrs, slog.String("server", k.server))
	}
	return attrs
}
