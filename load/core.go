package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/local"
)

// core is the part of a Loader that does not depend on the type of its values.
type core struct {
	cache  *cache.Cache   // of the items
	tags   *cache.Cache   // of the records of tags; the same as cache unless Config.TagCache is set
	also   []*cache.Cache // where Invalidate and Delete remove as well
	config config
	tag    string   // Config.Tag
	base   []string // the record of Config.Tag, if there is one

	local     local.Cache // not nil if keys can be looked up in the process without a check
	inProcess bool        // cache and tags are in the process
	quiet     bool        // that, and no hook observes the cache
	discards  bool
	current   *memo // of the tags, if they are in the process

	random    func() uint64 // for versions and owners
	clock     func() int64  // unixMilli, except in tests
	steps     steps
	refreshes chan struct{} // holds one for each refresh that is running
	stats     counters
	closed    atomic.Bool

	mu       sync.Mutex
	calls    map[string]*call // what is being loaded in this process, by key
	failures failures
	jobs     int           // running
	idle     chan struct{} // closed when jobs is 0 after Close
}

func newCore(c *cache.Cache, cfg config, tag string, tagCache *cache.Cache, also []*cache.Cache) (*core, error) {
	if c == nil {
		return nil, errors.New("load: the cache is nil")
	}
	if !c.Supports(cache.OpCompareAndSwap) {
		return nil, fmt.Errorf("load: the cache cannot compare and swap: %w", errors.ErrUnsupported)
	}
	if tagCache == nil || tagCache == c {
		c = exact(c)
		tagCache = c
	} else {
		c, tagCache = exact(c), exact(tagCache)
	}
	if !tagCache.Supports(cache.OpCompareAndSwap) {
		return nil, fmt.Errorf("load: TagCache cannot compare and swap: %w", errors.ErrUnsupported)
	}
	for _, other := range also {
		if other == nil {
			return nil, errors.New("load: a cache in AlsoInvalidate is nil")
		}
	}
	co := &core{
		cache: c.WithKind(cache.Bytes), also: also, config: cfg, tag: tag, discards: c.Discards() || tagCache.Discards(),
		random: rand.Uint64, clock: unixMilli, steps: sound, refreshes: make(chan struct{}, cfg.maxRefreshes),
		calls: map[string]*call{}, idle: make(chan struct{}),
	}
	co.tags = co.cache
	if tagCache != c {
		co.tags = tagCache.WithKind(cache.Bytes)
	}
	if tag != "" {
		if err := co.checkTag(tag); err != nil {
			return nil, err
		}
		co.base = []string{recordOf(tag)}
	}
	items, records := local.BackendOf(c), local.BackendOf(tagCache)
	co.inProcess = items.Cache != nil && records.Cache != nil
	co.quiet = co.inProcess && !items.Hooked
	if co.inProcess {
		co.current = newMemo(records.Invalidations)
	}
	if tagCache == c && co.quiet && items.Plain {
		co.local = items.Cache
	}
	return co, nil
}

// exact returns c without its near view, which may return values that were invalidated.
func exact(c *cache.Cache) *cache.Cache { return local.Exact(c).(*cache.Cache) }

// fraction returns a random number of at least 0 and less than 1.
func (c *core) fraction() float64 { return float64(c.random()>>11) / (1 << 53) }

// A call is the loading of one key in this process. It is guarded by core.mu, except for
// what only the goroutine of its job uses.
type call struct {
	key     string
	job     *job
	waiters map[*waiter]struct{}
	joins   int  // how many have joined
	started bool // the load function was called; waiters that join from now on are late
	done    bool // all waiters have been notified

	acquisition // of the goroutine of the job
}

// A waiter is a Get that waits for a call.
type waiter struct {
	inbox *inbox
	call  *call
	// late means that it joined after the load function was called. An invalidation may
	// have happened between the two.
	late bool
}

// An inbox receives the notices for a Get.
type inbox struct {
	signal  chan struct{} // capacity 1; not empty if there are notices
	notices []notice      // guarded by core.mu
}

// A notice tells a Get about a key.
type notice struct {
	key   string
	event event
	outcome
	job *job
}

// event is the kind of a notice.
type event uint8

const (
	finished event = iota // the Get may return outcome
	again                 // the outcome may be out of date, so the Get must read again
	overdue               // the load takes longer than its lease; the Get may begin another one
)

// post sends a notice to a waiter. It must be called with core.mu locked.
func (w *waiter) post(n notice) {
	w.inbox.notices = append(w.inbox.notices, n)
	select {
	case w.inbox.signal <- struct{}{}:
	default:
	}
}

// take removes and returns the notices.
func (c *core) take(in *inbox) []notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	notices := in.notices
	in.notices = nil
	return notices
}

// join makes a request wait for keys. For those that nobody is loading in this process it
// returns a job, which the caller must start.
func (c *core) join(ctx context.Context, r *request, keys []string, readings map[string]reading, v versions) (*job, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil, errClosed
	}
	var j *job
	for _, key := range keys {
		cl := c.calls[key]
		if cl == nil {
			if r.loading[key] {
				continue // its own load goes on after the lease; one is enough
			}
			r.loading[key] = true
			if j == nil {
				j = c.newJob(ctx, r, v)
			}
			cl = j.newCall(key, readings[key])
		}
		w := &waiter{inbox: &r.inbox, call: cl, late: cl.started}
		cl.waiters[w] = struct{}{}
		cl.joins++
		cl.job.waiting++
		r.waiters[key] = append(r.waiters[key], w)
	}
	return j, nil
}

// leave removes waiters. A job without waiters is canceled, unless keep is set: then it goes
// on to its end.
func (c *core) leave(waiters []*waiter, keep bool) {
	if len(waiters) == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, w := range waiters {
		if _, ok := w.call.waiters[w]; ok {
			if keep {
				w.call.job.keep = true
			}
			c.remove(w)
		}
	}
}

// remove removes a waiter from its call. It must be called with mu locked.
func (c *core) remove(w *waiter) {
	delete(w.call.waiters, w)
	j := w.call.job
	if j.waiting--; j.waiting > 0 || j.keep {
		return
	}
	j.cancel()
	for _, cl := range j.calls {
		c.close(cl)
	}
}

// close prevents others from joining a call. It must be called with mu locked.
func (c *core) close(cl *call) {
	if c.calls[cl.key] == cl {
		delete(c.calls, cl.key)
	}
}

// deliver notifies the waiters of a call: those for whom the outcome is current take it, and
// the others must read again. It must be called with mu locked, after close.
func (c *core) deliver(cl *call, o outcome, good func(*waiter) bool) {
	if cl.done {
		return
	}
	cl.done = true
	for w := range cl.waiters {
		n := notice{key: cl.key, job: cl.job, event: again}
		if good(w) {
			n.event, n.outcome = finished, o
		}
		w.post(n)
		cl.job.waiting--
	}
	clear(cl.waiters)
}

// toAll and toNone are arguments of deliver.
func toAll(*waiter) bool  { return true }
func toNone(*waiter) bool { return false }

// setOverdue lets waiters begin another load of the keys that a job still loads after its
// lease. Waiters that may take its result also go on waiting for it. It is called again after
// each further lease.
func (j *job) setOverdue(calls []*call) {
	c := j.core
	c.mu.Lock()
	defer c.mu.Unlock()
	if j.overdue == nil {
		return // the load is over
	}
	j.overdue.Reset(c.config.lease)
	for _, cl := range calls {
		c.close(cl)
		for w := range cl.waiters {
			w.post(notice{key: cl.key, job: cl.job, event: overdue})
			if w.late {
				c.remove(w)
			}
		}
	}
}

// errClosed is returned after Close.
var errClosed = fmt.Errorf("load: the loader is closed: %w", cache.ErrClosed)

// shut is [Loader.Close].
func (c *core) shut() error {
	c.mu.Lock()
	if !c.closed.Swap(true) && c.jobs == 0 {
		close(c.idle)
	}
	c.mu.Unlock()
	// A job waits at most one lease for that of another process, and has one itself.
	timer := time.NewTimer(plus(times(c.config.lease, 2), time.Second))
	defer timer.Stop()
	select {
	case <-c.idle:
		return nil
	case <-timer.C:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jobs == 0 {
		return nil
	}
	return fmt.Errorf("load: close: %d loads still run after their leases of %v; a load function must return when its context is done", c.jobs, c.config.lease)
}
