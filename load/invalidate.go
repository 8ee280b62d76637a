package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/local"
)

// Invalidate invalidates every value that has one of the tags, with one command for each
// tag, however many values there are. No Get that begins after Invalidate has returned nil,
// in any process, returns a value that was loaded before. Call it after the data has changed,
// since a value that is loaded between the call and the change is not invalidated.
//
// If it fails for some tags, it returns a [*cache.MultiError] that names them. Their values
// may still be returned: call it again.
//
// Values that another program stored, without a header, have no tags.
func (l *Loader[V]) Invalidate(ctx context.Context, tags ...string) error {
	return l.core.invalidate(ctx, tags)
}

// InvalidateAll invalidates every value of the loader, by Config.Tag, with one command. It
// returns an error if Config.Tag is not set. Other items on the same servers stay.
func (l *Loader[V]) InvalidateAll(ctx context.Context) error {
	if l.core.tag == "" {
		return errors.New("load: InvalidateAll needs Config.Tag")
	}
	return l.core.invalidate(ctx, []string{l.core.tag})
}

// Delete removes the value of key, if there is one. No Get that begins after Delete has
// returned nil returns a value that was loaded before, as long as all processes use the same
// list of servers and keep no items in their own memory. With Config.KeyTags it holds
// without these conditions.
func (l *Loader[V]) Delete(ctx context.Context, key string) error {
	return l.core.delete(ctx, key)
}

func (c *core) invalidate(ctx context.Context, tags []string) error {
	ctx, end := c.cache.Observe(ctx, cache.Call{Op: cache.OpInvalidate, Key: only(tags), Keys: len(distinct(tags))})
	records, err := c.records(tags)
	if err == nil {
		names := map[string]string{}
		for i, record := range records {
			names[record] = tags[i]
		}
		err = c.removeAll(ctx, names)
	}
	end(invalidated(len(distinct(tags)), err))
	return err
}

func (c *core) delete(ctx context.Context, key string) error {
	ctx, end := c.cache.Observe(ctx, cache.Call{Op: cache.OpInvalidate, Key: key, Keys: 1})
	err := c.checkKey(key)
	if err == nil {
		err = c.deleteEverywhere(ctx, key)
	}
	end(invalidated(1, err))
	return err
}

func (c *core) deleteEverywhere(ctx context.Context, key string) error {
	var errs []error
	if c.config.keyTags {
		record := keyRecordOf(key)
		errs = append(errs, c.removeAll(ctx, map[string]string{record: key}))
	}
	for _, other := range append([]*cache.Cache{c.cache}, c.also...) {
		if err := other.Delete(ctx, key); err != nil && !errors.Is(err, cache.ErrMiss) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// removeAll removes records from all caches that may have them. Errors call them by the
// given names.
func (c *core) removeAll(ctx context.Context, names map[string]string) error {
	if len(names) == 0 {
		return nil
	}
	records := slices.Sorted(maps.Keys(names))
	failed := map[string]error{}
	for _, tags := range append([]*cache.Cache{c.tags}, c.also...) {
		errs, err := perKey(tags.DeleteMulti(ctx, records))
		if err != nil {
			return fmt.Errorf("load: invalidate: %w", err)
		}
		for record, err := range errs {
			failed[names[record]] = err
		}
		local.BackendOf(tags).Invalidations.Add(1)
	}
	if len(failed) > 0 {
		return &cache.MultiError{Op: cache.OpInvalidate, Errors: failed}
	}
	return nil
}

// only returns the only element of names, or "".
func only(names []string) string {
	if len(names) != 1 {
		return ""
	}
	return names[0]
}

// invalidated returns the result for hooks.
func invalidated(keys int, err error) cache.Result {
	r := cache.Result{Err: err}
	var m *cache.MultiError
	switch {
	case errors.As(err, &m):
		r.Failed = min(len(m.Errors), keys)
	case err != nil:
		r.Failed = keys
	}
	r.Affected = keys - r.Failed
	return r
}
