package load

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
)

// A Loader reads values of type V through a cache. It is safe for concurrent use. Its only
// goroutines are loads that a caller waits for and the refreshes that its configuration
// enables.
type Loader[V any] struct {
	core  *core
	codec codec.Codec[V]
}

// Bytes is a loader of plain bytes. The bytes that it returns may be shared with other
// callers and must not be modified; nor may those that a load function has returned.
type Bytes = Loader[[]byte]

// A Func loads a value. It must call e.Tag before it reads the data that the tag is for, so
// that no change of that data is missed. It runs in a new goroutine. Its context has the
// values of the caller's, but another end: it is canceled when no caller waits for the value
// any more, and when the lease ends.
type Func[V any] func(ctx context.Context, e *Entry[V]) (V, error)

// New returns a loader of values that are kept in c. It fails if c cannot compare and swap.
//
// The records of tags are also in c, under the same prefix and namespace as the values,
// unless Config.TagCache is set. Loaders whose caches have the same prefix share their
// tags: invalidating a tag with one of them invalidates the values of the others too.
func New[V any](c *cache.Cache, config Config[V]) (*Loader[V], error) {
	if config.Codec == nil {
		var ok bool
		if config.Codec, ok = any(codec.Bytes()).(codec.Codec[V]); !ok {
			return nil, errors.New("load: no codec; codec.JSON is the usual one")
		}
	}
	cfg, err := newConfig(config)
	if err != nil {
		return nil, err
	}
	co, err := newCore(c, cfg, config.Tag, config.TagCache, slices.Clone(config.AlsoInvalidate))
	if err != nil {
		return nil, err
	}
	return &Loader[V]{co, config.Codec}, nil
}

// Get returns the value of key, from the cache or from load.
//
// Each key is loaded by one caller at a time, in all processes that share the cache; the
// others wait for what it loads. A Get returns when its own context is done. The load goes
// on as long as anybody waits for it, for at most Config.Lease.
//
// A value that was invalidated, by one of its tags or by Delete, before Get began is not
// returned. Tags that the caller knows may be given here, so that they are read together
// with the value: a hit then takes one round trip. They are tags of the value as if load
// had called [Entry.Tag]. A value that was stored without one of them is loaded again.
//
// An error of load is returned unchanged to all who wait. Unless it is [ErrNotFound], it is
// not cached. If the cache cannot be reached, the value is loaded once for all who wait in
// this process, and not cached. Mistakes of the caller, such as an invalid key, are
// returned as errors without loading. With a cache that keeps nothing, such as package
// null, every call loads.
//
// A load may call Get with its context for other keys; for its own key, Get returns an
// error. Loads that wait for each other do so until their leases end. If load is nil,
// nothing is loaded, and Get returns [cache.ErrMiss] if the value is not in the cache.
func (l *Loader[V]) Get(ctx context.Context, key string, load Func[V], tags ...string) (V, error) {
	c := l.core
	early := c.early()
	if c.quiet && ctx.Err() == nil && !c.closed.Load() {
		if payload, ok := c.lookup(ctx, key, tags, early); ok {
			if v, err := l.decode(payload); err == nil {
				c.stats.lookups.Add()
				return v, nil
			}
		}
	}
	return l.get(ctx, key, load, slices.Clone(tags), early)
}

func (l *Loader[V]) get(outer context.Context, key string, load Func[V], tags []string, early float64) (value V, err error) {
	c := l.core
	ctx, end := c.cache.Observe(outer, cache.Call{Op: cache.OpLoad, Key: key, Keys: 1})
	r := &request{keys: []string{key}, outer: outer, load: l.one(load), query: query{early: early}}
	defer func() {
		c.stats.add(&r.tally, 1)
		end(r.tally.result(unlessNotFound(err), 1))
	}()
	if c.inProcess && ctx.Err() == nil && !c.closed.Load() {
		if payload, ok := c.lookup(ctx, key, tags, early); ok {
			if value, err = l.decode(payload); err == nil {
				r.tally.hits++
				return value, nil
			}
		}
	}
	r.query.known, err = c.records(tags)
	if err != nil {
		return value, err
	}
	r.query.known = append(c.base[:len(c.base):len(c.base)], r.query.known...)
	r.take = func(_ string, o outcome) (decodeErr error) {
		value, err, decodeErr = l.take(key, o)
		return decodeErr
	}
	filled := c.fill(ctx, r)
	if r.panic != nil {
		err = r.panic
		panic(r.panic)
	}
	if filled != nil {
		err = filled
	}
	return value, err
}

// unlessNotFound returns err, or nil if it is ErrNotFound, which is treated as a value.
func unlessNotFound(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// one returns the load function of a request for one key.
func (l *Loader[V]) one(load Func[V]) loadFunc {
	if load == nil {
		return nil
	}
	return func(ctx context.Context, entries []*entry) []outcome {
		v, err := load(ctx, &Entry[V]{entries[0], l})
		return []outcome{l.outcome(entries[0], v, err)}
	}
}

// outcome encodes what a load function returned.
func (l *Loader[V]) outcome(e *entry, v V, err error) outcome {
	switch {
	case errors.Is(err, ErrNotFound):
		return outcome{notFound: true}
	case errors.Is(err, ErrNotModified):
		if !e.hasOld {
			return outcome{err: errNothing}
		}
		return outcome{payload: e.old}
	case err != nil:
		return outcome{err: err}
	}
	b, err := l.codec.Append(nil, v)
	if err != nil {
		return outcome{err: fmt.Errorf("load: the value of key %.40q cannot be encoded: %w", e.key, err)}
	}
	return outcome{payload: b, value: v}
}

// take returns the results of a Get for an outcome. The value is the one that the load
// function of this caller returned, or is decoded for this caller alone.
func (l *Loader[V]) take(key string, o outcome) (v V, err, decodeErr error) {
	switch {
	case o.err != nil:
		return v, o.err, nil
	case o.notFound:
		return v, ErrNotFound, nil
	}
	if own, ok := o.value.(V); ok {
		return own, nil, nil
	}
	v, err = l.decode(o.payload)
	return v, nil, err
}

// decode decodes a payload, which may be any bytes. It returns a panic of the codec as an
// error.
func (l *Loader[V]) decode(payload []byte) (v V, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("load: panic while decoding: %v", p)
		}
	}()
	return l.codec.Decode(payload)
}

// Stats returns counts since the loader was created. The counts of a Get are added before it
// returns.
func (l *Loader[V]) Stats() Stats { return l.core.stats.stats() }

// Close makes later calls return an error that matches [cache.ErrClosed], and waits for the
// loads and refreshes that are running. It waits for little more than two leases, and then
// returns an error if a load function still runs although its context is done. Close does
// not close the cache.
func (l *Loader[V]) Close() error { return l.core.shut() }
