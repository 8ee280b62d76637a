package load

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// A job loads some keys, in a goroutine. It takes the leases that are free, loads, stores,
// and then reads the keys again that other processes were loading. It never waits for another
// job of this process, so two jobs with common keys cannot wait for each other.
type job struct {
	core    *core
	ctx     context.Context // canceled when nobody waits any more
	store   context.Context // of operations that must not be cut short: a lease without an owner would make others wait
	cancel  context.CancelFunc
	request *request // that began it
	query   query
	load    loadFunc
	calls   []*call
	refresh bool // it refreshes values that are still good
	again   bool // others were told to read again at the same time, see gather

	// Guarded by core.mu.
	waiting int         // waiters of its calls
	keep    bool        // it goes on when nobody waits
	overdue *time.Timer // runs while the load function does

	versions versions // of the tags, as they were read last

	refreshed cache.Result // of a refresh, for hooks
}

// steps are the parts of a job whose order its promises rest on. They are fields so that
// tests can replace them with broken ones, and see that the loss is found.
type steps struct {
	run    func(j *job)
	found  func(j *job, cl *call, joins int)
	finish func(j *job, calls []*call, entries []*entry, outcomes []outcome)
}

var sound = steps{(*job).run, (*job).found, (*job).finish}

// acquisition is the state of a call in its job.
type acquisition struct {
	reading reading
	// The lease or mark that was stored at the key, so that others do not load it.
	owner    uint64     // in the mark of the lease or of the old value
	token    cache.Item // its item; not known after a swap
	hasToken bool       // token is set
	swapped,
	marked bool // the old value is still there, with a mark
	blind bool          // the cache could not be reached, so nothing has been stored there
	left  time.Duration // the TTL that the old value had when it was marked

	// The owner of the lease of another process, and when it was first seen: the clock
	// of that process may differ from ours.
	other uint64
	since time.Time
}

// The back-off between reads of keys that another process is loading.
const (
	pollFirst = 2 * time.Millisecond
	pollMost  = 100 * time.Millisecond
)

// gather is the time for which a job lets others join before it loads, if others are about
// to. They cannot join later: without the cache, or with a lease that another caller may have
// taken over, they could not tell whether a tag has been invalidated since.
// Waiters that joined late are told to read again at the same time. Without the pause the first
// of them would begin to load before the others have joined, who would be late again.
const gather = 10 * time.Millisecond

// gathers reports whether other callers are likely to begin the same load now: in an outage,
// and when a lease ends before the load of its owner.
func (cl *call) gathers() bool {
	return cl.blind || cl.reading.h.kind == kindLease || cl.reading.h.mark.owner != 0
}

// newJob must be called with mu locked.
func (c *core) newJob(ctx context.Context, r *request, v versions) *job {
	j := &job{core: c, request: r, load: r.load, versions: maps.Clone(v)}
	j.query = query{r.query.known, maps.Clone(r.query.reject), r.query.early}
	j.store = context.WithoutCancel(ctx)
	j.ctx, j.cancel = context.WithCancel(j.store)
	c.jobs++
	return j
}

// newCall must be called with mu locked.
func (j *job) newCall(key string, r reading) *call {
	cl := &call{key: key, job: j, waiters: map[*waiter]struct{}{}}
	cl.reading = r
	j.calls = append(j.calls, cl)
	j.core.calls[key] = cl
	return cl
}

func (j *job) run() {
	defer j.end()
	defer j.observe()()
	calls := j.calls
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		if owned := j.acquire(calls); len(owned) > 0 {
			j.loadAll(owned)
			pause = pollFirst
		}
		if calls = j.wanted(calls); len(calls) == 0 || !j.sleep(pause) || !j.look(calls) {
			return
		}
	}
}

// observe reports a refresh to hooks. It is for no caller, and so not a part of a Get.
func (j *job) observe() (end func()) {
	if !j.refresh {
		return func() {}
	}
	call := cache.Call{Op: cache.OpRefresh, Keys: len(j.calls)}
	if len(j.calls) == 1 {
		call.Key = j.calls[0].key
	}
	ctx, done := j.core.cache.Observe(j.store, call)
	j.cancel()
	j.store = ctx
	j.ctx, j.cancel = context.WithCancel(ctx)
	return func() {
		r := j.refreshed
		r.Affected = call.Keys - r.Failed
		done(r)
	}
}

// loaded notes what a load function returned, for hooks.
func (j *job) loaded(outcomes []outcome, took time.Duration) {
	j.refreshed.LoadTime += took
	for _, o := range outcomes {
		if o.err != nil {
			j.refreshed.Failed++
			j.refreshed.Err = o.err
		} else {
			j.refreshed.Loaded++
		}
	}
}

// end notifies all who still wait for a job that has ended.
func (j *job) end() {
	c := j.core
	j.cancel()
	if j.refresh {
		<-c.refreshes
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, cl := range j.calls {
		c.close(cl)
		c.deliver(cl, outcome{}, toNone)
	}
	if c.jobs--; c.jobs == 0 && c.closed.Load() {
		close(c.idle)
	}
}

// wanted returns the calls that are not done and that somebody waits for.
func (j *job) wanted(calls []*call) []*call {
	j.core.mu.Lock()
	defer j.core.mu.Unlock()
	var wanted []*call
	for _, cl := range calls {
		if !cl.done && len(cl.waiters) > 0 {
			wanted = append(wanted, cl)
		}
	}
	return wanted
}

// sleep waits for d and reports whether anybody still waits for the job.
func (j *job) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-j.ctx.Done():
		return false
	}
}

// look reads the keys of calls, and delivers the values that other processes have stored. It
// reports whether the job can go on.
func (j *job) look(calls []*call) bool {
	keys := make([]string, len(calls))
	joins := j.joins(calls)
	for i, cl := range calls {
		keys[i] = cl.key
	}
	readings, v, err := j.core.read(j.ctx, keys, &j.query)
	if err != nil {
		j.fail(calls, err)
		return false
	}
	j.versions = v
	for i, cl := range calls {
		cl.reading = readings[cl.key]
		if cl.reading.state == fresh || cl.reading.state == due {
			j.core.steps.found(j, cl, joins[i])
		}
	}
	return true
}

// joins returns how many have joined each call.
func (j *job) joins(calls []*call) []int {
	j.core.mu.Lock()
	defer j.core.mu.Unlock()
	n := make([]int, len(calls))
	for i, cl := range calls {
		n[i] = cl.joins
	}
	return n
}

// found delivers the value of the reading. Waiters may have it only if it was read, with its
// tags, after the last of them joined. If more have joined than the given number, found reads
// it once more, for all.
func (j *job) found(cl *call, joins int) {
	c := j.core
	c.mu.Lock()
	c.close(cl)
	if cl.joins == joins {
		c.deliver(cl, cl.reading.outcome(), toAll)
	}
	done := cl.done || len(cl.waiters) == 0
	c.mu.Unlock()
	if done {
		return
	}
	readings, _, err := c.read(j.ctx, []string{cl.key}, &j.query)
	c.mu.Lock()
	defer c.mu.Unlock()
	if r := readings[cl.key]; err == nil && (r.state == fresh || r.state == due) {
		c.deliver(cl, r.outcome(), toAll)
		return
	}
	c.deliver(cl, outcome{}, toNone)
}

// fail delivers an error to the waiters of calls.
func (j *job) fail(calls []*call, err error) {
	j.core.mu.Lock()
	defer j.core.mu.Unlock()
	for _, cl := range calls {
		j.core.close(cl)
		j.core.deliver(cl, outcome{err: err}, toAll)
	}
}

// loadAll calls the load function for calls, and stores and delivers what it returns.
func (j *job) loadAll(calls []*call) {
	c := j.core
	ctx, cancel := context.WithTimeout(j.ctx, c.config.lease)
	defer cancel()
	if j.again || slices.ContainsFunc(calls, (*call).gathers) {
		j.sleep(gather)
	}
	entries := make([]*entry, len(calls))
	c.mu.Lock()
	for i, cl := range calls {
		cl.started = true
		entries[i] = j.newEntry(cl)
	}
	// The context of the load is canceled when the lease ends. The load has a moment to
	// return before another one begins.
	j.overdue = time.AfterFunc(plus(c.config.lease, c.config.lease/10), func() { j.setOverdue(calls) })
	c.mu.Unlock()

	outcomes := make([]outcome, len(calls))
	for i := range outcomes {
		outcomes[i].err = errGoexit // unless the load function returns
	}
	began := time.Now()
	// Deferred, since the load function may end the goroutine.
	defer func() {
		took := time.Since(began)
		over := ctx.Err() != nil && j.ctx.Err() == nil
		for i := range outcomes {
			entries[i].close()
			outcomes[i].took = took
			if over && errors.Is(outcomes[i].err, context.DeadlineExceeded) {
				outcomes[i].err = &leaseError{c.config.lease, outcomes[i].err}
			}
		}
		c.stats.loaded(outcomes, took)
		j.loaded(outcomes, took)
		c.steps.finish(j, calls, entries, outcomes)
	}()
	if err := ctx.Err(); err != nil { // nobody waits any more
		for i := range outcomes {
			outcomes[i].err = err
		}
		return
	}
	func() {
		defer recoverInto(outcomes)
		outcomes = j.load(cache.NotWithin(c.chained(ctx, calls)), entries)
	}()
}

// newEntry returns the entry of a call for the load function.
func (j *job) newEntry(cl *call) *entry {
	e := &entry{core: j.core, key: cl.key, tags: versions{}, ttl: j.core.config.ttl}
	for _, record := range j.core.knownFor(&j.query, cl.key) {
		if v := j.versions[record]; v != 0 {
			e.add(record, v)
		} else {
			e.giveUp() // it could not be read or made
		}
	}
	if cl.blind || !cl.hasToken && !cl.swapped {
		e.noStore = true
	}
	h := &cl.reading.h
	if h.kind == kindValue && h.form != unusable && h.payload != nil && !bytes.Equal(h.payload, j.query.reject[cl.key]) {
		e.old, e.hasOld = h.payload, true
	}
	return e
}
