package cachetest

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache"
)

// The wrappers here break rules of package cache. Each alters one method.

// laxTouch does not check the keys of Touch.
type laxTouch struct{ subject }

func (l laxTouch) Touch(ctx context.Context, key string, ttl time.Duration) error {
	err := l.subject.Touch(ctx, key, ttl)
	if errors.Is(err, cache.ErrInvalidKey) {
		return cache.ErrMiss
	}
	return err
}

// strictBatch fetches nothing if one key is invalid.
type strictBatch struct{ subject }

func (s strictBatch) GetMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	values, err := s.subject.GetMulti(ctx, keys)
	if errors.Is(err, cache.ErrInvalidKey) {
		return nil, err
	}
	return values, err
}

// laxTTL uses 0 for a negative TTL.
type laxTTL struct{ subject }

func (l laxTTL) AddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error {
	return l.subject.AddMulti(ctx, values, max(ttl, 0))
}

// bareInitial stores and returns the initial value without counting.
type bareInitial struct{ subject }

func (b bareInitial) DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	if key == "d" && initial == 10 {
		return initial, b.Add(ctx, key, []byte("10"), ttl)
	}
	return b.subject.DecrementFrom(ctx, key, delta, initial, ttl)
}

// eagerInitial sets the initial value over a present one.
type eagerInitial struct{ subject }

func (e eagerInitial) DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	if initial == 100 && delta == 3 {
		e.Delete(ctx, key)
	}
	return e.subject.DecrementFrom(ctx, key, delta, initial, ttl)
}

// forcefulInitial sets the initial value over a text.
type forcefulInitial struct{ subject }

func (f forcefulInitial) IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	n, err := f.subject.IncrementFrom(ctx, key, delta, initial, ttl)
	if errors.Is(err, cache.ErrNotNumber) {
		f.Delete(ctx, key)
		return f.subject.IncrementFrom(ctx, key, delta, initial, ttl)
	}
	return n, err
}

// racyInitial sets an absent key and then counts.
type racyInitial struct{ subject }

func (r racyInitial) IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	if _, err := r.Get(ctx, key); initial == 100 && delta == 1 && errors.Is(err, cache.ErrMiss) {
		time.Sleep(time.Nanosecond)
		if err := r.Set(ctx, key, []byte("100"), ttl); err != nil {
			return 0, err
		}
	}
	return r.subject.IncrementFrom(ctx, key, delta, initial, ttl)
}

// credulous accepts items of other caches.
type credulous struct{ subject }

func (c credulous) CompareAndDelete(ctx context.Context, old cache.Item) error {
	err := c.subject.CompareAndDelete(ctx, old)
	if err != nil && old.Key == "k" && string(old.Value) == "2" && !errors.Is(err, cache.ErrConflict) && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrClosed) {
		return nil
	}
	return err
}

// modest reports that it does not support Touch.
type modest struct{ subject }

func (m modest) Supports(op cache.Op) bool { return op != cache.OpTouch && m.subject.Supports(op) }

// noPing does not support Ping, and reports it.
type noPing struct{ subject }

func (n noPing) Supports(op cache.Op) bool { return op != cache.OpPing && n.subject.Supports(op) }

func (n noPing) Ping(ctx context.Context) error {
	if err := n.subject.Ping(ctx); err != nil {
		return err
	}
	return &cache.Error{Driver: "faulty", Op: cache.OpPing, Err: errors.ErrUnsupported}
}

// splitNamespace has partitions, although Options.Namespaces is empty.
type splitNamespace struct{ subject }

func (s splitNamespace) namespace(name string) (subject, error) {
	return s.withPrefix(name), nil
}

// anyNamespace returns itself for an unknown name.
type anyNamespace struct{ subject }

func (a anyNamespace) namespace(name string) (subject, error) {
	ns, err := a.subject.namespace(name)
	if err != nil {
		return a, nil
	}
	return ns, nil
}

// closeOnce returns an error when it is closed again.
type closeOnce struct {
	subject
	closed bool
}

func (c *closeOnce) Close() error {
	if c.closed {
		return cache.ErrClosed
	}
	c.closed = true
	return c.subject.Close()
}

// openView has views that work after Close.
type openView struct{ subject }

func (o openView) as(k cache.Kind) subject { return neverClosed{o.subject.as(k)} }

type neverClosed struct{ subject }

func (n neverClosed) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	err := n.subject.Set(ctx, key, value, ttl)
	if errors.Is(err, cache.ErrClosed) {
		return nil
	}
	return err
}

// pingAlways returns nil in any state of the cache.
type pingAlways struct{ subject }

func (pingAlways) Ping(context.Context) error { return nil }

// deaf ignores the context.
type deaf struct{ subject }

func (d deaf) GetMulti(_ context.Context, keys []string) (map[string][]byte, error) {
	return d.subject.GetMulti(context.Background(), keys)
}

// slowEar counts, and checks the context afterwards.
type slowEar struct{ subject }

func (s slowEar) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	n, err := s.subject.Increment(context.Background(), key, delta)
	if ctx.Err() != nil && !errors.Is(err, cache.ErrClosed) {
		return 0, ctx.Err()
	}
	return n, err
}

// loudPrefix names results of GetMulti with the prefix.
type loudPrefix struct{ subject }

func (l loudPrefix) withPrefix(prefix string) subject {
	return prefixed{loudPrefix{l.subject.withPrefix(prefix)}, prefix}
}

type prefixed struct {
	subject
	prefix string
}

func (p prefixed) GetMulti(ctx context.Context, keys []string) (map[string][]byte, error) {
	values, err := p.subject.GetMulti(ctx, keys)
	named := map[string][]byte{}
	for k, v := range values {
		named[p.prefix+k] = v
	}
	return named, err
}

// hooked changes the calls and results that a hook gets.
type hooked struct {
	subject
	change func(*cache.Call, *cache.Result)
}

func (h hooked) withHook(hook cache.Hook) subject {
	return h.subject.withHook(toldHook{hook, h.change})
}

func (h hooked) namespace(name string) (subject, error) {
	ns, err := h.subject.namespace(name)
	return hooked{ns, h.change}, err
}

type toldHook struct {
	cache.Hook
	change func(*cache.Call, *cache.Result)
}

func (h toldHook) Start(ctx context.Context, call cache.Call) context.Context {
	h.change(&call, &cache.Result{})
	return h.Hook.Start(ctx, call)
}

func (h toldHook) End(ctx context.Context, call cache.Call, r cache.Result) {
	h.change(&call, &r)
	h.Hook.End(ctx, call, r)
}

// credulousMany accepts items of other caches.
type credulousMany struct{ subject }

func (c credulousMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	err := c.subject.CompareAndDeleteMulti(ctx, old)
	if len(old) == 2 && old[1].Key == "own" {
		return nil
	}
	return err
}

// strictMany removes nothing if one item is of another cache.
type strictMany struct{ subject }

func (s strictMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	if len(old) == 2 && old[1].Key == "own" {
		return s.subject.CompareAndDeleteMulti(ctx, old[:1])
	}
	return s.subject.CompareAndDeleteMulti(ctx, old)
}

// silentMany does not name items that repeat.
type silentMany struct{ subject }

func (s silentMany) CompareAndSwapMulti(ctx context.Context, swaps []cache.Swap) error {
	if len(swaps) == 3 && swaps[1].Old.Key == "j" {
		swaps = swaps[:2]
	}
	return s.subject.CompareAndSwapMulti(ctx, swaps)
}

// deafMany ignores the context.
type deafMany struct{ subject }

func (d deafMany) CompareAndDeleteMulti(_ context.Context, old []cache.Item) error {
	return d.subject.CompareAndDeleteMulti(context.Background(), old)
}

// openMany works after Close.
type openMany struct{ subject }

func (o openMany) CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error {
	if err := o.subject.CompareAndDeleteMulti(ctx, old); !errors.Is(err, cache.ErrClosed) {
		return err
	}
	return nil
}

// modestMany reports that it does not support CompareAndDeleteMulti.
type modestMany struct{ subject }

func (m modestMany) Supports(op cache.Op) bool {
	return op != cache.OpCompareAndDeleteMulti && m.subject.Supports(op)
}
