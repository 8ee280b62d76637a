package hooktest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

// ErrLoad is the error of load functions.
var ErrLoad = errors.New("the database is down")

// LoadTime is the duration of each load function.
const LoadTime = time.Second

// Loads reports operations as package load does, by hand, in a number of goroutines at
// once.
func Loads(c *cache.Cache, workers, rounds int) Counts {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range rounds {
				loads(c, fmt.Sprintf("worker%d", w))
			}
		})
	}
	wg.Wait()
	n := workers * rounds
	return Counts{
		Calls: map[cache.Op]map[cache.Outcome]int{
			cache.OpLoad:       {cache.OutcomeHit: n, cache.OutcomeStale: n, cache.OutcomeMiss: 4 * n, cache.OutcomeError: n},
			cache.OpLoadMulti:  {cache.OutcomeError: n},
			cache.OpRefresh:    {cache.OutcomeOK: n},
			cache.OpInvalidate: {cache.OutcomeOK: n},
			cache.OpGet:        {cache.OutcomeMiss: n}, // by the load function
			cache.OpDelete:     {cache.OutcomeOK: n},   // so that the next round misses
		},
		Keys: map[cache.Op]map[cache.Outcome]int{
			cache.OpLoad: {cache.OutcomeHit: n, cache.OutcomeStale: n, cache.OutcomeMiss: 4 * n, cache.OutcomeError: n},
			cache.OpLoadMulti: {
				cache.OutcomeHit: 2 * n, cache.OutcomeStale: n, cache.OutcomeMiss: 3 * n, cache.OutcomeError: n,
			},
			cache.OpRefresh:    {cache.OutcomeOK: n},
			cache.OpInvalidate: {cache.OutcomeOK: 2 * n},
			cache.OpGet:        {cache.OutcomeMiss: n},
			cache.OpDelete:     {cache.OutcomeOK: n},
		},
		Bytes: map[cache.Op]int{cache.OpLoad: 15 * n, cache.OpLoadMulti: 30 * n, cache.OpRefresh: 4 * n},
		Parts: map[Part]int{
			{cache.OpLoad, cache.OpGet, cache.OutcomeMiss}:             2 * n,
			{cache.OpLoad, cache.OpGet, cache.OutcomeUnavailable}:      n,
			{cache.OpLoad, cache.OpAdd, cache.OutcomeStored}:           n,
			{cache.OpLoad, cache.OpSet, cache.OutcomeStored}:           n,
			{cache.OpLoadMulti, cache.OpGetMulti, cache.OutcomeMiss}:   n,
			{cache.OpRefresh, cache.OpSet, cache.OutcomeStored}:        n,
			{cache.OpInvalidate, cache.OpDeleteMulti, cache.OutcomeOK}: n,
		},
		PartBytes: map[Part]int{
			{Within: cache.OpLoad, Op: cache.OpSet}:    5 * n,
			{Within: cache.OpRefresh, Op: cache.OpSet}: 3 * n,
		},
		Loads:  map[cache.Op]int{cache.OpLoad: 3 * n, cache.OpLoadMulti: n, cache.OpRefresh: n},
		Loaded: map[cache.Op]int{cache.OpLoad: 2 * n, cache.OpLoadMulti: 2 * n, cache.OpRefresh: n},
		Waits:  map[cache.Op]int{cache.OpLoad: n, cache.OpLoadMulti: n, cache.OpRefresh: 0},
	}
}

// loads is one round of a worker, whose keys nobody else uses.
func loads(c *cache.Cache, worker string) {
	observe := func(op cache.Op, keys int, parts func(ctx context.Context), r cache.Result) {
		call := cache.Call{Op: op, Keys: keys}
		if keys == 1 {
			call.Key = worker
		}
		ctx, end := c.Observe(context.Background(), call)
		parts(ctx)
		end(r)
	}
	none := func(context.Context) {}

	observe(cache.OpLoad, 1, none, cache.Result{Affected: 1, Bytes: 5})
	observe(cache.OpLoad, 1, none, cache.Result{Affected: 1, Stale: 1, Bytes: 5})
	observe(cache.OpLoad, 1, func(ctx context.Context) {
		c.Get(ctx, worker)
		c.Add(ctx, worker, nil, 0)
		c.Get(cache.NotWithin(ctx), "absent"+worker) // by the load function
		c.Set(ctx, worker, []byte("value"), 0)
		c.Delete(context.Background(), worker)
	}, cache.Result{Misses: 1, Loaded: 1, Bytes: 5, LoadTime: LoadTime})
	observe(cache.OpLoad, 1, func(ctx context.Context) { c.Get(ctx, worker) }, cache.Result{Misses: 1, Waited: 1})
	observe(cache.OpLoad, 1, func(ctx context.Context) { c.Get(ctx, Down+worker) }, cache.Result{Misses: 1, Loaded: 1, LoadTime: LoadTime})
	observe(cache.OpLoad, 1, none, cache.Result{Failed: 1, Err: ErrLoad, LoadTime: LoadTime})
	observe(cache.OpLoad, 1, none, cache.Result{Misses: 1, Err: cache.ErrMiss}) // without a load function
	observe(cache.OpLoadMulti, 7, func(ctx context.Context) {
		c.GetMulti(ctx, []string{"absent" + worker})
	}, cache.Result{Affected: 3, Stale: 1, Misses: 3, Loaded: 2, Waited: 1, Failed: 1, Bytes: 30, LoadTime: LoadTime, Err: &cache.MultiError{
		Op: cache.OpLoadMulti, Errors: map[string]error{"k": ErrLoad},
	}})
	observe(cache.OpRefresh, 1, func(ctx context.Context) {
		c.Set(ctx, worker+"r", []byte("new"), 0)
	}, cache.Result{Affected: 1, Loaded: 1, Bytes: 4, LoadTime: LoadTime})
	observe(cache.OpInvalidate, 2, func(ctx context.Context) {
		c.DeleteMulti(ctx, []string{"tag1", "tag2"})
	}, cache.Result{Affected: 2})
}
