package valkey

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// Get implements [driver.Cache].
func (s *store) Get(ctx context.Context, key string) ([]byte, error) {
	v, err := s.call(ctx, cache.OpGet, request{name: "GET", key: s.key(key)}, true)
	if err != nil {
		return nil, err
	}
	return s.content(ctx, cache.OpGet, v)
}

// content returns the value that a reply to GET holds, or ErrMiss.
func (s *store) content(ctx context.Context, op cache.Op, v value) ([]byte, error) {
	b, err := bytesOf(v)
	switch {
	case err == errNil:
		return nil, driver.ErrMiss
	case err != nil:
		return nil, s.failure(ctx, op, err)
	}
	return unmark(b), nil
}

// Store implements [driver.Cache].
func (s *store) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	defer s.views.drop(e.Key)
	if s.tooLarge(e.Value) {
		return driver.ErrTooLarge
	}
	v, err := s.call(ctx, mode.Op(), s.storeRequest(mode, &e, milliseconds(e.TTL)), idempotent(mode))
	if err == nil && isNil(v) {
		err = driver.ErrNotStored
	}
	return err
}

// idempotent reports whether a store may be sent twice. An Add may not: the second one
// would find what the first one has stored.
func idempotent(mode driver.Mode) bool { return mode != driver.Add }

// storeRequest makes the request to store e, with its TTL as milliseconds returns it.
func (s *store) storeRequest(mode driver.Mode, e *driver.Entry, ttl string) request {
	r := request{name: "SET", key: s.key(e.Key)}
	r.arg(stored(e.Value))
	if ttl != "" {
		r.arg("PX")
		r.arg(ttl)
	}
	switch mode {
	case driver.Add:
		r.arg("NX")
	case driver.Replace:
		r.arg("XX")
	}
	return r
}

// tooLarge reports whether a value is over the limit. A server closes the connection that
// sends more than its proto-max-bulk-len, with all the calls on it.
func (s *store) tooLarge(value []byte) bool { return len(value) > s.maxValue }

// Delete implements [driver.Cache].
func (s *store) Delete(ctx context.Context, key string) error {
	defer s.views.drop(key)
	v, err := s.call(ctx, cache.OpDelete, request{name: "DEL", key: s.key(key)}, true)
	if err != nil {
		return err
	}
	return s.some(ctx, cache.OpDelete, v)
}

// some returns ErrMiss if a reply counts no key.
func (s *store) some(ctx context.Context, op cache.Op, v value) error {
	n, err := integerOf(v)
	switch {
	case err != nil:
		return s.failure(ctx, op, err)
	case n <= 0:
		return driver.ErrMiss
	}
	return nil
}

// Touch implements [driver.Toucher].
func (s *store) Touch(ctx context.Context, key string, ttl time.Duration) error {
	defer s.views.drop(key)
	r := request{script: persistScript, key: s.key(key)}
	if ttl > 0 {
		r = request{name: "PEXPIRE", key: s.key(key)}
		r.arg(milliseconds(ttl))
	}
	v, err := s.call(ctx, cache.OpTouch, r, true)
	if err != nil {
		return err
	}
	return s.some(ctx, cache.OpTouch, v)
}

// GetAndTouch implements [driver.Toucher].
func (s *store) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	defer s.views.drop(key)
	r := request{name: "GETEX", key: s.key(key)}
	if ttl > 0 {
		r.arg("PX")
		r.arg(milliseconds(ttl))
	} else {
		r.arg("PERSIST")
	}
	v, err := s.call(ctx, cache.OpGetAndTouch, r, true)
	if err != nil {
		return nil, err
	}
	return s.content(ctx, cache.OpGetAndTouch, v)
}

// Increment implements [driver.Cache].
func (s *store) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return s.count(ctx, cache.OpIncrement, key, delta, "+")
}

// Decrement implements [driver.Cache].
func (s *store) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return s.count(ctx, cache.OpDecrement, key, delta, "-")
}
