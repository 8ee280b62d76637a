package load

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

// An outcome is the result of a load of a key, or the value that was found instead.
type outcome struct {
	payload  []byte // the encoded value
	value    any    // the value, for the Get whose load function returned it
	notFound bool
	err      error
	panic    *PanicError   // of the load function; err may wrap it. An err that wraps that of another load leaves it nil
	took     time.Duration // of the load function; 0 if it did not run
}

// outcome returns the outcome for waiters of a key at which r was read.
func (r *reading) outcome() outcome {
	return outcome{payload: r.h.payload, notFound: r.h.kind == kindNotFound}
}

// finish replaces the leases of calls by their outcomes, and delivers these. The order
// matters for waiters that joined while the load function ran: first, the call is closed, so
// that no one else joins; then the item is stored by compare and swap; then the tags are read
// again. If the swap succeeded and no tag has changed, the value was current after the last of
// them joined.
func (j *job) finish(calls []*call, entries []*entry, outcomes []outcome) {
	late := j.closeAll(calls)
	stored := j.replace(calls, entries, outcomes)
	verified := j.verify(calls, entries, outcomes, late, stored)
	j.deliverAll(calls, outcomes, func(i int, w *waiter) bool {
		return outcomes[i].err != nil || !w.late || verified[i]
	})
}

// closeAll keeps others from joining calls, and reports which of them somebody has joined
// late.
func (j *job) closeAll(calls []*call) (late []bool) {
	late = make([]bool, len(calls))
	c := j.core
	c.mu.Lock()
	defer c.mu.Unlock()
	j.overdue.Stop()
	j.overdue = nil
	for i, cl := range calls {
		c.close(cl)
		for w := range cl.waiters {
			late[i] = late[i] || w.late
		}
	}
	return late
}

// deliverAll tells those who wait for calls about the outcomes. Good reports whether a waiter
// of the call with that index may take its outcome.
func (j *job) deliverAll(calls []*call, outcomes []outcome, good func(i int, w *waiter) bool) {
	c := j.core
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, cl := range calls {
		o := outcomes[i]
		if o.err != nil && j.ctx.Err() == nil {
			c.failures.add(cl.key, o.err, c.config.errorTTL)
		}
		c.deliver(cl, o, func(w *waiter) bool { return good(i, w) })
	}
}

// replace replaces the lease of each call by its outcome, or removes the lease. It reports
// for which calls that succeeded: nobody else has stored at their keys since the lease.
func (j *job) replace(calls []*call, entries []*entry, outcomes []outcome) (stored []bool) {
	c := j.core
	j.findTokens(calls)
	var swaps []cache.Swap
	var remove []cache.Item
	index := map[string]int{}
	for i, cl := range calls {
		if !cl.hasToken {
			continue
		}
		index[cl.key] = i
		if h, ttl, ok := j.successor(cl, entries[i], &outcomes[i]); ok {
			swaps = append(swaps, cache.Swap{Old: cl.token, Value: h.encode(), TTL: ttl})
		} else {
			remove = append(remove, cl.token)
		}
	}
	stored = make([]bool, len(calls))
	if len(swaps) > 0 {
		failed, err := perKey(c.cache.CompareAndSwapMulti(j.store, swaps))
		for _, s := range swaps {
			switch err := errors.Join(err, failed[s.Old.Key]); {
			case err == nil:
				stored[index[s.Old.Key]] = true
			case errors.Is(err, cache.ErrTooLarge):
				remove = append(remove, s.Old)
			}
		}
	}
	if len(remove) > 0 {
		failed, err := perKey(c.cache.CompareAndDeleteMulti(j.store, remove))
		for _, it := range remove {
			stored[index[it.Key]] = err == nil && failed[it.Key] == nil
		}
	}
	return stored
}

// findTokens reads the tokens of the items that swap has stored.
func (j *job) findTokens(calls []*call) {
	var keys []string
	for _, cl := range calls {
		if cl.swapped {
			keys = append(keys, cl.key)
		}
	}
	if len(keys) == 0 {
		return
	}
	// If the item cannot be read, the outcome is not stored.
	items, _ := j.core.cache.GetItemMulti(j.store, keys)
	for _, cl := range calls {
		it, ok := items[cl.key]
		if !cl.swapped || !ok {
			continue
		}
		var h header
		if parse(it.Value, &h); h.form == ours && h.mark.owner == cl.owner {
			cl.token, cl.hasToken = it, true
		}
	}
}

// successor returns the item that replaces a lease, or false if the lease is to be removed.
func (j *job) successor(cl *call, e *entry, o *outcome) (h header, ttl time.Duration, ok bool) {
	cfg := &j.core.config
	switch {
	case o.err != nil && cl.marked:
		// The old value stays, and is returned until RetryAfter has passed.
		h = cl.reading.h
		now := j.core.clock()
		h.mark = mark{deadline: now + cfg.retryAfter.Milliseconds()}
		// If the clock was set back meanwhile, no more is left than before.
		return h, min(cl.left, h.life.left(now)), true
	case o.err != nil, e.noStore, e.ttl < 0:
		return header{}, 0, false
	case o.notFound:
		h.kind = kindNotFound
		if ttl = shortened(cfg.notFoundTTL, j.core.share()); ttl == 0 {
			return header{}, 0, false
		}
	default:
		h.payload = o.payload
		h.life, ttl = j.core.newLife(e.ttl, o.took)
	}
	h.generation = cfg.generation
	for _, record := range e.records {
		h.tags = appendTag(h.tags, record, e.tags[record])
	}
	h.tagCount = len(e.records)
	return h, ttl, true
}

// share returns the random fraction of a TTL that Jitter leaves.
func (c *core) share() float64 { return 1 - c.config.jitter*c.fraction() }

// shortened returns the fraction share of ttl, but at least 1. A ttl of 0, no expiry, stays 0.
func shortened(ttl time.Duration, share float64) time.Duration {
	if ttl <= 0 || share == 1 {
		return ttl // the largest would not survive the conversion to float64
	}
	return max(1, time.Duration(float64(ttl)*share))
}

// newLife returns the life of a value that was just loaded, and the TTL that it has in the
// cache.
func (c *core) newLife(ttl, took time.Duration) (life, time.Duration) {
	cfg := &c.config
	share := c.share()
	ttl = shortened(ttl, share)
	var l life
	now := c.clock()
	if refresh := time.Duration(float64(cfg.refreshAfter) * share); refresh > 0 && (ttl == 0 || refresh < ttl) {
		l.refresh = now + max(1, refresh.Milliseconds())
	}
	if ttl == 0 {
		return l, 0
	}
	if l.refresh == 0 && cfg.keepStale == 0 && cfg.earlyRefresh == 0 {
		return l, ttl // the cache ends it
	}
	l.expires = now + max(1, ttl.Milliseconds())
	if cfg.earlyRefresh > 0 {
		l.took = uint32(min(max(1, took.Milliseconds()), 1<<31))
	}
	if cfg.keepStale > 0 {
		ttl = plus(ttl, cfg.keepStale)
		l.keep = now + ttl.Milliseconds()
	}
	return l, ttl
}

// verify reports which outcomes may be delivered to waiters that joined late.
func (j *job) verify(calls []*call, entries []*entry, outcomes []outcome, late, stored []bool) (verified []bool) {
	verified = make([]bool, len(calls))
	records := map[string]bool{}
	for i := range calls {
		verified[i] = late[i] && stored[i] && outcomes[i].err == nil && !entries[i].unknown
		if verified[i] {
			for _, record := range entries[i].records {
				records[record] = true
			}
		}
	}
	now := versions{}
	// A record that cannot be read is not in now, and so does not match.
	_ = j.core.readVersions(j.store, slices.Collect(maps.Keys(records)), now)
	for i, e := range entries {
		for _, record := range e.records {
			if v, ok := now[record]; !ok || v != e.tags[record] {
				verified[i] = false
			}
		}
	}
	return verified
}

// chain lists the loads that a context is part of, the innermost first.
type chain struct {
	core  *core
	keys  map[string]bool
	outer *chain
}

type chainKey struct{}

// chained returns a context for the load of calls.
func (c *core) chained(ctx context.Context, calls []*call) context.Context {
	outer, _ := ctx.Value(chainKey{}).(*chain)
	keys := make(map[string]bool, len(calls))
	for _, cl := range calls {
		keys[cl.key] = true
	}
	return context.WithValue(ctx, chainKey{}, &chain{c, keys, outer})
}

// loading reports whether ctx is part of a load of key.
func (c *core) loading(ctx context.Context, key string) bool {
	for ch, _ := ctx.Value(chainKey{}).(*chain); ch != nil; ch = ch.outer {
		if ch.core == c && ch.keys[key] {
			return true
		}
	}
	return false
}
