package cachetest

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// mapCache is the simplest correct driver: one map behind one lock.
type mapCache struct {
	mu    sync.Mutex
	items map[string]mapItem
	state uint64 // of the last store
	stats driver.Stats
}

type mapItem struct {
	value   []byte
	kind    driver.Kind
	expires time.Time // zero: never
	state   uint64
}

func newMapCache() *mapCache { return &mapCache{items: map[string]mapItem{}} }

// find returns the item at key if it is there. The lock is held.
func (m *mapCache) find(key string) (mapItem, bool) {
	it, ok := m.items[key]
	if ok && !it.expires.IsZero() && !time.Now().Before(it.expires) {
		return mapItem{}, false
	}
	return it, ok
}

// put stores value at key in a new state. The lock is held.
func (m *mapCache) put(key string, value []byte, kind driver.Kind, expires time.Time) {
	m.state++
	m.stats.Writes++
	m.items[key] = mapItem{append([]byte{}, value...), kind, expires, m.state}
}

// deadline is when a TTL that begins now is over.
func deadline(ttl time.Duration) time.Time {
	if ttl == 0 {
		return time.Time{}
	}
	return time.Now().Add(ttl)
}

func (m *mapCache) Get(_ context.Context, key string) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(key)
	if !ok {
		m.stats.Misses++
		return nil, driver.ErrMiss
	}
	m.stats.Hits++
	return it.value, nil
}

func (m *mapCache) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, present := m.find(e.Key)
	if mode == driver.Add && present || mode == driver.Replace && !present {
		return driver.ErrNotStored
	}
	m.put(e.Key, e.Value, e.Kind, deadline(e.TTL))
	return nil
}

func (m *mapCache) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	_, present := m.find(key)
	delete(m.items, key)
	if !present {
		return driver.ErrMiss
	}
	return nil
}

func (m *mapCache) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return m.count(key, func(n uint64) uint64 { return n + delta })
}

func (m *mapCache) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return m.count(key, func(n uint64) uint64 { return n - min(n, delta) })
}

func (m *mapCache) count(key string, step func(uint64) uint64) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(key)
	if !ok {
		return 0, driver.ErrMiss
	}
	n, err := strconv.ParseUint(string(it.value), 10, 64)
	if err != nil {
		return 0, driver.ErrNotNumber
	}
	n = step(n)
	m.put(key, strconv.AppendUint(nil, n, 10), it.kind, it.expires)
	return n, nil
}

func (m *mapCache) Flush(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.items)
	return nil
}

func (m *mapCache) Close() error { return nil }

func (m *mapCache) GetItem(_ context.Context, key string) (driver.Item, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(key)
	if !ok {
		return driver.Item{}, driver.ErrMiss
	}
	item := driver.Item{Value: it.value, Kind: it.kind, TTLKnown: true, Token: it.state}
	if !it.expires.IsZero() {
		item.TTL = time.Until(it.expires)
	}
	return item, nil
}

// same says whether key is still in the state of token. The lock is held.
func (m *mapCache) same(key string, token any) error {
	it, ok := m.find(key)
	if !ok {
		return driver.ErrMiss
	}
	if it.state != token {
		return driver.ErrConflict
	}
	return nil
}

func (m *mapCache) CompareAndSwap(_ context.Context, token any, e driver.Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.same(e.Key, token); err != nil {
		return err
	}
	m.put(e.Key, e.Value, e.Kind, deadline(e.TTL))
	return nil
}

func (m *mapCache) CompareAndDelete(_ context.Context, key string, token any) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.same(key, token); err != nil {
		return err
	}
	delete(m.items, key)
	return nil
}

func (m *mapCache) Touch(ctx context.Context, key string, ttl time.Duration) error {
	_, err := m.GetAndTouch(ctx, key, ttl)
	return err
}

func (m *mapCache) GetAndTouch(_ context.Context, key string, ttl time.Duration) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(key)
	if !ok {
		return nil, driver.ErrMiss
	}
	it.expires = deadline(ttl)
	m.items[key] = it
	return it.value, nil
}

func (m *mapCache) Stats(context.Context) (driver.Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := m.stats
	st.Entries = uint64(len(m.items))
	return st, nil
}

var (
	_ driver.Swapper       = (*mapCache)(nil)
	_ driver.Toucher       = (*mapCache)(nil)
	_ driver.StatsReporter = (*mapCache)(nil)
)
