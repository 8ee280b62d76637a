package cachetest

import (
	"context"
	"time"

	"github.com/larder-go/larder/cache"
)

// The operations as tables, so that a case can test a rule on each of them.

// value is the value that the calls store.
var value = []byte("value")

// A call is an operation in a form that all of them share.
type call struct {
	op    cache.Op
	name  string
	keyed bool // it takes keys
	ttl   bool // it takes a TTL
	// do calls it on key, or on item if it takes one.
	do func(s *suite, ctx context.Context, in input) error
}

// input is the input of a call.
type input struct {
	key  string
	item cache.Item
	ttl  time.Duration
}

func (in input) values() map[string][]byte { return map[string][]byte{in.key: value} }

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
	{cache.OpFlush, "Flush", false, false, func(s *suite, ctx context.Context, _ input) error {
		return s.c.Flush(ctx)
	}},
	{cache.OpPing, "Ping", false, false, func(s *suite, ctx context.Context, _ input) error {
		return s.c.Ping(ctx)
	}},
	{cache.OpStats, "Stats", false, false, func(s *suite, ctx context.Context, _ input) error {
		_, err := s.c.Stats(ctx)
		return err
	}},
}

// A storer is an operation that stores a value at a key.
type storer struct {
	op      cache.Op
	name    string
	absent  bool // it can store at a key that is absent
	present bool // it can store over a key that is present
	do      func(s *suite, key string, v []byte, ttl time.Duration) error
}

var storers = []storer{
	{cache.OpSet, "Set", true, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.Set(s.ctx, key, v, ttl)
	}},
	{cache.OpSetMulti, "SetMulti", true, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.SetMulti(s.ctx, map[string][]byte{key: v}, ttl)
	}},
	{cache.OpAdd, "Add", true, false, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.Add(s.ctx, key, v, ttl)
	}},
	{cache.OpAddMulti, "AddMulti", true, false, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.AddMulti(s.ctx, map[string][]byte{key: v}, ttl)
	}},
	{cache.OpReplace, "Replace", false, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.Replace(s.ctx, key, v, ttl)
	}},
	{cache.OpReplaceMulti, "ReplaceMulti", false, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.ReplaceMulti(s.ctx, map[string][]byte{key: v}, ttl)
	}},
	{cache.OpGetOrAdd, "GetOrAdd", true, false, func(s *suite, key string, v []byte, ttl time.Duration) error {
		_, _, err := s.c.GetOrAdd(s.ctx, key, v, ttl)
		return err
	}},
	{cache.OpGetOrAddMulti, "GetOrAddMulti", true, false, func(s *suite, key string, v []byte, ttl time.Duration) error {
		_, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: v, key + ":2": nil}, ttl)
		return err
	}},
	{cache.OpCompareAndSwap, "CompareAndSwap", false, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.CompareAndSwap(s.ctx, s.item(key), v, ttl)
	}},
	{cache.OpCompareAndSwapMulti, "CompareAndSwapMulti", false, true, func(s *suite, key string, v []byte, ttl time.Duration) error {
		return s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: s.item(key), Value: v, TTL: ttl}})
	}},
}

// A reader is an operation that returns the value of a key that is present, or ErrMiss.
type reader struct {
	op   cache.Op
	name string
	do   func(s *suite, key string) ([]byte, error)
}

// readers do not change the item, except for GetAndTouch, which removes its TTL.
var readers = []reader{
	{cache.OpGet, "Get", func(s *suite, key string) ([]byte, error) { return s.c.Get(s.ctx, key) }},
	{cache.OpGetMulti, "GetMulti", func(s *suite, key string) ([]byte, error) {
		got, err := s.c.GetMulti(s.ctx, []string{key, key + ":absent"})
		return one(got, key, err)
	}},
	{cache.OpGetItem, "GetItem", func(s *suite, key string) ([]byte, error) {
		it, err := s.c.GetItem(s.ctx, key)
		return it.Value, err
	}},
	{cache.OpGetItemMulti, "GetItemMulti", func(s *suite, key string) ([]byte, error) {
		got, err := s.c.GetItemMulti(s.ctx, []string{key, key + ":absent"})
		return one(itemValues(got), key, err)
	}},
	{cache.OpGetOrAdd, "GetOrAdd", func(s *suite, key string) ([]byte, error) {
		it, added, err := s.c.GetOrAdd(s.ctx, key, []byte("added"), 0)
		if added {
			s.errorf("GetOrAdd of the present %.40q: added is true", key)
		}
		return it.Value, err
	}},
	{cache.OpGetOrAddMulti, "GetOrAddMulti", func(s *suite, key string) ([]byte, error) {
		got, added, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: []byte("added")}, 0)
		if added[key] {
			s.errorf("GetOrAddMulti of the present %.40q: it is in the set of added keys", key)
		}
		return one(itemValues(got), key, err)
	}},
	{cache.OpGetAndTouch, "GetAndTouch", func(s *suite, key string) ([]byte, error) {
		return s.c.GetAndTouch(s.ctx, key, 0)
	}},
}

// one returns the value of key in the result of an operation on many keys.
func one(got map[string][]byte, key string, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	v, ok := got[key]
	if !ok {
		return nil, cache.ErrMiss
	}
	return v, nil
}

// storers returns the storers that the cache supports. On a cache that discards none of
// them needs an item.
func (s *suite) storers() []storer {
	var can []storer
	for _, st := range storers {
		if s.c.Supports(st.op) && !(s.c.Discards() && itemOps[st.op]) {
			can = append(can, st)
		}
	}
	return can
}

// readers returns the readers that the cache supports.
func (s *suite) readers() []reader {
	var can []reader
	for _, r := range readers {
		if s.c.Supports(r.op) {
			can = append(can, r)
		}
	}
	return can
}

// itemOps are the operations that take or return items.
var itemOps = map[cache.Op]bool{
	cache.OpGetItem: true, cache.OpGetItemMulti: true, cache.OpGetOrAdd: true, cache.OpGetOrAddMulti: true,
	cache.OpCompareAndSwap: true, cache.OpCompareAndSwapMulti: true, cache.OpCompareAndDelete: true, cache.OpCompareAndDeleteMulti: true,
}

// prepare brings key into the state that st needs.
func (s *suite) prepare(st storer, key, old string, ttl time.Duration) {
	s.t.Helper()
	if !st.absent {
		s.none(s.c.Set(s.ctx, key, []byte(old), ttl), "Set of %.40q", key)
	} else {
		s.none(s.c.DeleteMulti(s.ctx, []string{key, key + ":2"}), "DeleteMulti of %.40q", key)
	}
}

// A keeper is an operation that leaves a present item, and its TTL, as it is.
type keeper struct {
	op    cache.Op
	name  string
	value string // of the item
	want  error
	// do gets an item of key that is not the present one.
	do func(s *suite, key string, stale cache.Item) error
}

// keepers returns the keepers that the cache supports.
func (s *suite) keepers() []keeper {
	var can []keeper
	for _, r := range s.readers() {
		if r.op != cache.OpGetAndTouch {
			can = append(can, keeper{r.op, r.name, "5", nil, func(s *suite, key string, _ cache.Item) error {
				_, err := r.do(s, key)
				return err
			}})
		}
	}
	for _, k := range keepers {
		if s.c.Supports(k.op) {
			can = append(can, k)
		}
	}
	return can
}

// keepers are those that are rejected.
var keepers = []keeper{
	{cache.OpAdd, "Add", "5", cache.ErrNotStored, func(s *suite, key string, _ cache.Item) error {
		return s.c.Add(s.ctx, key, value, 0)
	}},
	{cache.OpAddMulti, "AddMulti", "5", cache.ErrNotStored, func(s *suite, key string, _ cache.Item) error {
		return s.c.AddMulti(s.ctx, map[string][]byte{key: value}, 0)
	}},
	{cache.OpCompareAndSwap, "CompareAndSwap", "5", cache.ErrConflict, func(s *suite, _ string, stale cache.Item) error {
		return s.c.CompareAndSwap(s.ctx, stale, value, 0)
	}},
	{cache.OpCompareAndSwapMulti, "CompareAndSwapMulti", "5", cache.ErrConflict, func(s *suite, _ string, stale cache.Item) error {
		return s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: stale, Value: value}})
	}},
	{cache.OpCompareAndDelete, "CompareAndDelete", "5", cache.ErrConflict, func(s *suite, _ string, stale cache.Item) error {
		return s.c.CompareAndDelete(s.ctx, stale)
	}},
	{cache.OpCompareAndDeleteMulti, "CompareAndDeleteMulti", "5", cache.ErrConflict, func(s *suite, _ string, stale cache.Item) error {
		return s.c.CompareAndDeleteMulti(s.ctx, []cache.Item{stale})
	}},
	{cache.OpIncrement, "Increment of a text", "text", cache.ErrNotNumber, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.Increment(s.ctx, key, 1)
		return err
	}},
	{cache.OpDecrement, "Decrement of a text", "text", cache.ErrNotNumber, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.Decrement(s.ctx, key, 1)
		return err
	}},
}

// counters change the value and leave its TTL.
var counters = []keeper{
	{cache.OpIncrement, "Increment", "5", nil, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.Increment(s.ctx, key, 1)
		return err
	}},
	{cache.OpDecrement, "Decrement", "5", nil, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.Decrement(s.ctx, key, 1)
		return err
	}},
	{cache.OpIncrement, "Increment to more digits", "99999", nil, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.Increment(s.ctx, key, 1)
		return err
	}},
	{cache.OpIncrement, "IncrementFrom", "5", nil, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.IncrementFrom(s.ctx, key, 1, 1, time.Hour)
		return err
	}},
	{cache.OpDecrement, "DecrementFrom", "5", nil, func(s *suite, key string, _ cache.Item) error {
		_, err := s.c.DecrementFrom(s.ctx, key, 1, 1, time.Hour)
		return err
	}},
}
