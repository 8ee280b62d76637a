package cache_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// stub is a driver without optional interfaces. It keeps a log of its operations.
type stub struct {
	mu     sync.Mutex
	items  map[string]string
	log    []string
	fail   map[string]error // by key: the error of every operation on it
	before func(op string)  // called before each operation
	ctx    context.Context  // of the last operation
	kinds  map[string]driver.Kind
}

func newStub() *stub {
	return &stub{items: map[string]string{}, fail: map[string]error{}, kinds: map[string]driver.Kind{}}
}

// open makes a cache over d.
func open(d driver.Cache) *cache.Cache { return cache.New(d, cache.Options{Name: "stub"}) }

// did notes an operation and returns the error that is planned for the key.
func (s *stub) did(ctx context.Context, op, key string) error {
	if s.before != nil {
		s.before(op)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ctx = ctx
	s.log = append(s.log, strings.TrimSpace(op+" "+key))
	return s.fail[key]
}

// calls returns the log and clears it.
func (s *stub) calls() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := strings.Join(s.log, ", ")
	s.log = nil
	return log
}

func (s *stub) Get(ctx context.Context, key string) ([]byte, error) {
	if err := s.did(ctx, "get", key); err != nil {
		return nil, err
	}
	v, ok := s.items[key]
	if !ok {
		return nil, driver.ErrMiss
	}
	return []byte(v), nil
}

func (s *stub) Store(ctx context.Context, mode driver.Mode, e driver.Entry) error {
	if err := s.did(ctx, mode.String(), e.Key); err != nil {
		return err
	}
	_, ok := s.items[e.Key]
	if mode == driver.Add && ok || mode == driver.Replace && !ok {
		return driver.ErrNotStored
	}
	s.items[e.Key] = string(e.Value)
	s.kinds[e.Key] = e.Kind
	return nil
}

func (s *stub) Delete(ctx context.Context, key string) error {
	if err := s.did(ctx, "delete", key); err != nil {
		return err
	}
	if _, ok := s.items[key]; !ok {
		return driver.ErrMiss
	}
	delete(s.items, key)
	return nil
}

func (s *stub) Increment(ctx context.Context, key string, delta uint64) (uint64, error) {
	return s.count(ctx, "increment", key, func(n uint64) uint64 { return n + delta })
}

func (s *stub) Decrement(ctx context.Context, key string, delta uint64) (uint64, error) {
	return s.count(ctx, "decrement", key, func(n uint64) uint64 { return n - min(n, delta) })
}

func (s *stub) count(ctx context.Context, op, key string, step func(uint64) uint64) (uint64, error) {
	if err := s.did(ctx, op, key); err != nil {
		return 0, err
	}
	v, ok := s.items[key]
	if !ok {
		return 0, driver.ErrMiss
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		return 0, driver.ErrNotNumber
	}
	s.items[key] = strconv.FormatUint(step(n), 10)
	return step(n), nil
}

func (s *stub) Flush(ctx context.Context) error {
	clear(s.items)
	return s.did(ctx, "flush", "")
}

func (s *stub) Close() error { return s.did(context.Background(), "close", "") }

// able is a stub with every optional interface. Its batches work key by key.
type able struct{ *stub }

func (a *able) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	a.did(ctx, "get-multi", fmt.Sprint(keys))
	values := make([][]byte, len(keys))
	errs := a.failures(keys)
	for i, k := range keys {
		if v, ok := a.items[k]; ok && a.fail[k] == nil {
			values[i] = []byte(v)
		}
	}
	return values, errs
}

// failures returns the errors that are planned for keys, or nil.
func (a *able) failures(keys []string) (errs []error) {
	for i, k := range keys {
		if err := a.fail[k]; err != nil {
			if errs == nil {
				errs = make([]error, len(keys))
			}
			errs[i] = err
		}
	}
	return errs
}

func (a *able) StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error {
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	slices.Sort(keys) // they come out of a map
	a.did(ctx, mode.String()+"-multi", fmt.Sprint(keys))
	errs := make([]error, len(entries))
	failed := false
	for i, e := range entries {
		_, there := a.items[e.Key]
		switch {
		case a.fail[e.Key] != nil:
			errs[i] = a.fail[e.Key]
		case mode == driver.Add && there || mode == driver.Replace && !there:
			errs[i] = driver.ErrNotStored
		default:
			a.items[e.Key], a.kinds[e.Key] = string(e.Value), e.Kind
		}
		failed = failed || errs[i] != nil
	}
	if !failed {
		return nil
	}
	return errs
}

func (a *able) DeleteMulti(ctx context.Context, keys []string) []error {
	a.did(ctx, "delete-multi", fmt.Sprint(keys))
	errs := make([]error, len(keys))
	for i, k := range keys {
		if _, there := a.items[k]; !there {
			errs[i] = driver.ErrMiss
		}
		if a.fail[k] != nil {
			errs[i] = a.fail[k]
		} else {
			delete(a.items, k)
		}
	}
	return errs
}

// Tokens are the values, which shows what token arrives where.
func (a *able) GetItem(ctx context.Context, key string) (driver.Item, error) {
	if err := a.did(ctx, "get-item", key); err != nil {
		return driver.Item{}, err
	}
	v, ok := a.items[key]
	if !ok {
		return driver.Item{}, driver.ErrMiss
	}
	return driver.Item{Value: []byte(v), Kind: a.kinds[key], Token: v}, nil
}

func (a *able) GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error) {
	a.did(ctx, "get-item-multi", fmt.Sprint(keys))
	items := make([]driver.Item, len(keys))
	for i, k := range keys {
		if v, ok := a.items[k]; ok && a.fail[k] == nil {
			items[i] = driver.Item{Value: []byte(v), Kind: a.kinds[k], Token: v}
		}
	}
	return items, a.failures(keys)
}

func (a *able) same(key string, token any) error {
	v, ok := a.items[key]
	if !ok {
		return driver.ErrMiss
	}
	if v != token {
		return driver.ErrConflict
	}
	return nil
}

func (a *able) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	if err := a.did(ctx, "swap", e.Key); err != nil {
		return err
	}
	if err := a.same(e.Key, token); err != nil {
		return err
	}
	a.items[e.Key], a.kinds[e.Key] = string(e.Value), e.Kind
	return nil
}

func (a *able) CompareAndDelete(ctx context.Context, key string, token any) error {
	if err := a.did(ctx, "swap-delete", key); err != nil {
		return err
	}
	if err := a.same(key, token); err != nil {
		return err
	}
	delete(a.items, key)
	return nil
}

func (a *able) CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error {
	a.did(ctx, "swap-delete-multi", fmt.Sprint(keys))
	errs := make([]error, len(keys))
	failed := false
	for i, k := range keys {
		if errs[i] = a.fail[k]; errs[i] == nil {
			errs[i] = a.same(k, tokens[i])
		}
		if errs[i] == nil {
			delete(a.items, k)
		}
		failed = failed || errs[i] != nil
	}
	if !failed {
		return nil
	}
	return errs
}

func (a *able) Touch(ctx context.Context, key string, _ time.Duration) error {
	return a.did(ctx, "touch", key)
}

func (a *able) GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error) {
	if err := a.did(ctx, "get-and-touch", key); err != nil {
		return nil, err
	}
	v, ok := a.items[key]
	if !ok {
		return nil, driver.ErrMiss
	}
	return []byte(v), nil
}

func (a *able) GetOrAddMulti(ctx context.Context, entries []driver.Entry) (items []driver.Item, added []bool, errs []error) {
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	slices.Sort(keys)
	a.did(ctx, "get-or-add-multi", fmt.Sprint(keys))
	items, added = make([]driver.Item, len(entries)), make([]bool, len(entries))
	for i, e := range entries {
		if err := a.fail[e.Key]; err != nil {
			if errs == nil {
				errs = make([]error, len(entries))
			}
			errs[i] = err
			continue
		}
		if _, ok := a.items[e.Key]; !ok {
			a.items[e.Key], a.kinds[e.Key] = string(e.Value), e.Kind
			added[i] = true
		}
		v := a.items[e.Key]
		items[i] = driver.Item{Value: []byte(v), Kind: a.kinds[e.Key], Token: v}
	}
	return items, added, errs
}

func (a *able) CompareAndSwapMulti(ctx context.Context, tokens []any, entries []driver.Entry) []error {
	keys := make([]string, len(entries))
	errs := make([]error, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
		if errs[i] = a.fail[e.Key]; errs[i] == nil {
			errs[i] = a.same(e.Key, tokens[i])
		}
		if errs[i] == nil {
			a.items[e.Key], a.kinds[e.Key] = string(e.Value), e.Kind
		}
	}
	a.did(ctx, "swap-multi", fmt.Sprint(keys))
	return errs
}

func (a *able) Ping(ctx context.Context) error { return a.did(ctx, "ping", "") }

func (a *able) Stats(ctx context.Context) (driver.Stats, error) {
	return driver.Stats{Hits: 7}, a.did(ctx, "stats", "")
}

var (
	_ driver.Batcher       = (*able)(nil)
	_ driver.BatchSwapper  = (*able)(nil)
	_ driver.Toucher       = (*able)(nil)
	_ driver.Pinger        = (*able)(nil)
	_ driver.StatsReporter = (*able)(nil)
)
