package cachetest

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// The methods of mapCache as a driver, without batches.

func (m *mapCache) Get(_ context.Context, key string) ([]byte, error) {
	return m.get(driver.OpGet, key)
}

func (m *mapCache) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	return m.store(mode.Op(), mode, e)
}

func (m *mapCache) Delete(_ context.Context, key string) error {
	return m.remove(driver.OpDelete, key)
}

func (m *mapCache) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return m.count(driver.OpIncrement, key, delta)
}

func (m *mapCache) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return m.count(driver.OpDecrement, key, delta)
}

func (m *mapCache) Flush(context.Context) error {
	if m.down != nil && !m.breaks(outageIsMiss, driver.OpFlush) {
		for i := 0; ; i++ {
			if key := fmt.Sprint(i); m.down(key) {
				return m.reach(driver.OpFlush, key)
			}
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.breaks(removesLater, driver.OpFlush) {
		m.flushed = time.Now()
	}
	for k, it := range m.items {
		if !m.breaks(removesNothing, driver.OpFlush) || it.kind != driver.Number {
			m.erase(driver.OpFlush, k, it)
			delete(m.items, k)
		}
	}
	return nil
}

func (m *mapCache) Close() error { return nil }

func (m *mapCache) GetItem(_ context.Context, key string) (driver.Item, error) {
	return m.item(driver.OpGetItem, key)
}

func (m *mapCache) CompareAndSwap(_ context.Context, token any, e driver.Entry) error {
	return m.swap(driver.OpCompareAndSwap, token, e)
}

func (m *mapCache) CompareAndDelete(_ context.Context, key string, token any) error {
	return m.swapDelete(driver.OpCompareAndDelete, key, token)
}

func (m *mapCache) Touch(_ context.Context, key string, ttl time.Duration) error {
	_, err := m.touch(driver.OpTouch, key, ttl)
	return err
}

func (m *mapCache) GetAndTouch(_ context.Context, key string, ttl time.Duration) ([]byte, error) {
	return m.touch(driver.OpGetAndTouch, key, ttl)
}

func (m *mapCache) Stats(context.Context) (driver.Stats, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	st := m.stats
	st.Entries = uint64(len(m.items))
	return st, nil
}

// spoil stores a value that cannot be decoded.
func (m *mapCache) spoil(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state++
	m.items[key] = mapItem{value: []byte("pickle"), state: m.state, bad: true}
}

// mapBatches is a mapCache that has batches as well.
type mapBatches struct{ *mapCache }

// each does a batch one by one, with the faults that only a batch can have.
func (m mapBatches) each(op driver.Op, n int, do func(i int) error) []error {
	errs := make([]error, n)
	failed := false
	for i := range n {
		if m.breaks(endsTooEarly, op) && i >= large {
			break
		}
		errs[i] = do(i)
		failed = failed || errs[i] != nil
		if failed && m.breaks(endsAtFailure, op) {
			for j := i; j < n; j++ {
				errs[j] = errs[i]
			}
			break
		}
	}
	if m.breaks(mixesBatches, op) && n > 1 {
		errs = append(errs[1:], errs[0])
	}
	if !failed {
		return nil
	}
	return errs
}

func (m mapBatches) GetMulti(_ context.Context, keys []string) ([][]byte, []error) {
	const op = driver.OpGetMulti
	values := make([][]byte, len(keys))
	seen := map[string]bool{}
	errs := m.each(op, len(keys), func(i int) (err error) {
		if m.breaks(losesRepeats, op) && seen[keys[i]] {
			values[i], values[max(0, i-2)] = nil, nil
			return nil
		}
		seen[keys[i]] = true
		values[i], err = m.get(op, keys[i])
		if err == driver.ErrMiss && m.breaks(missIsError, op) {
			return err
		}
		return except(err, driver.ErrMiss)
	})
	if n := len(values); m.breaks(mixesBatches, op) && n > 2 {
		values[1], values[2] = values[2], values[1]
	}
	if errs != nil && m.breaks(losesOthers, op) {
		clear(values)
	}
	return values, errs
}

func (m mapBatches) StoreMulti(_ context.Context, mode driver.Mode, entries []driver.Entry) []error {
	op := mode.MultiOp()
	m.swapValues(op, entries)
	if m.breaks(losesOthers, op) {
		for _, e := range entries {
			if len(e.Value) > m.max && m.max > 0 || m.down != nil && m.down(e.Key) {
				return m.each(op, len(entries), func(i int) error {
					if entries[i].Key == e.Key {
						return m.store(op, mode, e)
					}
					return nil
				})
			}
		}
	}
	return m.each(op, len(entries), func(i int) error { return m.store(op, mode, entries[i]) })
}

// swapValues gives each key of a large batch the value of another.
func (m mapBatches) swapValues(op driver.Op, entries []driver.Entry) {
	if !m.breaks(mixesValues, op) || len(entries) <= large {
		return
	}
	first := entries[0].Value
	for i := range len(entries) - 1 {
		entries[i].Value = entries[i+1].Value
	}
	entries[len(entries)-1].Value = first
}

func (m mapBatches) DeleteMulti(_ context.Context, keys []string) []error {
	const op = driver.OpDeleteMulti
	seen := map[string]bool{}
	return m.each(op, len(keys), func(i int) error {
		if m.breaks(losesRepeats, op) && seen[keys[i]] {
			return driver.ErrNotStored
		}
		seen[keys[i]] = true
		return m.remove(op, keys[i])
	})
}

func (m mapBatches) GetItemMulti(_ context.Context, keys []string) ([]driver.Item, []error) {
	const op = driver.OpGetItemMulti
	items := make([]driver.Item, len(keys))
	seen := map[string]bool{}
	errs := m.each(op, len(keys), func(i int) (err error) {
		if m.breaks(losesRepeats, op) && seen[keys[i]] {
			items[i], items[max(0, i-2)] = driver.Item{}, driver.Item{}
			return nil
		}
		seen[keys[i]] = true
		items[i], err = m.item(op, keys[i])
		if err == driver.ErrMiss && m.breaks(missIsError, op) {
			return err
		}
		return except(err, driver.ErrMiss)
	})
	if n := len(items); m.breaks(mixesBatches, op) && n > 2 {
		items[1], items[2] = items[2], items[1]
	}
	if errs != nil && m.breaks(losesOthers, op) {
		clear(items)
	}
	return items, errs
}

func (m mapBatches) GetOrAddMulti(_ context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	const op = driver.OpGetOrAddMulti
	m.swapValues(op, entries)
	items, added := make([]driver.Item, len(entries)), make([]bool, len(entries))
	errs := m.each(op, len(entries), func(i int) (err error) {
		items[i], added[i], err = m.getOrAdd(op, entries[i])
		return err
	})
	if n := len(items); m.breaks(mixesBatches, op) && n > 2 {
		items[1], items[2] = items[2], items[1]
	}
	if errs != nil && m.breaks(losesOthers, op) {
		clear(items)
	}
	return items, added, errs
}

func (m *mapCache) getOrAdd(op driver.Op, e driver.Entry) (it driver.Item, added bool, err error) {
	if err := m.reach(op, e.Key); err != nil {
		return it, false, err
	}
	if err := m.fits(op, &e); err != nil {
		return it, false, err
	}
	e.Key = m.name(op, e.Key)
	m.mu.Lock()
	defer m.mu.Unlock()
	old, present := m.find(op, e.Key)
	if !present || m.breaks(storesAlways, op) {
		m.gap(op)
		m.put(op, e, old, m.deadline(op, e.TTL, old))
	}
	hits := m.stats.Hits
	it, err = m.itemLocked(op, e.Key)
	if !present {
		m.stats.Hits = hits
		if m.breaks(returnsGiven, op) {
			it.Value = e.Value
		}
	}
	if m.breaks(saysAdded, op) {
		return it, true, err
	}
	if m.breaks(rejectsSilently, op) {
		return it, false, err
	}
	return it, !present, err
}

func (m mapBatches) CompareAndSwapMulti(_ context.Context, tokens []any, entries []driver.Entry) []error {
	const op = driver.OpCompareAndSwapMulti
	entries = append([]driver.Entry{}, entries...)
	if m.breaks(sharesTTL, op) {
		for i := range entries {
			entries[i].TTL = entries[0].TTL
		}
	}
	if m.breaks(sharesKind, op) {
		for i := range entries {
			entries[i].Kind = entries[0].Kind
		}
	}
	m.swapValues(op, entries)
	return m.each(op, len(entries), func(i int) error { return m.swap(op, tokens[i], entries[i]) })
}

func (m mapBatches) IncrementFrom(_ context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return m.countFrom(opIncrementFrom, key, delta, initial, ttl)
}

func (m mapBatches) DecrementFrom(_ context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	return m.countFrom(opDecrementFrom, key, delta, initial, ttl)
}

func (m mapBatches) CompareAndDeleteMulti(_ context.Context, keys []string, tokens []any) []error {
	const op = driver.OpCompareAndDeleteMulti
	return m.each(op, len(keys), func(i int) error { return m.swapDelete(op, keys[i], tokens[i]) })
}

var (
	_ driver.Swapper        = (*mapCache)(nil)
	_ driver.Toucher        = (*mapCache)(nil)
	_ driver.StatsReporter  = (*mapCache)(nil)
	_ driver.Batcher        = mapBatches{}
	_ driver.BatchSwapper   = mapBatches{}
	_ driver.InitialCounter = mapBatches{}
)
