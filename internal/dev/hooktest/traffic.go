package hooktest

import (
	"context"
	"fmt"
	"sync"

	"github.com/larder-go/larder/cache"
)

// Counts are the counts that a hook must have.
type Counts struct {
	Calls map[cache.Op]map[cache.Outcome]int // operations that the program called
	Keys  map[cache.Op]map[cache.Outcome]int // their keys
	Bytes map[cache.Op]int                   // the bytes of their values
	Parts map[Part]int                       // operations that others consist of

	PartBytes map[Part]int // the bytes of their values, whatever the outcome

	Loads, Loaded, Waits map[cache.Op]int // operations that called a load function, and values
}

// Part is an operation that another consists of.
type Part struct {
	Within, Op cache.Op
	Outcome    cache.Outcome
}

// Traffic calls operations of a cache of this package in a number of goroutines at once:
// hits, misses, stores, batches with keys that repeat, partial outages and all mistakes.
func Traffic(c *cache.Cache, workers, rounds int) Counts {
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for range rounds {
				traffic(c, fmt.Sprintf("worker%d", w))
			}
		})
	}
	wg.Wait()
	n := workers * rounds
	return Counts{
		Calls: map[cache.Op]map[cache.Outcome]int{
			cache.OpSet:       {cache.OutcomeStored: n, cache.OutcomeUnavailable: n, cache.OutcomeInvalid: 2 * n, cache.OutcomeTooLarge: n},
			cache.OpGet:       {cache.OutcomeHit: 2 * n, cache.OutcomeMiss: n, cache.OutcomeUnavailable: n, cache.OutcomeUnreadable: n, cache.OutcomeCanceled: n},
			cache.OpAdd:       {cache.OutcomeNotStored: n},
			cache.OpReplace:   {cache.OutcomeStored: n},
			cache.OpIncrement: {cache.OutcomeOK: n, cache.OutcomeAbsent: n, cache.OutcomeNotNumber: n},
			cache.OpTouch:     {cache.OutcomeUnsupported: n},
			cache.OpSetMulti:  {cache.OutcomeStored: n, cache.OutcomeUnavailable: n},
			cache.OpAddMulti:  {cache.OutcomeNotStored: n},
			cache.OpGetMulti: {
				cache.OutcomeHit: n, cache.OutcomeMiss: n, cache.OutcomeUnavailable: n, cache.OutcomeCanceled: n, cache.OutcomeOK: n,
			},
			cache.OpDeleteMulti: {cache.OutcomeOK: n},
			cache.OpDelete:      {cache.OutcomeOK: n, cache.OutcomeAbsent: n},
			cache.OpPing:        {cache.OutcomeOK: n},
		},
		Keys: map[cache.Op]map[cache.Outcome]int{
			cache.OpSet:       {cache.OutcomeStored: n, cache.OutcomeUnavailable: n, cache.OutcomeInvalid: 2 * n, cache.OutcomeTooLarge: n},
			cache.OpGet:       {cache.OutcomeHit: 2 * n, cache.OutcomeMiss: n, cache.OutcomeUnavailable: n, cache.OutcomeUnreadable: n, cache.OutcomeCanceled: n},
			cache.OpAdd:       {cache.OutcomeNotStored: n},
			cache.OpReplace:   {cache.OutcomeStored: n},
			cache.OpIncrement: {cache.OutcomeOK: n, cache.OutcomeAbsent: n, cache.OutcomeNotNumber: n},
			cache.OpTouch:     {cache.OutcomeUnsupported: n},
			cache.OpSetMulti:  {cache.OutcomeStored: 4 * n, cache.OutcomeUnavailable: n},
			cache.OpAddMulti:  {cache.OutcomeStored: n, cache.OutcomeNotStored: n},
			cache.OpGetMulti: {
				cache.OutcomeHit: 4 * n, cache.OutcomeMiss: 2 * n, cache.OutcomeUnavailable: 2 * n, cache.OutcomeInvalid: n, cache.OutcomeCanceled: 2 * n,
			},
			cache.OpDeleteMulti: {cache.OutcomeOK: 5 * n},
			cache.OpDelete:      {cache.OutcomeOK: n, cache.OutcomeAbsent: n},
		},
		Bytes: map[cache.Op]int{
			cache.OpSet: 3*5*n + 2*n, cache.OpGet: 2 * 5 * n, cache.OpAdd: 3 * n, cache.OpReplace: 2 * n,
			cache.OpSetMulti: 9 * n, cache.OpAddMulti: 2 * n, cache.OpGetMulti: 6 * n,
		},
	}
}

// traffic is one round of a worker, whose keys nobody else uses.
func traffic(c *cache.Cache, worker string) {
	ctx := context.Background()
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	key := func(k string) string { return worker + k }

	c.Set(ctx, key("a"), []byte("12345"), 0)    // stored
	c.Set(ctx, Down+worker, []byte("12345"), 0) // unavailable
	c.Set(ctx, key(" "), []byte("12345"), 0)    // invalid
	c.Set(ctx, key("a"), []byte("1"), -1)       // invalid
	c.Set(ctx, TooLarge+worker, []byte("1"), 0) // too_large
	c.Get(ctx, key("a"))                        // hit
	c.Get(ctx, key("a"))                        // hit
	c.Get(ctx, key("absent"))                   // miss
	c.Get(ctx, Down+worker)                     // unavailable
	c.Get(ctx, Pickled+worker)                  // unreadable
	c.Get(canceled, key("a"))                   // canceled
	c.Add(ctx, key("a"), []byte("123"), 0)      // not_stored
	c.Replace(ctx, key("a"), []byte("10"), 0)   // stored
	c.Increment(ctx, key("a"), 1)               // ok
	c.Increment(ctx, key("absent"), 1)          // absent
	c.Touch(ctx, key("a"), 0)                   // unsupported: the driver neither touches nor swaps
	c.SetMulti(ctx, map[string][]byte{          // stored: 2
		key("b"): []byte("x"), key("c"): []byte("yy"),
	}, 0)
	c.Increment(ctx, key("b"), 1)      // not_number
	c.SetMulti(ctx, map[string][]byte{ // stored: 2, unavailable: 1
		key("b"): []byte("x"), key("c"): []byte("yy"), Down + worker: []byte("zzz"),
	}, 0)
	c.AddMulti(ctx, map[string][]byte{ // stored: 1, not_stored: 1
		key("b"): []byte("1"), key("d"): []byte("2"),
	}, 0)
	c.GetMulti(ctx, []string{key("b"), key("c"), key("b")})                                                // hit: 2
	c.GetMulti(ctx, []string{key("absent"), key("b"), key("absent")})                                      // hit: 1, miss: 1
	c.GetMulti(ctx, []string{key("c"), Down + worker, Down + "2", key("absent"), key(" "), Down + worker}) // hit: 1, miss: 1, unavailable: 2, invalid: 1
	c.GetMulti(canceled, []string{key("b"), key("c"), key("c")})                                           // canceled: 2
	c.GetMulti(ctx, nil)                                                                                   // no key
	c.DeleteMulti(ctx, []string{key("b"), key("c"), key("d"), key("absent"), key("e"), key("e")})          // ok: 5
	c.Delete(ctx, key("a"))                                                                                // ok
	c.Delete(ctx, key("a"))                                                                                // absent
	c.Ping(ctx)                                                                                            // no key
}
