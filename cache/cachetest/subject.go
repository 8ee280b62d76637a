package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

// A subject is the cache that the suite tests. In the suite's own test it is a wrapper
// that breaks a rule.
type subject interface {
	Get(ctx context.Context, key string) ([]byte, error)
	GetMulti(ctx context.Context, keys []string) (map[string][]byte, error)
	Set(ctx context.Context, key string, value []byte, ttl time.Duration) error
	SetMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error
	Add(ctx context.Context, key string, value []byte, ttl time.Duration) error
	AddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error
	Replace(ctx context.Context, key string, value []byte, ttl time.Duration) error
	ReplaceMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) error
	Delete(ctx context.Context, key string) error
	DeleteMulti(ctx context.Context, keys []string) error
	Increment(ctx context.Context, key string, delta uint64) (uint64, error)
	Decrement(ctx context.Context, key string, delta uint64) (uint64, error)
	IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error)
	DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error)
	GetItem(ctx context.Context, key string) (cache.Item, error)
	GetItemMulti(ctx context.Context, keys []string) (map[string]cache.Item, error)
	GetOrAdd(ctx context.Context, key string, value []byte, ttl time.Duration) (cache.Item, bool, error)
	GetOrAddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) (map[string]cache.Item, map[string]bool, error)
	CompareAndSwap(ctx context.Context, old cache.Item, value []byte, ttl time.Duration) error
	CompareAndSwapMulti(ctx context.Context, swaps []cache.Swap) error
	CompareAndDelete(ctx context.Context, old cache.Item) error
	CompareAndDeleteMulti(ctx context.Context, old []cache.Item) error
	Touch(ctx context.Context, key string, ttl time.Duration) error
	GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error)
	Flush(ctx context.Context) error
	Ping(ctx context.Context) error
	Stats(ctx context.Context) (cache.Stats, error)
	Close() error
	CheckKey(key string) error
	Supports(op cache.Op) bool
	Discards() bool

	as(k cache.Kind) subject
	withPrefix(prefix string) subject
	withHook(h cache.Hook) subject
	namespace(name string) (subject, error)
}

// plain is a cache without such a wrapper.
type plain struct{ *cache.Cache }

func (p plain) as(k cache.Kind) subject          { return plain{p.WithKind(k)} }
func (p plain) withPrefix(prefix string) subject { return plain{p.WithPrefix(prefix)} }
func (p plain) withHook(h cache.Hook) subject    { return plain{p.WithHook(h)} }

func (p plain) namespace(name string) (subject, error) {
	c, err := p.Namespace(name)
	if err != nil {
		return nil, err
	}
	return plain{c}, nil
}
