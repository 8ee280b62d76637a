package guide_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// Metrics counts what a cache does, by operation. It is a cache.Hook.
type Metrics struct {
	mu   sync.Mutex
	byOp map[cache.Op]Counts // guarded by mu
}

// Counts are the sums of one operation.
type Counts struct {
	Calls, Affected, Misses, Failed, Bytes int
	Took                                   time.Duration
}

// Start returns the context of the operation unchanged.
func (m *Metrics) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

// End counts. A miss, or a condition that did not hold, is not a failure.
func (m *Metrics) End(_ context.Context, call cache.Call, r cache.Result) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.byOp[call.Op]
	n.Calls++
	n.Affected += r.Affected
	n.Misses += r.Misses
	n.Failed += r.Failed
	n.Bytes += r.Bytes
	n.Took += r.Duration
	m.byOp[call.Op] = n
}

// NewMetrics returns a hook for Cache.WithHook.
func NewMetrics() *Metrics {
	return &Metrics{byOp: map[cache.Op]Counts{}}
}

// Of returns the counts of an operation.
func (m *Metrics) Of(op cache.Op) Counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.byOp[op]
}

func Example_metrics() {
	run(func(ctx context.Context, c *cache.Cache) error {
		metrics := NewMetrics()
		c = c.WithHook(metrics) // pass this one on to the program

		if err := c.Set(ctx, "user:1", []byte("ann"), 0); err != nil {
			return err
		}
		if _, err := c.GetMulti(ctx, []string{"user:1", "user:2"}); err != nil {
			return err
		}
		gets := metrics.Of(cache.OpGetMulti)
		fmt.Printf("%d hits, %d misses, %d bytes\n", gets.Affected, gets.Misses, gets.Bytes)
		return nil
	})
	// Output: 1 hits, 1 misses, 3 bytes
}

func Example_stats() {
	run(func(ctx context.Context, c *cache.Cache) error {
		if err := c.Set(ctx, "user:1", []byte("ann"), 0); err != nil {
			return err
		}
		if _, err := c.GetMulti(ctx, []string{"user:1", "user:2"}); err != nil {
			return err
		}

		stats, err := c.Stats(ctx)
		if errors.Is(err, errors.ErrUnsupported) {
			return nil // this backend counts nothing
		}
		if err != nil {
			return err
		}
		fmt.Println(stats.Hits, "hits,", stats.Misses, "misses,", stats.Entries, "entries")
		return nil
	})
	// Output: 1 hits, 1 misses, 1 entries
}
