package load

import (
	"context"
	"errors"
	"slices"

	"github.com/larder-go/larder/cache"
)

// A MultiFunc loads the values of keys. A key that is not in the returned map is
// [ErrNotFound]. An error of the function applies to all keys; use [Entries.Fail] for an
// error of one key. Otherwise it is like a [Func].
type MultiFunc[V any] func(ctx context.Context, e *Entries[V], keys []string) (map[string]V, error)

// GetMulti returns the values of keys, from the cache or from load, with the rules of Get.
// It loads all missing values in one call of load. It waits for keys that another process is
// loading, and loads them in a further call if that fails. Keys that do not exist are not in
// the map. If some values cannot be returned, it returns the others together with a
// [*cache.MultiError] that has an error for each of their keys. Keys may repeat.
//
// The tags apply to the values of all keys, as in Get. If load is nil, nothing is loaded,
// and keys that are not in the cache are not in the map.
func (l *Loader[V]) GetMulti(ctx context.Context, keys []string, load MultiFunc[V], tags ...string) (map[string]V, error) {
	c := l.core
	keys = distinct(keys)
	values := make(map[string]V, len(keys))
	outer := ctx
	ctx, end := c.cache.Observe(ctx, cache.Call{Op: cache.OpLoadMulti, Keys: len(keys)})
	r := &request{keys: keys, outer: outer, load: l.many(load), query: query{early: c.early()}}
	var err error
	defer func() {
		c.stats.add(&r.tally, len(keys))
		end(r.tally.result(err, len(keys)))
	}()
	if c.inProcess && ctx.Err() == nil && !c.closed.Load() {
		r.keys = l.lookups(ctx, r, tags, values)
	}
	records, err := c.records(tags)
	if err != nil || len(r.keys) == 0 {
		return values, err
	}
	r.query.known = append(c.base[:len(c.base):len(c.base)], records...)
	failed := map[string]error{}
	r.take = func(key string, o outcome) error {
		v, err, decodeErr := l.take(key, o)
		switch {
		case decodeErr != nil:
			return decodeErr
		case err == nil:
			values[key] = v
		case errors.Is(err, ErrNotFound), load == nil && errors.Is(err, cache.ErrMiss):
		default:
			failed[key] = err
		}
		return nil
	}
	filled := c.fill(ctx, r)
	if r.panic != nil {
		err = r.panic
		panic(r.panic)
	}
	if filled != nil && len(r.left) == len(keys) {
		err = filled
		return values, err
	}
	if filled != nil {
		for key := range r.left {
			failed[key] = filled
		}
	}
	if len(failed) > 0 {
		err = &cache.MultiError{Op: cache.OpLoadMulti, Errors: failed}
	}
	return values, err
}

// lookups finds values in a cache in the process, and returns the keys of the others.
func (l *Loader[V]) lookups(ctx context.Context, r *request, tags []string, values map[string]V) (missing []string) {
	for _, key := range r.keys {
		if payload, ok := l.core.lookup(ctx, key, tags, r.query.early); ok {
			if v, err := l.decode(payload); err == nil {
				values[key] = v
				r.tally.hits++
				continue
			}
		}
		missing = append(missing, key)
	}
	return missing
}

// many returns the load function of a request for many keys.
func (l *Loader[V]) many(load MultiFunc[V]) loadFunc {
	if load == nil {
		return nil
	}
	return func(ctx context.Context, entries []*entry) []outcome {
		keys := make([]string, len(entries))
		e := &Entries[V]{make(map[string]*entry, len(entries)), l}
		for i, entry := range entries {
			keys[i] = entry.key
			e.entries[entry.key] = entry
		}
		values, err := load(ctx, e, slices.Clone(keys))
		outcomes := make([]outcome, len(entries))
		for i, entry := range entries {
			v, ok := values[entry.key]
			failed := err
			if failed == nil {
				entry.change(func() { failed = entry.err })
			}
			if failed == nil && !ok {
				failed = ErrNotFound
			}
			outcomes[i] = l.outcome(entry, v, failed)
		}
		return outcomes
	}
}

// distinct returns keys, each once.
func distinct(keys []string) []string {
	seen := make(map[string]bool, len(keys))
	return slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		again := seen[key]
		seen[key] = true
		return again
	})
}
