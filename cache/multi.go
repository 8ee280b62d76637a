package cache

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// GetMulti returns the values of those keys that are there; a missing key is absent
// from the map. Keys may repeat. When some could not be asked for, because of a server
// that is down or a key that is not legal, the values of the others come together with
// the error.
func (c *Cache) GetMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	if c.hook == nil {
		return c.getMulti(ctx, keys)
	}
	ctx, s := c.start(ctx, OpGetMulti, len(keys))
	values, err := c.getMulti(ctx, keys)
	r := Outcome{Hits: len(values), Err: err}
	for _, v := range values {
		r.Bytes += len(v)
	}
	s.hook.End(ctx, s.o, r)
	return values, err
}

func (c *Cache) getMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	b := c.batch(keys)
	values := make(map[string][]byte, len(b.keys))
	if c.core.multiGet == nil {
		b.each(ctx, func(i int, key string) error {
			v, err := c.core.driver.Get(ctx, key)
			if err == nil {
				values[b.originals[i]] = v
			}
			return ignoreMiss(err)
		})
		return values, b.err(OpGetMulti)
	}
	if len(b.keys) == 0 {
		return values, b.err(OpGetMulti)
	}
	found, err := c.core.multiGet.GetMulti(ctx, b.keys)
	for i, v := range found {
		if v != nil {
			values[b.originals[i]] = v
		}
	}
	return values, join(err, b.err(OpGetMulti))
}

// GetItemMulti is GetItem for many keys, with the result and the errors of GetMulti.
func (c *Cache) GetItemMulti(ctx context.Context, keys []string) (map[string]Item, error) {
	if c.hook == nil {
		return c.getItemMulti(ctx, keys)
	}
	ctx, s := c.start(ctx, OpGetItemMulti, len(keys))
	items, err := c.getItemMulti(ctx, keys)
	r := Outcome{Hits: len(items), Err: err}
	for _, it := range items {
		r.Bytes += len(it.Value)
	}
	s.hook.End(ctx, s.o, r)
	return items, err
}

func (c *Cache) getItemMulti(ctx context.Context, keys []string) (map[string]Item, error) {
	if err := c.ready(ctx); err != nil {
		return nil, err
	}
	if c.core.swap == nil {
		return nil, c.unsupported(OpGetItemMulti)
	}
	b := c.batch(keys)
	items := make(map[string]Item, len(b.keys))
	if c.core.multiItem == nil {
		b.each(ctx, func(i int, key string) error {
			it, err := c.core.swap.GetItem(ctx, key)
			if err == nil {
				items[b.originals[i]] = c.item(b.originals[i], key, it)
			}
			return ignoreMiss(err)
		})
		return items, b.err(OpGetItemMulti)
	}
	if len(b.keys) == 0 {
		return items, b.err(OpGetItemMulti)
	}
	found, err := c.core.multiItem.GetItemMulti(ctx, b.keys)
	for i, it := range found {
		if it.Token != nil {
			items[b.originals[i]] = c.item(b.originals[i], b.keys[i], it)
		}
	}
	return items, join(err, b.err(OpGetItemMulti))
}

// SetMulti stores every value for ttl. Everything that can be stored is; a
// *MultiError names the keys that were not.
func (c *Cache) SetMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, OpSetMulti, driver.Set, values, ttl)
}

// AddMulti is SetMulti for the keys that are absent; the others are in the
// *MultiError with ErrNotStored.
func (c *Cache) AddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, OpAddMulti, driver.Add, values, ttl)
}

// ReplaceMulti is SetMulti for the keys that are present; the others are in the
// *MultiError with ErrNotStored.
func (c *Cache) ReplaceMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return c.storeMulti(ctx, OpReplaceMulti, driver.Replace, values, ttl)
}

func (c *Cache) storeMulti(ctx context.Context, op Op, mode driver.Mode, values map[string][]byte, ttl time.Duration) error {
	if c.hook == nil {
		return c.storeEntries(ctx, op, mode, values, ttl)
	}
	ctx, s := c.start(ctx, op, len(values))
	err := c.storeEntries(ctx, op, mode, values, ttl)
	r := multi(len(values), err)
	for _, v := range values {
		r.Bytes += len(v)
	}
	s.hook.End(ctx, s.o, r)
	return err
}

func (c *Cache) storeEntries(ctx context.Context, op Op, mode driver.Mode, values map[string][]byte, ttl time.Duration) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if ttl < 0 {
		return checkTTL(ttl)
	}
	b := c.batch(slices.Collect(maps.Keys(values)))
	entry := func(i int, key string) driver.Entry {
		return driver.Entry{Key: key, Value: values[b.originals[i]], TTL: ttl, Kind: c.kind}
	}
	if c.core.multiStore == nil {
		b.each(ctx, func(i int, key string) error {
			return c.core.driver.Store(ctx, mode, entry(i, key))
		})
		return b.err(op)
	}
	if len(b.keys) == 0 {
		return b.err(op)
	}
	entries := make([]driver.Entry, len(b.keys))
	for i, key := range b.keys {
		entries[i] = entry(i, key)
	}
	for i, err := range c.core.multiStore.StoreMulti(ctx, mode, entries) {
		b.fail(i, err)
	}
	return b.err(op)
}

// DeleteMulti removes the keys. Absent ones are no error; a *MultiError names those
// that may still be there.
func (c *Cache) DeleteMulti(ctx context.Context, keys []string) error {
	if c.hook == nil {
		return c.deleteMulti(ctx, keys)
	}
	ctx, s := c.start(ctx, OpDeleteMulti, len(keys))
	err := c.deleteMulti(ctx, keys)
	s.hook.End(ctx, s.o, multi(distinct(keys), err))
	return err
}

func (c *Cache) deleteMulti(ctx context.Context, keys []string) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	b := c.batch(keys)
	if c.core.multiDelete == nil {
		b.each(ctx, func(_ int, key string) error {
			return ignoreMiss(c.core.driver.Delete(ctx, key))
		})
		return b.err(OpDeleteMulti)
	}
	if len(b.keys) == 0 {
		return b.err(OpDeleteMulti)
	}
	for i, err := range c.core.multiDelete.DeleteMulti(ctx, b.keys) {
		b.fail(i, ignoreMiss(err))
	}
	return b.err(OpDeleteMulti)
}

// multi is the outcome of an operation on n different keys that names those it failed
// for.
func multi(n int, err error) Outcome {
	r := Outcome{Err: err}
	var m *MultiError
	if errors.As(err, &m) {
		r.Hits = n - len(m.Errors)
	} else if err == nil {
		r.Hits = n
	}
	return r
}

// distinct counts the keys, each once.
func distinct(keys []string) int {
	seen := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		seen[k] = struct{}{}
	}
	return len(seen)
}

// batch is a list of keys on the way to a driver.
type batch struct {
	keys      []string         // encoded and legal
	originals []string         // as the caller gave them, one for each of keys
	failed    map[string]error // by original key
}

// batch encodes keys and sets aside those that cannot be sent.
func (c *Cache) batch(keys []string) *batch {
	b := &batch{keys: make([]string, 0, len(keys)), originals: make([]string, 0, len(keys))}
	var seen map[string]string // original keys by encoded
	if c.encode != nil {
		seen = make(map[string]string, len(keys))
	}
	collided := false
	for _, original := range keys {
		encoded, err := c.legal(original)
		if err != nil {
			b.note(original, err)
			continue
		}
		if other, ok := seen[encoded]; ok && other != original {
			collided = true
			b.note(original, encoding.ErrCollision)
			b.note(other, encoding.ErrCollision)
			continue
		}
		if seen != nil {
			seen[encoded] = original
		}
		b.keys = append(b.keys, encoded)
		b.originals = append(b.originals, original)
	}
	if collided {
		b.drop()
	}
	return b
}

// drop removes the keys that failed after they were taken in.
func (b *batch) drop() {
	n := 0
	for i, original := range b.originals {
		if b.failed[original] == nil {
			b.keys[n], b.originals[n] = b.keys[i], original
			n++
		}
	}
	b.keys, b.originals = b.keys[:n], b.originals[:n]
}

// each calls f for one key after the other, for drivers that take one at a time. When
// the context is done, its error stands for the keys that are left.
func (b *batch) each(ctx context.Context, f func(i int, key string) error) {
	for i, key := range b.keys {
		err := ctx.Err()
		if err == nil {
			err = f(i, key)
		}
		b.fail(i, err)
	}
}

// fail notes the error, if it is one, of key number i.
func (b *batch) fail(i int, err error) {
	if err != nil {
		b.note(b.originals[i], err)
	}
}

func (b *batch) note(original string, err error) {
	if b.failed == nil {
		b.failed = map[string]error{}
	}
	b.failed[original] = err
}

// err returns what failed as a *MultiError, or nil.
func (b *batch) err(op Op) error {
	if len(b.failed) == 0 {
		return nil
	}
	return &MultiError{Op: op, Errors: b.failed}
}

// join keeps an error that stands alone as it is.
func join(a, b error) error {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	return errors.Join(a, b)
}

func ignoreMiss(err error) error {
	if errors.Is(err, ErrMiss) {
		return nil
	}
	return err
}
