package load_test

import (
	"cmp"
	"context"
	"slices"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// script is a driver that asks. It has the name of a list of servers, which comes before its
// keys.
type script struct {
	*host
	list string
	do   asker
}

// An asker does a request. Broken ones do something else.
type asker func(ctx context.Context, r request) answer

func (h *host) cache(list string) *cache.Cache {
	do := h.ask
	if h.process.broken != nil {
		do = h.process.broken(h.ask)
	}
	return cache.New(&script{h, list, do}, cache.Options{Name: "script"})
}

func (s *script) Get(ctx context.Context, key string) ([]byte, error) {
	a := s.do(ctx, request{op: "get", key: s.list + key})
	return []byte(a.value), a.err
}

func (s *script) GetItem(ctx context.Context, key string) (driver.Item, error) {
	a := s.do(ctx, request{op: "getitem", key: s.list + key})
	return s.item(a), a.err
}

// item numbers the items in the order in which they were got.
func (s *script) item(a answer) driver.Item {
	if a.err != nil {
		return driver.Item{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.items++
	return driver.Item{Value: []byte(a.value), Token: s.items - 1}
}

func (s *script) Delete(ctx context.Context, key string) error {
	return s.do(ctx, request{op: "delete", key: s.list + key}).err
}

func (s *script) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	return s.do(ctx, request{op: mode.String(), key: s.list + e.Key, value: string(e.Value)}).err
}

func (s *script) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	return s.do(ctx, request{op: "cas", key: s.list + e.Key, value: string(e.Value), handle: token.(int)}).err
}

func (s *script) CompareAndDelete(ctx context.Context, key string, token any) error {
	return s.do(ctx, request{op: "cad", key: s.list + key, handle: token.(int)}).err
}

// The operations on many keys are operations on one, in the order of keys: that of maps is
// random. Others may come in between.

func each(keys []string, do func(i int)) {
	order := make([]int, len(keys))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(keys[a], keys[b]) })
	for _, i := range order {
		do(i)
	}
}

func keysOf(entries []driver.Entry) []string {
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	return keys
}

func (s *script) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	values, errs := make([][]byte, len(keys)), make([]error, len(keys))
	each(keys, func(i int) {
		values[i], errs[i] = s.Get(ctx, keys[i])
		if errs[i] == driver.ErrMiss {
			values[i], errs[i] = nil, nil
		}
	})
	return values, errs
}

func (s *script) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	items, errs := make([]driver.Item, len(keys)), make([]error, len(keys))
	each(keys, func(i int) {
		items[i], errs[i] = s.GetItem(ctx, keys[i])
		if errs[i] == driver.ErrMiss {
			errs[i] = nil
		}
	})
	return items, errs
}

func (s *script) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	items, added, errs := make([]driver.Item, len(entries)), make([]bool, len(entries)), make([]error, len(entries))
	each(keysOf(entries), func(i int) {
		e := entries[i]
		a := s.do(ctx, request{op: "getoradd", key: s.list + e.Key, value: string(e.Value)})
		items[i], added[i], errs[i] = s.item(a), a.added, a.err
		if a.added {
			items[i].Value = []byte(string(e.Value))
		}
	})
	return items, added, errs
}

func (s *script) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	errs := make([]error, len(entries))
	each(keysOf(entries), func(i int) { errs[i] = s.CompareAndSwap(ctx, tokens[i], entries[i]) })
	return errs
}

func (s *script) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	errs := make([]error, len(keys))
	each(keys, func(i int) { errs[i] = s.CompareAndDelete(ctx, keys[i], tokens[i]) })
	return errs
}

func (s *script) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	errs := make([]error, len(entries))
	each(keysOf(entries), func(i int) { errs[i] = s.Store(ctx, mode, entries[i]) })
	return errs
}

func (s *script) DeleteMulti(ctx context.Context, keys []string) []error {
	errs := make([]error, len(keys))
	each(keys, func(i int) { errs[i] = s.Delete(ctx, keys[i]) })
	return errs
}

func (s *script) Increment(context.Context, string, uint64) (uint64, error) {
	panic("increment: not a part of this")
}
func (s *script) Decrement(context.Context, string, uint64) (uint64, error) {
	panic("decrement: not a part of this")
}
func (s *script) Flush(context.Context) error { panic("flush: not a part of this") }
func (s *script) Close() error                { return nil }

var (
	_ driver.BatchSwapper = (*script)(nil)
	_ driver.Batcher      = (*script)(nil)
)
