package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

// subject is what the suite tests: [cache.Cache], or in the suite's own test
// something that breaks a rule.
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

// plain is a cache as it is.
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

// call is one operation in a form in which all can be tried alike.
type call struct {
	op    cache.Op
	name  string
	keyed bool // it takes keys
	ttl   bool // it takes a TTL
	// do calls it on key, with item for those that take one.
	do func(s *suite, ctx context.Context, in input) error
}

// input is what a call may need.
type input struct {
	key  string
	item cache.Item
	ttl  time.Duration
}

func (in input) values() map[string][]byte { return map[string][]byte{in.key: value} }

// value is what calls store.
var value = []byte("value")

// calls are all operations.
var calls = []call{
	{cache.OpGet, "Get", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.Get(ctx, in.key)
		return err
	}},
	{cache.OpGetMulti, "GetMulti", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.GetMulti(ctx, []string{in.key})
		return err
	}},
	{cache.OpSet, "Set", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.Set(ctx, in.key, value, in.ttl)
	}},
	{cache.OpSetMulti, "SetMulti", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.SetMulti(ctx, in.values(), in.ttl)
	}},
	{cache.OpAdd, "Add", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.Add(ctx, in.key, value, in.ttl)
	}},
	{cache.OpAddMulti, "AddMulti", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.AddMulti(ctx, in.values(), in.ttl)
	}},
	{cache.OpReplace, "Replace", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.Replace(ctx, in.key, value, in.ttl)
	}},
	{cache.OpReplaceMulti, "ReplaceMulti", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.ReplaceMulti(ctx, in.values(), in.ttl)
	}},
	{cache.OpDelete, "Delete", true, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.Delete(ctx, in.key)
	}},
	{cache.OpDeleteMulti, "DeleteMulti", true, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.DeleteMulti(ctx, []string{in.key})
	}},
	{cache.OpIncrement, "Increment", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.Increment(ctx, in.key, 1)
		return err
	}},
	{cache.OpDecrement, "Decrement", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.Decrement(ctx, in.key, 1)
		return err
	}},
	{cache.OpIncrement, "IncrementFrom", true, true, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.IncrementFrom(ctx, in.key, 1, 1, in.ttl)
		return err
	}},
	{cache.OpDecrement, "DecrementFrom", true, true, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.DecrementFrom(ctx, in.key, 1, 1, in.ttl)
		return err
	}},
	{cache.OpGetItem, "GetItem", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.GetItem(ctx, in.key)
		return err
	}},
	{cache.OpGetItemMulti, "GetItemMulti", true, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.GetItemMulti(ctx, []string{in.key})
		return err
	}},
	{cache.OpGetOrAdd, "GetOrAdd", true, true, func(s *suite, ctx context.Context, in input) error {
		_, _, err := s.c.GetOrAdd(ctx, in.key, value, in.ttl)
		return err
	}},
	{cache.OpGetOrAddMulti, "GetOrAddMulti", true, true, func(s *suite, ctx context.Context, in input) error {
		_, _, err := s.c.GetOrAddMulti(ctx, in.values(), in.ttl)
		return err
	}},
	{cache.OpCompareAndSwap, "CompareAndSwap", false, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.CompareAndSwap(ctx, in.item, value, in.ttl)
	}},
	{cache.OpCompareAndSwapMulti, "CompareAndSwapMulti", false, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: in.item, Value: value, TTL: in.ttl}})
	}},
	{cache.OpCompareAndDelete, "CompareAndDelete", false, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.CompareAndDelete(ctx, in.item)
	}},
	{cache.OpCompareAndDeleteMulti, "CompareAndDeleteMulti", false, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.CompareAndDeleteMulti(ctx, []cache.Item{in.item})
	}},
	{cache.OpTouch, "Touch", true, true, func(s *suite, ctx context.Context, in input) error {
		return s.c.Touch(ctx, in.key, in.ttl)
	}},
	{cache.OpGetAndTouch, "GetAndTouch", true, true, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.GetAndTouch(ctx, in.key, in.ttl)
		return err
	}},
	{cache.OpFlush, "Flush", false, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.Flush(ctx)
	}},
	{cache.OpPing, "Ping", false, false, func(s *suite, ctx context.Context, in input) error {
		return s.c.Ping(ctx)
	}},
	{cache.OpStats, "Stats", false, false, func(s *suite, ctx context.Context, in input) error {
		_, err := s.c.Stats(ctx)
		return err
	}},
}
