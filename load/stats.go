package load

import (
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/internal/stripe"
)

// Stats are counts since the loader was created.
type Stats struct {
	Hits      uint64 // keys whose value was in the cache, the stale ones included
	StaleHits uint64 // values that were returned after their TTL, because loading failed or took too long
	Misses    uint64 // keys whose value was not in the cache, or was expired or invalidated
	Waits     uint64 // misses for which another Get loaded the value, in any process
	Failures  uint64 // keys for which an error was returned, other than ErrNotFound

	Loads        uint64        // keys for which a load function was called, refreshes included
	LoadErrors   uint64        // loads that returned an error, other than ErrNotFound
	LoadNotFound uint64        // loads that returned ErrNotFound
	LoadTime     time.Duration // total time in load functions

	RefreshesSkipped uint64 // refreshes that were not begun because MaxRefreshes ran
	Undecodable      uint64 // values that could not be decoded, and were loaded again
}

// counters are the counters of a loader.
type counters struct {
	lookups stripe.Counter // hits that were found at once

	hits, staleHits, misses, waits, failures atomic.Uint64
	loads, loadErrors, loadNotFound          atomic.Uint64
	loadTime                                 atomic.Int64
	refreshesSkipped, undecodable            atomic.Uint64
}

func (c *counters) stats() Stats {
	return Stats{
		Hits: c.lookups.Load() + c.hits.Load(), StaleHits: c.staleHits.Load(), Misses: c.misses.Load(),
		Waits: c.waits.Load(), Failures: c.failures.Load(),
		Loads: c.loads.Load(), LoadErrors: c.loadErrors.Load(), LoadNotFound: c.loadNotFound.Load(),
		LoadTime:         time.Duration(c.loadTime.Load()),
		RefreshesSkipped: c.refreshesSkipped.Load(), Undecodable: c.undecodable.Load(),
	}
}

// add adds the results of a request.
func (c *counters) add(t *tally, keys int) {
	c.hits.Add(uint64(t.hits))
	c.staleHits.Add(uint64(t.stale))
	c.misses.Add(uint64(t.misses()))
	c.waits.Add(uint64(t.waited))
	c.failures.Add(uint64(keys - t.hits - t.misses()))
}

// loaded adds the outcomes of a load function.
func (c *counters) loaded(outcomes []outcome, took time.Duration) {
	c.loads.Add(uint64(len(outcomes)))
	c.loadTime.Add(int64(took))
	for _, o := range outcomes {
		switch {
		case o.err != nil:
			c.loadErrors.Add(1)
		case o.notFound:
			c.loadNotFound.Add(1)
		}
	}
}
