package load

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// A request is one Get or GetMulti.
type request struct {
	keys  []string // distinct
	query query
	load  loadFunc

	// take takes the outcome of a key. It returns an error if the value cannot be
	// decoded.
	take func(key string, o outcome) error

	outer   context.Context // of the caller
	inbox   inbox
	waiters map[string][]*waiter
	loading map[string]bool    // keys that a job of this request is loading
	left    map[string]reading // keys that are not settled, with what was read there last
	tally   tally
	panic   *PanicError // of the load of this request
}

// fill settles every key of a request: from the cache, from a load that it begins, or from
// one that it waits for.
func (c *core) fill(ctx context.Context, r *request) error {
	r.inbox.signal = make(chan struct{}, 1)
	r.waiters, r.loading = map[string][]*waiter{}, map[string]bool{}
	r.left = make(map[string]reading, len(r.keys))
	var todo []string
	for _, key := range r.keys {
		r.left[key] = reading{}
		if err := c.checkKey(key); err != nil {
			r.settle(c, key, outcome{err: err})
		} else if c.loading(ctx, key) {
			r.settle(c, key, outcome{err: fmt.Errorf("%w: key %.40q", errSelf, key)})
		} else {
			todo = append(todo, key)
		}
	}
	defer func() {
		for _, waiters := range r.waiters {
			c.leave(waiters, false)
		}
	}()
	if c.closed.Load() {
		return errClosed
	}
	if c.discards && r.load != nil {
		return c.alone(ctx, r, todo)
	}
	var patience <-chan time.Time
	for first := true; ; first = false {
		if len(todo) > 0 {
			if err := c.begin(ctx, r, todo, first); err != nil {
				return err
			}
			todo = nil
		}
		if len(r.left) == 0 {
			return nil
		}
		if patience == nil && c.config.patience > 0 && r.hasUsable() {
			timer := time.NewTimer(c.config.patience)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-r.inbox.signal:
			todo = r.handle(c, c.take(&r.inbox))
		case <-patience:
			patience = nil
			r.useStale(c)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// begin reads keys and settles those whose values are usable. It waits for the others, and
// begins to load those that nobody else is loading.
func (c *core) begin(ctx context.Context, r *request, keys []string, first bool) error {
	var missing, refresh, ask []string
	for _, key := range keys {
		if r.left[key].state == blind {
			missing = append(missing, key) // one read from a cache that is down is enough
		} else {
			ask = append(ask, key)
		}
	}
	readings, v := map[string]reading{}, versions{}
	if len(ask) > 0 {
		var err error
		if readings, v, err = c.read(ctx, ask, &r.query); err != nil {
			return err
		}
	}
	for _, key := range missing {
		readings[key] = r.left[key]
	}
	for _, key := range ask {
		rd := readings[key]
		r.left[key] = rd
		switch rd.state {
		case fresh, due:
			if r.hit(c, key, rd, first) {
				if rd.state == due && r.load != nil {
					refresh = append(refresh, key)
				}
				continue
			}
			rd.state = invalid // it could not be decoded
			readings[key] = rd
			r.left[key] = rd
		case held:
			if r.hit(c, key, rd, first) {
				continue
			}
		case failed:
			r.settle(c, key, outcome{err: rd.err})
			continue
		}
		if r.load == nil {
			err := rd.whyAbsent()
			if errors.Is(err, cache.ErrMiss) {
				r.tally.absent++
			}
			r.settle(c, key, outcome{err: err})
			continue
		}
		if err := c.remembered(key); err != nil {
			r.fail(c, key, outcome{err: err})
			continue
		}
		missing = append(missing, key)
	}
	c.startRefresh(r, refresh, readings, v)
	if len(missing) == 0 {
		return nil
	}
	j, err := c.join(ctx, r, missing, readings, v)
	if err != nil {
		return err
	}
	if j != nil {
		j.again = !first
		go c.steps.run(j)
	}
	return nil
}

// hit settles a key with the value that was read, and reports whether it could be decoded.
func (r *request) hit(c *core, key string, rd reading, first bool) bool {
	o := rd.outcome()
	if err := r.take(key, o); err != nil {
		r.rejected(c, key, o.payload)
		return false
	}
	if first || rd.state == held {
		r.tally.hits++
	} else {
		r.tally.waited++
	}
	if rd.state == held {
		r.tally.stale++
	}
	r.done(c, key, false)
	return true
}

// rejected notes a payload that cannot be decoded.
func (r *request) rejected(c *core, key string, payload []byte) {
	c.stats.undecodable.Add(1)
	if r.query.reject == nil {
		r.query.reject = map[string][]byte{}
	}
	r.query.reject[key] = payload
}

// handle takes notices, and returns the keys to read again, which are not settled.
func (r *request) handle(c *core, notices []notice) (todo []string) {
	listed := map[string]bool{}
	for _, n := range notices {
		if _, ok := r.left[n.key]; !ok {
			continue // it has been settled by an earlier one
		}
		own := n.job.request == r
		if own && n.event != overdue {
			delete(r.loading, n.key)
		}
		if n.event != finished {
			if !listed[n.key] {
				listed[n.key] = true
				todo = append(todo, n.key)
			}
			continue
		}
		if !own {
			n.value = nil
		}
		if own && n.took > r.tally.loadTime {
			r.tally.loadTime = n.took
		}
		if n.err != nil {
			if own && n.panic != nil {
				r.panic = n.panic
			}
			r.fail(c, n.key, n.outcome)
			continue
		}
		if err := r.take(n.key, n.outcome); err != nil {
			// It was loaded just now, so loading it again would not help.
			r.fail(c, n.key, outcome{err: fmt.Errorf("load: the value of key %.40q was loaded and cannot be decoded: %w", n.key, err)})
			continue
		}
		if own && n.took > 0 {
			r.tally.loaded++
		} else {
			r.tally.waited++
		}
		r.done(c, n.key, false)
	}
	// A later notice may have settled a key. It must not be waited for again: nobody would end
	// the wait if a load of this request goes on.
	return slices.DeleteFunc(todo, func(key string) bool {
		_, ok := r.left[key]
		return !ok
	})
}

// fail settles a key whose load failed: with the stale value if there is one, and otherwise
// with the error.
func (r *request) fail(c *core, key string, o outcome) {
	rd := r.left[key]
	if rd.state.usable() && c.clock() < rd.h.life.keep && r.take(key, rd.outcome()) == nil {
		r.tally.hits++
		r.tally.stale++
		r.done(c, key, false)
		return
	}
	r.settle(c, key, o)
}

// settle settles a key with an outcome that has no value.
func (r *request) settle(c *core, key string, o outcome) {
	_ = r.take(key, o) // an error is not decoded
	r.done(c, key, false)
}

// done ends the wait for a key.
func (r *request) done(c *core, key string, keep bool) {
	delete(r.left, key)
	c.leave(r.waiters[key], keep)
	delete(r.waiters, key)
}

// hasUsable reports whether the request waits for a key whose old value may be returned.
func (r *request) hasUsable() bool {
	for _, rd := range r.left {
		if rd.state.usable() {
			return true
		}
	}
	return false
}

// useStale settles the keys whose old values may be returned. Their loads go on.
func (r *request) useStale(c *core) {
	for key, rd := range r.left {
		if rd.state.usable() && c.clock() < rd.h.life.keep && r.take(key, rd.outcome()) == nil {
			r.tally.hits++
			r.tally.stale++
			r.done(c, key, true)
		}
	}
}

// alone loads without the cache, in the goroutine of the caller.
func (c *core) alone(ctx context.Context, r *request, keys []string) error {
	if len(keys) == 0 {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	entries := make([]*entry, len(keys))
	calls := make([]*call, len(keys))
	for i, key := range keys {
		entries[i] = &entry{core: c, key: key, tags: versions{}}
		calls[i] = &call{key: key}
	}
	began := time.Now()
	outcomes := r.load(c.chained(ctx, calls), entries)
	r.tally.loadTime = time.Since(began)
	c.stats.loaded(outcomes, r.tally.loadTime)
	for i, key := range keys {
		entries[i].close()
		o := outcomes[i]
		if o.err != nil {
			r.settle(c, key, o)
			continue
		}
		if err := r.take(key, o); err != nil {
			r.settle(c, key, outcome{err: err})
			continue
		}
		r.tally.loaded++
		r.done(c, key, false)
	}
	return nil
}

// startRefresh loads keys in the background, if there is room for one more refresh.
func (c *core) startRefresh(r *request, keys []string, readings map[string]reading, v versions) {
	if len(keys) == 0 {
		return
	}
	select {
	case c.refreshes <- struct{}{}:
	default:
		c.stats.refreshesSkipped.Add(uint64(len(keys)))
		return
	}
	if j := c.newRefresh(r, keys, readings, v); j != nil {
		go c.steps.run(j)
		return
	}
	<-c.refreshes
}

// newRefresh returns a job for those keys that nobody in this process is loading, or nil.
func (c *core) newRefresh(r *request, keys []string, readings map[string]reading, v versions) *job {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed.Load() {
		return nil
	}
	var j *job
	for _, key := range keys {
		if c.calls[key] != nil {
			continue
		}
		if j == nil {
			j = c.newJob(r.outer, &request{load: r.load, query: r.query}, v)
			j.refresh, j.keep = true, true
		}
		j.newCall(key, readings[key])
	}
	return j
}

// tally counts the outcomes of the keys of a request.
type tally struct {
	hits, stale, absent, loaded, waited int
	loadTime                            time.Duration
}

func (t *tally) misses() int { return t.absent + t.loaded + t.waited }

// result returns the result for hooks.
func (t *tally) result(err error, keys int) cache.Result {
	r := cache.Result{
		Affected: t.hits, Misses: t.misses(), Stale: t.stale,
		Loaded: t.loaded, Waited: t.waited, LoadTime: t.loadTime, Err: err,
	}
	r.Failed = keys - r.Affected - r.Misses
	return r
}
