package cachetest

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/larder-go/larder/cache"
)

// lax is a cache that breaks a rule of package cache, and not of a driver, in one
// operation.
type lax struct {
	subject
	plain subject // the same without prefixes
	rule  rule
	call  string // the name of the operation, as in calls
}

func (l lax) breaks(r rule, call string) bool { return l.rule == r && l.call == call }

// in returns what the operation uses.
func (l lax) in(call string, ctx context.Context) (subject, context.Context) {
	if l.breaks(ignoresContext, call) || l.breaks(looksTooLate, call) {
		ctx = context.Background()
	}
	if l.breaks(forgetsPrefix, call) {
		return l.plain, ctx
	}
	return l.subject, ctx
}

// out returns the error that the operation returns for err.
func (l lax) out(call string, ctx context.Context, err error) error {
	if l.breaks(looksTooLate, call) && !errors.Is(err, cache.ErrClosed) && ctx.Err() != nil {
		return ctx.Err()
	}
	var drop error
	switch {
	case l.breaks(takesInvalidKeys, call):
		drop = cache.ErrInvalidKey
	case l.breaks(takesNegativeTTLs, call):
		drop = cache.ErrInvalidTTL
	case l.breaks(worksAfterClose, call):
		drop = cache.ErrClosed
	case l.breaks(supportsNothing, call):
		drop = errors.ErrUnsupported
	default:
		return err
	}
	var m *cache.MultiError
	if !errors.As(err, &m) {
		return except(err, drop)
	}
	left := maps.Clone(m.Errors)
	maps.DeleteFunc(left, func(_ string, err error) bool { return errors.Is(err, drop) })
	if len(left) == 0 {
		return nil
	}
	return &cache.MultiError{Op: m.Op, Errors: left}
}

func (l lax) with(inner subject) subject { return lax{inner, l.plain, l.rule, l.call} }

func (l lax) as(k cache.Kind) subject          { return l.with(l.subject.as(k)) }
func (l lax) withPrefix(prefix string) subject { return l.with(l.subject.withPrefix(prefix)) }
func (l lax) withHook(h cache.Hook) subject    { return l.with(l.subject.withHook(h)) }

func (l lax) namespace(name string) (subject, error) {
	ns, err := l.subject.namespace(name)
	if err != nil {
		return nil, err
	}
	return l.with(ns), nil
}

func (l lax) Get(ctx context.Context, key string) ([]byte, error) {
	s, c := l.in("Get", ctx)
	v, err := s.Get(c, key)
	return v, l.out("Get", ctx, err)
}

func (l lax) GetMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	s, c := l.in("GetMulti", ctx)
	v, err := s.GetMulti(c, keys)
	return v, l.out("GetMulti", ctx, err)
}

func (l lax) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s, c := l.in("Set", ctx)
	return l.out("Set", ctx, s.Set(c, key, value, ttl))
}

func (l lax) SetMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	s, c := l.in("SetMulti", ctx)
	return l.out("SetMulti", ctx, s.SetMulti(c, values, ttl))
}

func (l lax) Add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s, c := l.in("Add", ctx)
	return l.out("Add", ctx, s.Add(c, key, value, ttl))
}

func (l lax) AddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	s, c := l.in("AddMulti", ctx)
	return l.out("AddMulti", ctx, s.AddMulti(c, values, ttl))
}

func (l lax) Replace(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	s, c := l.in("Replace", ctx)
	return l.out("Replace", ctx, s.Replace(c, key, value, ttl))
}

func (l lax) ReplaceMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	s, c := l.in("ReplaceMulti", ctx)
	return l.out("ReplaceMulti", ctx, s.ReplaceMulti(c, values, ttl))
}

func (l lax) Delete(ctx context.Context, key string) error {
	s, c := l.in("Delete", ctx)
	return l.out("Delete", ctx, s.Delete(c, key))
}

func (l lax) DeleteMulti(ctx context.Context, keys []string) error {
	s, c := l.in("DeleteMulti", ctx)
	return l.out("DeleteMulti", ctx, s.DeleteMulti(c, keys))
}

func (l lax) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	s, c := l.in("Increment", ctx)
	n, err := s.Increment(c, key, delta)
	return n, l.out("Increment", ctx, err)
}

func (l lax) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	s, c := l.in("Decrement", ctx)
	n, err := s.Decrement(c, key, delta)
	return n, l.out("Decrement", ctx, err)
}

func (l lax) IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	s, c := l.in("IncrementFrom", ctx)
	n, err := s.IncrementFrom(c, key, delta, initial, ttl)
	return n, l.out("IncrementFrom", ctx, err)
}

func (l lax) DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	s, c := l.in("DecrementFrom", ctx)
	n, err := s.DecrementFrom(c, key, delta, initial, ttl)
	return n, l.out("DecrementFrom", ctx, err)
}

func (l lax) GetItem(ctx context.Context, key string) (cache.Item, error) {
	s, c := l.in("GetItem", ctx)
	it, err := s.GetItem(c, key)
	return it, l.out("GetItem", ctx, err)
}

func (l lax) GetItemMulti(ctx context.Context, keys []string) (map[string]cache.Item, error) {
	s, c := l.in("GetItemMulti", ctx)
	items, err := s.GetItemMulti(c, keys)
	return items, l.out("GetItemMulti", ctx, err)
}

func (l lax) GetOrAdd(ctx context.Context, key string, value []byte, ttl time.Duration) (cache.Item, bool, error) {
	s, c := l.in("GetOrAdd", ctx)
	it, added, err := s.GetOrAdd(c, key, value, ttl)
	return it, added, l.out("GetOrAdd", ctx, err)
}

func (l lax) GetOrAddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) (map[string]cache.Item, map[string]bool, error) {
	s, c := l.in("GetOrAddMulti", ctx)
	items, added, err := s.GetOrAddMulti(c, values, ttl)
	return items, added, l.out("GetOrAddMulti", ctx, err)
}

func (l lax) CompareAndSwap(ctx context.Context, old cache.Item, value []byte, ttl time.Duration) error {
	s, c := l.in("CompareAndSwap", ctx)
	err := s.CompareAndSwap(c, old, value, ttl)
	if l.breaks(takesForeignItems, "CompareAndSwap") && isForeign(err) {
		return nil
	}
	return l.out("CompareAndSwap", ctx, err)
}

func (l lax) CompareAndSwapMulti(ctx context.Context, swaps []cache.Swap) error {
	s, c := l.in("CompareAndSwapMulti", ctx)
	err := s.CompareAndSwapMulti(c, swaps)
	if l.breaks(takesForeignItems, "CompareAndSwapMulti") && isForeign(err) {
		return nil
	}
	return l.out("CompareAndSwapMulti", ctx, err)
}

func (l lax) CompareAndDelete(ctx context.Context, old cache.Item) error {
	s, c := l.in("CompareAndDelete", ctx)
	err := s.CompareAndDelete(c, old)
	if l.breaks(takesForeignItems, "CompareAndDelete") && isForeign(err) {
		return nil
	}
	return l.out("CompareAndDelete", ctx, err)
}

func (l lax) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	s, c := l.in("CompareAndDeleteMulti", ctx)
	err := s.CompareAndDeleteMulti(c, old)
	if l.breaks(takesForeignItems, "CompareAndDeleteMulti") && isForeign(err) {
		return nil
	}
	return l.out("CompareAndDeleteMulti", ctx, err)
}

func (l lax) Touch(ctx context.Context, key string, ttl time.Duration) error {
	s, c := l.in("Touch", ctx)
	return l.out("Touch", ctx, s.Touch(c, key, ttl))
}

func (l lax) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	s, c := l.in("GetAndTouch", ctx)
	v, err := s.GetAndTouch(c, key, ttl)
	return v, l.out("GetAndTouch", ctx, err)
}

func (l lax) Flush(ctx context.Context) error {
	s, c := l.in("Flush", ctx)
	return l.out("Flush", ctx, s.Flush(c))
}

func (l lax) Ping(ctx context.Context) error {
	s, c := l.in("Ping", ctx)
	return l.out("Ping", ctx, s.Ping(c))
}

func (l lax) Stats(ctx context.Context) (cache.Stats, error) {
	s, c := l.in("Stats", ctx)
	st, err := s.Stats(c)
	return st, l.out("Stats", ctx, err)
}

// isForeign reports whether err is an error that no item of this cache can have.
func isForeign(err error) bool {
	for _, other := range []error{
		cache.ErrConflict, cache.ErrMiss, cache.ErrClosed, cache.ErrInvalidTTL, cache.ErrTooLarge, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, other) {
			return false
		}
	}
	return err != nil
}
