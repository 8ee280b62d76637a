package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/larder-go/larder/cache"
)

// state classifies the item at the key of a Get.
type state uint8

const (
	absent  state = iota // there is no item
	invalid              // the item must not be returned
	leased               // another caller is loading it
	fresh                // it may be returned
	due                  // it may be returned, and is to be refreshed
	stale                // it is past its TTL and was kept; it is to be loaded
	pending              // it is stale, and another caller is loading it
	held                 // it is stale, and it is too early to try again
	blind                // the cache cannot be reached
	failed               // the caller made a mistake, or the cache is closed
)

// usable reports whether a value in this state may be returned if it cannot be loaded.
func (s state) usable() bool { return s == stale || s == pending || s == held }

// A reading is the result of reading a key.
type reading struct {
	state state
	h     header
	err   error // if failed, or if the item could not be read
	// unreadable means that the driver cannot decode the item, so it has no token and
	// can only be deleted.
	unreadable bool
}

// A query holds the tags that values must have, and the payloads to reject.
type query struct {
	known  []string          // records of tags that every value must have
	reject map[string][]byte // by key: payloads that could not be decoded
	early  float64           // see core.early
}

// knownFor returns the records that the value of key must have.
func (c *core) knownFor(q *query, key string) []string {
	if !c.config.keyTags {
		return q.known
	}
	return append([]string{keyRecordOf(key)}, q.known...)
}

// read reads the items of keys, and the records of their tags: those that are known with
// the items, and those that only the headers name in a second operation. It returns an error
// if the context is done or the cache is closed.
func (c *core) read(ctx context.Context, keys []string, q *query) (map[string]reading, versions, error) {
	v := versions{}
	values, failures, err := c.readItems(ctx, keys, q, v)
	if err != nil {
		return nil, nil, err
	}
	readings := make(map[string]reading, len(keys))
	for _, key := range keys {
		b, ok := values[key]
		if ok {
			r := reading{state: fresh} // unless judge finds otherwise
			if parse(b, &r.h); r.h.form == unusable {
				r.state = invalid
			}
			readings[key] = r
			continue
		}
		readings[key] = readingOf(failures[key])
	}
	return readings, v, c.judgeAll(ctx, readings, q, v)
}

// readingOf returns the reading of a key whose item was not returned.
func readingOf(err error) reading {
	switch {
	case err == nil:
		return reading{state: absent}
	case errors.Is(err, cache.ErrUnreadable):
		return reading{state: invalid, unreadable: true}
	case errors.Is(err, cache.ErrUnavailable):
		return reading{state: blind, err: err}
	}
	return reading{state: failed, err: err}
}

// whyAbsent returns the error of a Get that loads nothing.
func (r *reading) whyAbsent() error {
	switch {
	case r.state != blind:
		return cache.ErrMiss
	case r.err != nil:
		return r.err
	}
	return fmt.Errorf("load: the tags of the value cannot be read: %w", cache.ErrUnavailable)
}

// readItems reads the items of keys, and the known records into v.
func (c *core) readItems(ctx context.Context, keys []string, q *query, v versions) (values map[string][]byte, failures map[string]error, err error) {
	var known []string
	for _, key := range keys {
		if c.config.keyTags {
			known = append(known, keyRecordOf(key))
		}
	}
	known = append(known, q.known...)
	if len(keys) == 1 && (len(known) == 0 || c.tags != c.cache) {
		value, err := c.cache.Get(ctx, keys[0])
		if err == nil {
			values = map[string][]byte{keys[0]: value}
		} else if !errors.Is(err, cache.ErrMiss) {
			failures = map[string]error{keys[0]: err}
		}
	} else if c.tags != c.cache {
		values, err = c.cache.GetMulti(ctx, keys)
	} else {
		all := append(known[:len(known):len(known)], keys...)
		values, err = c.cache.GetMulti(ctx, all)
		if err := v.note(known, values, err); err != nil {
			return nil, nil, wholeError(ctx, err)
		}
	}
	if err != nil {
		failures, err = perKey(err)
		if err != nil {
			return nil, nil, wholeError(ctx, err)
		}
	}
	if len(known) > 0 && c.tags != c.cache {
		if err := c.readVersions(ctx, known, v); err != nil {
			return nil, nil, wholeError(ctx, err)
		}
	}
	return values, failures, ctx.Err()
}

// wholeError returns the error of an operation that failed as a whole, or that of the
// context if it is done.
func wholeError(ctx context.Context, err error) error {
	if done := ctx.Err(); done != nil {
		return done
	}
	return err
}

// judgeAll reads the records that are missing in v, and sets the states of readings whose
// state is fresh.
func (c *core) judgeAll(ctx context.Context, readings map[string]reading, q *query, v versions) error {
	var missing []string
	asked := map[string]bool{}
	for _, r := range readings {
		if r.state != fresh {
			continue
		}
		for tags := r.h.tags; len(tags) > 0; {
			var record []byte
			record, _, tags = nextTag(tags)
			name := string(record)
			if _, ok := v[name]; !ok && !asked[name] {
				asked[name] = true
				missing = append(missing, name)
			}
		}
	}
	if err := c.readVersions(ctx, missing, v); err != nil {
		return wholeError(ctx, err)
	}
	for key, r := range readings {
		if r.state == fresh {
			r.state = c.judge(key, &r.h, q, v)
			readings[key] = r
		}
	}
	return ctx.Err()
}

// judge returns the state of an item whose header is h.
func (c *core) judge(key string, h *header, q *query, v versions) state {
	if h.kind == kindLease {
		if h.mark.deadline <= c.clock() {
			return invalid // its owner has died
		}
		return leased
	}
	if bad, ok := q.reject[key]; ok && bytes.Equal(h.payload, bad) {
		return invalid
	}
	if h.form == plain {
		return fresh // another program stored it
	}
	if h.generation != c.config.generation {
		return invalid
	}
	for tags := h.tags; len(tags) > 0; {
		record, version, rest := nextTag(tags)
		current, ok := v[string(record)]
		if !ok {
			return blind
		}
		if current != version || version == 0 {
			return invalid
		}
		tags = rest
	}
	for _, record := range c.knownFor(q, key) {
		if !h.hasTag("", record) {
			return invalid
		}
	}
	return c.age(h, q.early)
}

// age returns the state of a value that no tag invalidates.
func (c *core) age(h *header, early float64) state {
	if h.life == (life{}) && h.mark == (mark{}) {
		return fresh
	}
	now := c.clock()
	marked := now < h.mark.deadline
	if h.life.expires == 0 || now < h.life.expires {
		if !marked && h.life.isDue(now, early) {
			return due
		}
		return fresh
	}
	switch {
	case now >= h.life.keep:
		return invalid
	case !marked:
		return stale
	case h.mark.owner == 0:
		return held
	}
	return pending
}

// early returns an exponentially distributed random number whose mean is Config.EarlyRefresh. A
// value is refreshed when its remaining time is less than this number times the time that it took
// to load. The number is chosen once for a Get, which may judge a value several times: with a new
// number each time, all of them would have to agree, and values would be refreshed later.
func (c *core) early() float64 {
	if c.config.earlyRefresh == 0 {
		return 0
	}
	return c.config.earlyRefresh * -math.Log(1-c.fraction())
}

// isDue reports whether a value that has not expired is to be refreshed.
func (l *life) isDue(now int64, early float64) bool {
	if l.refresh != 0 && now >= l.refresh {
		return true
	}
	return early > 0 && l.expires != 0 && float64(now)+float64(l.took)*early >= float64(l.expires)
}

// hasTag reports whether the value has the tag whose record has the key prefix + name.
func (h *header) hasTag(prefix, name string) bool {
	for tags := h.tags; len(tags) > 0; {
		var record []byte
		record, _, tags = nextTag(tags)
		if len(record) == len(prefix)+len(name) && string(record[:len(prefix)]) == prefix && string(record[len(prefix):]) == name {
			return true
		}
	}
	return false
}
