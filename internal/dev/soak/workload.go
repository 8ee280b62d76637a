package soak

import (
	"context"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

const (
	itemTTL  = 5 * time.Second
	leaseTTL = 2 * time.Second
	callTime = 3 * time.Second // of one use of a cache, in all its steps
)

// A workload is one use of a cache, by some goroutines of one process.
type workload struct {
	recorder
	table      *table
	rows       *[rows]row
	pages      int           // how many pages there are
	faultUntil *atomic.Int64 // until when errors are to be expected
	lossy      bool          // the servers lose items

	// step does one thing. It is called by many goroutines, each with a source of
	// random numbers and a number.
	step func(ctx context.Context, r *rand.Rand, goroutine int)
}

// run does steps until the test is over.
func (w *workload) run(r *rand.Rand, goroutine int) {
	for w.table.stop.Load() == 0 {
		ctx, cancel := context.WithTimeout(context.Background(), callTime)
		w.step(ctx, r, goroutine)
		cancel()
	}
}

// choose returns a page; few pages are chosen often.
func (w *workload) choose(r *rand.Rand) int {
	return int(rand.NewZipf(r, 1.1, 4, uint64(w.pages-1)).Uint64())
}

// A read is one read of a page, for which it is known what had been invalidated before.
type read struct {
	page  int
	floor [rowsOfPage]uint64 // the oldest versions that may be read
}

func (w *workload) begin(page int) read {
	rd := read{page: page}
	for i, n := range rowsOf(page) {
		rd.floor[i] = w.rows[n].invalidated.Load()
	}
	return rd
}

// check looks at what a read returned.
func (w *workload) check(rd read, b []byte, hit bool) {
	w.read(hit)
	page, versions, err := decodePage(b)
	switch {
	case err != nil:
		w.wrong("page %d: %v", rd.page, err)
	case page != rd.page:
		w.wrong("page %d is page %d", rd.page, page)
	case versions[0] < rd.floor[0] || versions[1] < rd.floor[1]:
		w.stale(w.cause())
	}
}

// cause says why a value can be stale.
func (w *workload) cause() string {
	switch {
	case !w.lossy:
		return "no cause"
	case w.table.before(&w.table.listUntil):
		return "changed list"
	case w.table.before(&w.table.lossUntil):
		return "server lost its items"
	}
	return "eviction"
}

// load reads a page from the database, which takes a while.
func (w *workload) load(ctx context.Context, r *rand.Rand, page int) []byte {
	w.loaded()
	pause(ctx, time.Duration(r.ExpFloat64()*float64(200*time.Microsecond)))
	var versions [rowsOfPage]uint64
	for i, n := range rowsOf(page) {
		versions[i] = w.rows[n].version.Load()
	}
	long := time.Duration(r.ExpFloat64() * float64(time.Millisecond))
	if r.IntN(1000) == 0 {
		long = leaseTTL + 100*time.Millisecond
	}
	pause(ctx, long)
	return encodePage(page, versions)
}

// change changes a row in the database and invalidates what shows it, again and again
// until that is confirmed.
func (w *workload) change(ctx context.Context, n int, invalidate func(context.Context) error) {
	version := w.rows[n].version.Add(1)
	for w.table.stop.Load() == 0 {
		err := invalidate(ctx)
		if err == nil {
			w.rows[n].confirm(version)
			w.invalidated()
			return
		}
		w.failed("invalidate", err)
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.Background(), callTime)
		defer cancel()
		pause(ctx, 10*time.Millisecond)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// lists are the caches of one process on the servers of each list.
type lists struct {
	table  *table
	worker int
	short  *cache.Cache
	long   *cache.Cache // with one server more; nil where lists do not change
}

// now returns the index of the list that the process uses: 0, or 1 for the longer one.
func (l *lists) now() int {
	if l.long != nil && l.worker%2 == 1 && l.table.longerList.Load() != 0 {
		return 1
	}
	return 0
}
