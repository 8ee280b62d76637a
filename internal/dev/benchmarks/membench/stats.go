package membench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
	"github.com/larder-go/larder/memory"
)

// Count is one statistic: what the cache says and what the program knows.
type Count struct {
	Case, Name string
	Got, Want  uint64
}

// runStats lets goroutines with separate keys do operations whose outcome they
// know, and compares the statistics.
func runStats(j Job) (any, error) {
	ops := 400_000
	if j.Quick {
		ops /= 10
	}
	var counts []Count
	for _, run := range []func(int) ([]Count, error){statsOfTraffic, statsOfEviction, statsOfExpiry} {
		c, err := run(ops)
		if err != nil {
			return nil, err
		}
		counts = append(counts, c...)
	}
	return counts, nil
}

const statsWorkers = 8

// statsOfTraffic gets, sets, adds, replaces, counts and deletes without a bound.
func statsOfTraffic(ops int) ([]Count, error) {
	const name = "8 goroutines, no bound"
	c, err := memory.New(memory.Config{})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	wants := make([]cache.Stats, statsWorkers)
	errs := make([]error, statsWorkers)
	var wg sync.WaitGroup
	for i := range statsWorkers {
		wg.Go(func() { wants[i], errs[i] = knownTraffic(c, i, ops) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var want cache.Stats
	for _, w := range wants {
		want.Hits += w.Hits
		want.Misses += w.Misses
		want.Writes += w.Writes
		want.Entries += w.Entries
	}
	got, err := c.Stats(context.Background())
	return []Count{
		{name, "hits", got.Hits, want.Hits},
		{name, "misses", got.Misses, want.Misses},
		{name, "sets", got.Writes, want.Writes},
		{name, "entries", got.Entries, want.Entries},
	}, err
}

// knownTraffic does random operations on keys that nobody else uses.
func knownTraffic(c *cache.Cache, worker, ops int) (cache.Stats, error) {
	ctx, r := context.Background(), workload.Rand(uint64(worker))
	const keys = 1000
	present := map[string]bool{}
	var want cache.Stats
	value := []byte("7")
	for range ops {
		key := workload.Key(worker*keys + r.IntN(keys))
		var err error
		ok := true // whether the operation should succeed
		switch r.IntN(8) {
		case 0:
			err = c.Set(ctx, key, value, longTTL)
			present[key] = true
			want.Writes++
		case 1:
			ok = !present[key]
			err = c.Add(ctx, key, value, longTTL)
			present[key] = true
			if ok {
				want.Writes++
			}
		case 2:
			ok = present[key]
			err = c.Replace(ctx, key, value, longTTL)
			if ok {
				want.Writes++
			}
		case 3:
			ok = present[key]
			_, err = c.Increment(ctx, key, 1)
			if ok {
				want.Writes++
			}
		case 4:
			ok = present[key]
			err = c.Delete(ctx, key)
			delete(present, key)
		default:
			ok = present[key]
			_, err = c.Get(ctx, key)
			if ok {
				want.Hits++
			} else {
				want.Misses++
			}
		}
		if (err == nil) != ok {
			return want, fmt.Errorf("statistics: an operation on %s: %v; expected success: %t", key, err, ok)
		}
	}
	want.Entries = uint64(len(present))
	return want, nil
}

// statsOfEviction stores more than a bounded cache holds: entries that are gone were
// evicted.
func statsOfEviction(ops int) ([]Count, error) {
	const name = "8 goroutines, max_entries 10,000"
	c, err := memory.New(memory.Config{MaxEntries: smallEntries})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx := context.Background()
	errs := make([]error, statsWorkers)
	var wg sync.WaitGroup
	for i := range statsWorkers {
		wg.Go(func() {
			for n := range ops {
				if err := c.Set(ctx, workload.Key(i*ops+n), []byte("v"), longTTL); err != nil {
					errs[i] = err
					return
				}
			}
		})
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	stored := uint64(statsWorkers * ops)
	there := uint64(0)
	for id := range statsWorkers * ops {
		if _, err := c.Get(ctx, workload.Key(id)); err == nil {
			there++
		}
	}
	got, err := c.Stats(ctx)
	return []Count{
		{name, "sets", got.Writes, stored},
		{name, "entries", got.Entries, there},
		{name, "evicted", got.EvictionsByCount, stored - there},
		{name, "hits", got.Hits, there},
		{name, "misses", got.Misses, stored - there},
	}, err
}

// statsOfExpiry stores entries that expire, and others until those are removed.
func statsOfExpiry(ops int) ([]Count, error) {
	const (
		name     = "entries that expire"
		ttl      = 50 * time.Millisecond
		patience = 20 * time.Second
	)
	c, err := memory.New(memory.Config{BucketInterval: time.Second})
	if err != nil {
		return nil, err
	}
	defer c.Close()
	ctx := context.Background()
	for id := range ops {
		if err := c.Set(ctx, workload.Key(id), []byte("v"), ttl); err != nil {
			return nil, err
		}
	}
	time.Sleep(2 * ttl)
	var got cache.Stats
	for began := time.Now(); got.Expirations < uint64(ops) && time.Since(began) < patience; {
		for id := range smallEntries {
			if err := c.Set(ctx, workload.Key(ops+id), []byte("v"), longTTL); err != nil {
				return nil, err
			}
		}
		runtime.Gosched()
		if got, err = c.Stats(ctx); err != nil {
			return nil, err
		}
	}
	return []Count{
		{name, "expired", got.Expirations, uint64(ops)},
		{name, "entries", got.Entries, smallEntries},
	}, nil
}
