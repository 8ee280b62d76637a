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

// Counts are of one operation.
type Counts struct {
	Calls, Keys, Hits, Bytes, Errors int
	Took                             time.Duration
}

type startKey struct{}

// Start notes the time in the context that End gets back.
func (m *Metrics) Start(ctx context.Context, _ cache.Operation) context.Context {
	return context.WithValue(ctx, startKey{}, time.Now())
}

// End counts. A miss or a condition that did not hold is no failure of the cache.
func (m *Metrics) End(ctx context.Context, o cache.Operation, r cache.Outcome) {
	took := time.Since(ctx.Value(startKey{}).(time.Time))
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.byOp[o.Op]
	n.Calls++
	n.Keys += o.Keys
	n.Hits += r.Hits
	n.Bytes += r.Bytes
	n.Took += took
	if errors.Is(r.Err, cache.ErrUnavailable) {
		n.Errors++
	}
	m.byOp[o.Op] = n
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
		fmt.Printf("%d of %d keys found, %d bytes\n", gets.Hits, gets.Keys, gets.Bytes)
		return nil
	})
	// Output: 1 of 2 keys found, 3 bytes
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
			return nil // memcached counts too: ask the servers
		}
		if err != nil {
			return err
		}
		fmt.Println(stats.Hits, "hits,", stats.Misses, "misses,", stats.Entries, "entries")
		return nil
	})
	// Output: 1 hits, 1 misses, 1 entries
}
