package cache

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// A batch is a list of keys to pass to a driver, and the errors of those that failed.
type batch struct {
	keys      []string         // encoded and valid
	originals []string         // as the caller gave them, one for each of keys
	failed    map[string]error // by original key
}

func newBatch(n int) *batch {
	return &batch{keys: make([]string, 0, n), originals: make([]string, 0, n)}
}

// batch encodes keys and sets aside those that cannot be sent.
func (c *Cache) batch(keys []string) *batch {
	b := newBatch(len(keys))
	var seen map[string]string // original keys by encoded
	if c.encode != nil {
		seen = make(map[string]string, len(keys))
	}
	collided := false
	for _, original := range keys {
		encoded, err := c.valid(original)
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
		b.add(original, encoded)
	}
	if collided {
		b.drop()
	}
	return b
}

func (b *batch) add(original, encoded string) {
	b.keys = append(b.keys, encoded)
	b.originals = append(b.originals, original)
}

// drop removes the keys that failed after they were added.
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

// entries returns an entry for each key.
func (b *batch) entries(entry func(i int) driver.Entry) []driver.Entry {
	entries := make([]driver.Entry, len(b.keys))
	for i := range entries {
		entries[i] = entry(i)
	}
	return entries
}

// each calls f for one key after the other, for drivers without batches. When the context
// is done, its error is that of the remaining keys.
func (b *batch) each(ctx context.Context, f func(i int, key string) error) {
	for i, key := range b.keys {
		err := ctx.Err()
		if err == nil {
			err = f(i, key)
		}
		b.fail(i, err)
	}
}

// failAll notes the errors of a driver: one for each key, or nil.
func (b *batch) failAll(errs []error) {
	for i, err := range errs {
		b.fail(i, err)
	}
}

// fail notes err, unless it is nil, as the error of the key with index i.
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

// forget removes the failures of keys that were found: a key that repeats may fail once and
// be found once.
func forget[V any](failed map[string]error, found map[string]V) {
	for k := range failed {
		if _, ok := found[k]; ok {
			delete(failed, k)
		}
	}
}

// err returns what failed as a *MultiError, or nil.
func (b *batch) err(op Op) error {
	if len(b.failed) == 0 {
		return nil
	}
	return &MultiError{Op: op, Errors: b.failed}
}

func ignoreMiss(err error) error {
	if errors.Is(err, ErrMiss) {
		return nil
	}
	return err
}

// distinct counts the keys, each once.
func distinct(keys []string) int {
	if len(keys) < 2 {
		return len(keys)
	}
	seen := make(map[string]struct{}, len(keys))
	for _, k := range keys {
		seen[k] = struct{}{}
	}
	return len(seen)
}
