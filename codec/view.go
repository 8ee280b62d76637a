package codec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/larder-go/larder/cache"
)

// A View is a typed view of a cache: its operations are those of a [cache.Cache], with
// values of type V. It is safe for concurrent use.
//
// A View cannot read keys that a loader of package load stores, because their values begin
// with a header. With most codecs, such as JSON and Gob, that is an error that says so.
type View[V any] struct {
	cache *cache.Cache
	codec Codec[V]
}

// NewView returns a view of c whose values are encoded with codec. It panics if c or codec
// is nil.
func NewView[V any](c *cache.Cache, codec Codec[V]) *View[V] {
	if c == nil || codec == nil {
		panic("codec: NewView needs a cache and a codec")
	}
	return &View[V]{c, codec}
}

// Get returns the value of key, or [cache.ErrMiss]. If the value cannot be decoded, the
// error matches [cache.ErrUnreadable].
func (v *View[V]) Get(ctx context.Context, key string) (V, error) {
	b, err := v.cache.Get(ctx, key)
	return v.decode(key, b, err)
}

// GetAndTouch is like Get, and gives the value a new TTL. It is for values that expire some
// time after their last use, such as sessions.
func (v *View[V]) GetAndTouch(ctx context.Context, key string, ttl time.Duration) (V, error) {
	b, err := v.cache.GetAndTouch(ctx, key, ttl)
	return v.decode(key, b, err)
}

// GetMulti returns the values of those keys that are present; absent keys are not in the
// map. If some values cannot be fetched or decoded, it returns the others together with a
// [*cache.MultiError] that names their keys.
func (v *View[V]) GetMulti(ctx context.Context, keys []string) (map[string]V, error) {
	found, err := v.cache.GetMulti(ctx, keys)
	values, failed := make(map[string]V, len(found)), failures(err)
	for key, b := range found {
		value, err := v.decode(key, b, nil)
		if err != nil {
			failed[key] = err
			continue
		}
		values[key] = value
	}
	return values, joined(cache.OpGetMulti, failed, err)
}

// Set stores value under key, with ttl; 0 means no expiry.
func (v *View[V]) Set(ctx context.Context, key string, value V, ttl time.Duration) error {
	b, err := v.encode(key, value)
	if err != nil {
		return err
	}
	return v.cache.Set(ctx, key, b, ttl)
}

// Add is like Set, but stores only if key is absent, and otherwise returns
// [cache.ErrNotStored].
func (v *View[V]) Add(ctx context.Context, key string, value V, ttl time.Duration) error {
	b, err := v.encode(key, value)
	if err != nil {
		return err
	}
	return v.cache.Add(ctx, key, b, ttl)
}

// Replace is like Set, but stores only if key is present, and otherwise returns
// [cache.ErrNotStored].
func (v *View[V]) Replace(ctx context.Context, key string, value V, ttl time.Duration) error {
	b, err := v.encode(key, value)
	if err != nil {
		return err
	}
	return v.cache.Replace(ctx, key, b, ttl)
}

// SetMulti stores every value, with ttl. Everything that can be encoded and stored is; a
// [*cache.MultiError] names the keys of the others.
func (v *View[V]) SetMulti(ctx context.Context, values map[string]V, ttl time.Duration) error {
	return v.storeMulti(ctx, cache.OpSetMulti, v.cache.SetMulti, values, ttl)
}

// AddMulti is like SetMulti, but stores only the keys that are absent. The MultiError names
// the others with [cache.ErrNotStored].
func (v *View[V]) AddMulti(ctx context.Context, values map[string]V, ttl time.Duration) error {
	return v.storeMulti(ctx, cache.OpAddMulti, v.cache.AddMulti, values, ttl)
}

// ReplaceMulti is like SetMulti, but stores only the keys that are present. The MultiError
// names the others with [cache.ErrNotStored].
func (v *View[V]) ReplaceMulti(ctx context.Context, values map[string]V, ttl time.Duration) error {
	return v.storeMulti(ctx, cache.OpReplaceMulti, v.cache.ReplaceMulti, values, ttl)
}

func (v *View[V]) storeMulti(ctx context.Context, op cache.Op, store func(context.Context, map[string][]byte, time.Duration) error, values map[string]V, ttl time.Duration) error {
	encoded, failed := make(map[string][]byte, len(values)), map[string]error{}
	for key, value := range values {
		b, err := v.encode(key, value)
		if err != nil {
			failed[key] = err
			continue
		}
		encoded[key] = b
	}
	err := store(ctx, encoded, ttl)
	maps.Copy(failed, failures(err))
	return joined(op, failed, err)
}

// Delete removes key, or returns [cache.ErrMiss] if it is absent.
func (v *View[V]) Delete(ctx context.Context, key string) error { return v.cache.Delete(ctx, key) }

// maxAttempts bounds how often Update tries again because the value changed meanwhile.
const maxAttempts = 100

// Update stores the result of change for the value of key, with ttl, by compare and swap. If
// another caller changes the value meanwhile, Update calls change again with the new value,
// so change must have no other effects. If change returns an error, Update returns it and
// stores nothing. Update returns [cache.ErrMiss] if key is absent, and [cache.ErrConflict] if
// the value keeps changing. Not every backend supports it; see [cache.Cache.Supports].
func (v *View[V]) Update(ctx context.Context, key string, ttl time.Duration, change func(old V) (V, error)) error {
	for range maxAttempts {
		it, err := v.cache.GetItem(ctx, key)
		if err != nil {
			return err
		}
		old, err := v.decode(key, it.Value, nil)
		if err != nil {
			return err
		}
		value, err := change(old)
		if err != nil {
			return err
		}
		b, err := v.encode(key, value)
		if err != nil {
			return err
		}
		err = v.cache.CompareAndSwap(ctx, it, b, ttl)
		if !errors.Is(err, cache.ErrConflict) {
			return err
		}
	}
	return fmt.Errorf("codec: update: the value changed %d times meanwhile: %w", maxAttempts, cache.ErrConflict)
}

func (v *View[V]) encode(key string, value V) ([]byte, error) {
	b, err := v.codec.Append(nil, value)
	if err != nil {
		return nil, fmt.Errorf("codec: the value of key %.40q cannot be encoded: %w", key, err)
	}
	return b, nil
}

func (v *View[V]) decode(key string, b []byte, err error) (value V, _ error) {
	if err != nil {
		return value, err
	}
	value, err = v.codec.Decode(b)
	if err != nil {
		var none V
		if bytes.HasPrefix(b, loadHeader) {
			err = fmt.Errorf("it begins with the header of package load; read the key through its loader (%w)", err)
		}
		return none, fmt.Errorf("%w: the value of key %.40q cannot be decoded: %w", cache.ErrUnreadable, key, err)
	}
	return value, nil
}

// loadHeader begins the values that package load stores.
var loadHeader = []byte("\xfelr\x01")

// failures returns what an operation on many keys reported of each.
func failures(err error) map[string]error {
	var m *cache.MultiError
	if errors.As(err, &m) {
		return maps.Clone(m.Errors)
	}
	return map[string]error{}
}

// joined returns the errors of single keys as a *MultiError, or err if it is that of the
// whole operation.
func joined(op cache.Op, failed map[string]error, err error) error {
	var m *cache.MultiError
	if err != nil && !errors.As(err, &m) {
		return err
	}
	if len(failed) == 0 {
		return nil
	}
	return &cache.MultiError{Op: op, Errors: failed}
}
