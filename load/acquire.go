package load

import (
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

// acquire stores a lease, or a mark on the old value, at the key of each call where that is
// possible, and returns the calls to load. The others are done, or must be read again later.
func (j *job) acquire(calls []*call) (owned []*call) {
	var free []*call
	for _, cl := range calls {
		switch {
		case cl.done:
		case cl.reading.state == failed:
			j.fail([]*call{cl}, cl.reading.err)
		case cl.reading.state == blind:
			cl.blind = true
			owned = append(owned, cl)
		case cl.taken():
		default:
			free = append(free, cl)
		}
	}
	if len(free) == 0 {
		return owned
	}
	owned = append(owned, j.add(free)...)
	return append(owned, j.swap(free)...)
}

// taken reports whether another caller seems to be loading.
func (cl *call) taken() bool {
	if cl.reading.state != leased && cl.reading.state != pending {
		return false
	}
	owner := cl.reading.h.mark.owner
	if cl.other != owner || cl.since.IsZero() {
		cl.other, cl.since = owner, time.Now()
	}
	// The mark has a deadline, but the clock of its owner may be wrong.
	return time.Since(cl.since) < cl.job.core.config.lease
}

// deadline returns the time until which others must not load a key.
func (j *job) deadline() int64 {
	return j.core.clock() + j.core.config.lease.Milliseconds()
}

// add adds leases at absent keys, and adds the absent records of known tags, in the same
// operation if that is possible. It returns the calls that have a lease, and sets the tokens
// of the others to the items that are there.
func (j *job) add(calls []*call) (owned []*call) {
	c := j.core
	content := make(map[string][]byte, len(calls))
	for _, cl := range calls {
		cl.token, cl.hasToken, cl.owner = cache.Item{}, false, c.newVersion()
		content[cl.key] = leaseOf(cl.owner, j.deadline())
	}
	ttl := c.config.lease
	records := j.absentRecords(calls)
	if len(records) > 0 && c.tags == c.cache {
		// The lease has the TTL of the records, but its deadline ends it earlier.
		ttl = c.config.recordTTL
		for _, record := range records {
			content[record] = encodeRecord(c.newVersion())
		}
	}
	items, added, err := c.cache.GetOrAddMulti(j.store, content, ttl)
	failures, err := perKey(err)
	if err != nil {
		j.fail(calls, wholeError(j.ctx, err))
		return nil
	}
	if len(records) > 0 {
		j.addRecords(records, items, failures)
	}
	present := map[string]reading{}
	for _, cl := range calls {
		it, ok := items[cl.key]
		var h header
		if ok {
			parse(it.Value, &h)
		}
		switch {
		case ok && added[cl.key] && h.kind == kindLease && h.mark.owner == cl.owner:
			cl.token, cl.hasToken = it, true
			owned = append(owned, cl)
		case ok:
			cl.token = it
			r := reading{state: fresh, h: h}
			if h.form == unusable {
				r.state = invalid
			}
			present[cl.key] = r
		default:
			if j.notAdded(cl, failures[cl.key]) {
				owned = append(owned, cl)
			}
		}
	}
	err = c.judgeAll(j.store, present, &j.query, j.versions)
	for _, cl := range calls {
		r, ok := present[cl.key]
		if ok && err != nil {
			r = reading{state: failed, err: err}
		}
		if ok {
			cl.reading = r
		}
	}
	return owned
}

// leaseOf returns the content of a lease.
func leaseOf(owner uint64, deadline int64) []byte {
	h := header{kind: kindLease, mark: mark{deadline, owner}}
	return h.encode()
}

// absentRecords returns the known records of calls that were absent when they were read.
func (j *job) absentRecords(calls []*call) (records []string) {
	seen := map[string]bool{}
	for _, cl := range calls {
		for _, record := range j.core.knownFor(&j.query, cl.key) {
			if v, ok := j.versions[record]; ok && v == 0 && !seen[record] {
				seen[record] = true
				records = append(records, record)
			}
		}
	}
	return records
}

// addRecords notes the records that add has added or found. Records in another cache, and
// items that are not records, take more operations.
func (j *job) addRecords(records []string, items map[string]cache.Item, failures map[string]error) {
	c := j.core
	for _, record := range records {
		delete(j.versions, record) // unknown, unless it is known below
	}
	if c.tags == c.cache {
		records = c.adopt(j.store, records, items, failures, j.versions)
	}
	// If that fails as a whole, the tags stay unknown, and the value is not stored.
	_ = c.ensure(j.store, records, j.versions)
}

// notAdded handles a call for which add neither added a lease nor found an item. It reports
// whether the key is to be loaded without a lease.
func (j *job) notAdded(cl *call, err error) (load bool) {
	switch {
	case errors.Is(err, cache.ErrUnavailable):
		cl.blind = true
		cl.swapped = true // there may be a lease, which must be removed then
		return true
	case errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrConflict), errors.Is(err, cache.ErrTooLarge):
		return true // the cache keeps not even the lease
	case errors.Is(err, cache.ErrUnreadable):
		// It has no token to compare with. The next round shows whether Delete succeeded.
		_ = j.core.cache.Delete(j.store, cl.key)
		cl.reading = reading{state: absent}
		return false
	}
	j.fail([]*call{cl}, wholeError(j.ctx, err))
	return false
}

// swap replaces invalid items by leases, and marks items that are stale or due for a refresh,
// by compare and swap. It returns the calls to load.
func (j *job) swap(calls []*call) (owned []*call) {
	var swaps []cache.Swap
	var chosen []*call
	for _, cl := range calls {
		if cl.done || cl.hasToken || cl.blind || cl.token.Key == "" {
			continue
		}
		r := &cl.reading
		if r.state == leased || r.state == pending {
			if cl.taken() {
				continue
			}
			if r.state == leased {
				r.state = invalid
			} else {
				r.state = stale
			}
		}
		s := cache.Swap{Old: cl.token}
		s.Old.Kind = cache.Bytes
		switch {
		case r.state == failed:
			j.fail([]*call{cl}, r.err)
			continue
		case r.state == blind:
			cl.blind = true
			owned = append(owned, cl)
			continue
		case r.state == due && j.refresh, r.state == stale:
			h := r.h
			h.mark = mark{j.deadline(), cl.owner}
			cl.left = h.life.left(j.core.clock())
			s.Value, s.TTL, cl.marked = h.encode(), cl.left, true
		case r.state == invalid:
			s.Value, s.TTL = leaseOf(cl.owner, j.deadline()), j.core.config.lease
		default:
			j.core.steps.found(j, cl, -1) // another caller has stored it meanwhile
			continue
		}
		swaps, chosen = append(swaps, s), append(chosen, cl)
	}
	if len(swaps) == 0 {
		return owned
	}
	failures, err := perKey(j.core.cache.CompareAndSwapMulti(j.store, swaps))
	if err != nil {
		j.fail(chosen, wholeError(j.ctx, err))
		return owned
	}
	for _, cl := range chosen {
		switch err := failures[cl.key]; {
		case err == nil:
			cl.swapped = true
			owned = append(owned, cl)
		case errors.Is(err, cache.ErrConflict), errors.Is(err, cache.ErrMiss):
			cl.marked = false // another caller was first; read again
		case errors.Is(err, cache.ErrUnavailable):
			cl.marked, cl.blind = false, true
			cl.swapped = true // it may have succeeded, and must be removed then
			owned = append(owned, cl)
		case errors.Is(err, cache.ErrTooLarge):
			cl.marked = false // the mark made the item too large, so it is loaded without a lease
			owned = append(owned, cl)
		default:
			j.fail([]*call{cl}, wholeError(j.ctx, err))
		}
	}
	return owned
}
