package cachetest

import (
	"context"
	"errors"
	"hash/crc32"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// largest is the length of the largest value that faulty accepts.
const largest = 32 << 10

// large is the number of keys at which some faults begin.
const large = 200

// faulty is a mapCache with every ability, each of whose operations can be replaced by one
// that breaks a rule. Its batches use the operations on one key.
type faulty struct {
	m *mapCache

	get          func(key string) ([]byte, error)
	store        func(mode driver.Mode, e driver.Entry) error
	delete       func(key string) error
	increment    func(key string, delta uint64) (uint64, error)
	decrement    func(key string, delta uint64) (uint64, error)
	flush        func() error
	close        func() error
	ping         func() error
	touch        func(key string, ttl time.Duration) error
	getAndTouch  func(key string, ttl time.Duration) ([]byte, error)
	stats        func() (driver.Stats, error)
	getItem      func(key string) (driver.Item, error)
	swap         func(token any, e driver.Entry) error
	swapDelete   func(key string, token any) error
	swaps        func(tokens []any, entries []driver.Entry) []error
	swapDeletes  func(keys []string, tokens []any) []error
	getOrAdds    func(entries []driver.Entry) ([]driver.Item, []bool, []error)
	getMulti     func(keys []string) ([][]byte, []error)
	getItemMulti func(keys []string) ([]driver.Item, []error)
	storeMulti   func(mode driver.Mode, entries []driver.Entry) []error
	deleteMulti  func(keys []string) []error
}

// newFaulty returns one without a fault.
func newFaulty() *faulty {
	m := newMapCache()
	m.max = largest
	ctx := context.Background()
	f := &faulty{
		m:           m,
		get:         func(key string) ([]byte, error) { return m.Get(ctx, key) },
		delete:      func(key string) error { return m.Delete(ctx, key) },
		increment:   func(key string, delta uint64) (uint64, error) { return m.Increment(ctx, key, delta) },
		decrement:   func(key string, delta uint64) (uint64, error) { return m.Decrement(ctx, key, delta) },
		flush:       func() error { return m.Flush(ctx) },
		close:       m.Close,
		ping:        func() error { return nil },
		touch:       func(key string, ttl time.Duration) error { return m.Touch(ctx, key, ttl) },
		getAndTouch: func(key string, ttl time.Duration) ([]byte, error) { return m.GetAndTouch(ctx, key, ttl) },
		stats:       func() (driver.Stats, error) { return m.Stats(ctx) },
		getItem:     func(key string) (driver.Item, error) { return m.GetItem(ctx, key) },
		swapDelete: func(key string, token any) error {
			return m.CompareAndDelete(ctx, key, token)
		},
	}
	f.store = func(mode driver.Mode, e driver.Entry) error { return m.Store(ctx, mode, e) }
	f.swap = func(token any, e driver.Entry) error { return m.CompareAndSwap(ctx, token, e) }
	f.getMulti = func(keys []string) ([][]byte, []error) {
		values, errs := make([][]byte, len(keys)), make([]error, len(keys))
		for i, k := range keys {
			v, err := f.get(k)
			values[i] = v
			if err != nil && !errors.Is(err, driver.ErrMiss) {
				errs[i] = err
			}
		}
		return values, anyOf(errs)
	}
	f.getItemMulti = func(keys []string) ([]driver.Item, []error) {
		items, errs := make([]driver.Item, len(keys)), make([]error, len(keys))
		for i, k := range keys {
			it, err := f.getItem(k)
			items[i] = it
			if err != nil && !errors.Is(err, driver.ErrMiss) {
				errs[i] = err
			}
		}
		return items, anyOf(errs)
	}
	f.getOrAdds = func(entries []driver.Entry) ([]driver.Item, []bool, []error) {
		items, added, errs := make([]driver.Item, len(entries)), make([]bool, len(entries)), make([]error, len(entries))
		for i, e := range entries {
			err := f.store(driver.Add, e)
			added[i] = err == nil
			if err == nil || errors.Is(err, driver.ErrNotStored) {
				items[i], err = f.getItem(e.Key)
			}
			errs[i] = err
		}
		return items, added, anyOf(errs)
	}
	f.swaps = func(tokens []any, entries []driver.Entry) []error {
		errs := make([]error, len(entries))
		for i, e := range entries {
			errs[i] = f.swap(tokens[i], e)
		}
		return errs
	}
	f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
		errs := make([]error, len(entries))
		for i, e := range entries {
			errs[i] = f.store(mode, e)
		}
		return errs
	}
	f.deleteMulti = func(keys []string) []error {
		errs := make([]error, len(keys))
		for i, k := range keys {
			errs[i] = f.delete(k)
		}
		return errs
	}
	f.swapDeletes = func(keys []string, tokens []any) []error {
		errs := make([]error, len(keys))
		for i, k := range keys {
			errs[i] = f.swapDelete(k, tokens[i])
		}
		return errs
	}
	return f
}

// anyOf returns errs, or nil if there are none.
func anyOf(errs []error) []error {
	for _, err := range errs {
		if err != nil {
			return errs
		}
	}
	return nil
}

// halfDown makes the server of every other key unreachable.
func (f *faulty) halfDown() {
	f.m.down = everyOther
	f.ping = func() error {
		return driver.Unavailable("faulty", driver.OpPing, "server-1", errors.New("connection refused"))
	}
}

// everyOther reports whether key is on the second of two servers.
func everyOther(key string) bool { return crc32.ChecksumIEEE([]byte(key))%2 == 1 }

func (f *faulty) Get(_ context.Context, key string) ([]byte, error) { return f.get(key) }
func (f *faulty) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	return f.store(mode, e)
}
func (f *faulty) Delete(_ context.Context, key string) error { return f.delete(key) }
func (f *faulty) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	return f.increment(key, delta)
}
func (f *faulty) Decrement(_ context.Context, key string, delta uint64) (uint64, error) {
	return f.decrement(key, delta)
}
func (f *faulty) Flush(context.Context) error { return f.flush() }
func (f *faulty) Close() error                { return f.close() }
func (f *faulty) Ping(context.Context) error  { return f.ping() }
func (f *faulty) Touch(_ context.Context, key string, ttl time.Duration) error {
	return f.touch(key, ttl)
}
func (f *faulty) Stats(context.Context) (driver.Stats, error)                { return f.stats() }
func (f *faulty) GetItem(_ context.Context, key string) (driver.Item, error) { return f.getItem(key) }
func (f *faulty) GetMulti(_ context.Context, keys []string) ([][]byte, []error) {
	return f.getMulti(keys)
}
func (f *faulty) DeleteMulti(_ context.Context, keys []string) []error { return f.deleteMulti(keys) }
func (f *faulty) CompareAndDelete(_ context.Context, key string, tok any) error {
	return f.swapDelete(key, tok)
}
func (f *faulty) CompareAndDeleteMulti(_ context.Context, keys []string, tokens []any) []error {
	return f.swapDeletes(keys, tokens)
}
func (f *faulty) CompareAndSwap(_ context.Context, tok any, e driver.Entry) error {
	return f.swap(tok, e)
}
func (f *faulty) GetItemMulti(_ context.Context, keys []string) ([]driver.Item, []error) {
	return f.getItemMulti(keys)
}
func (f *faulty) StoreMulti(_ context.Context, mode driver.Mode, entries []driver.Entry) []error {
	return f.storeMulti(mode, entries)
}

func (f *faulty) GetAndTouch(_ context.Context, key string, ttl time.Duration) ([]byte, error) {
	return f.getAndTouch(key, ttl)
}
func (f *faulty) GetOrAddMulti(_ context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	return f.getOrAdds(entries)
}
func (f *faulty) CompareAndSwapMulti(_ context.Context, tokens []any, entries []driver.Entry) []error {
	return f.swaps(tokens, entries)
}

var (
	_ driver.Batcher       = (*faulty)(nil)
	_ driver.BatchSwapper  = (*faulty)(nil)
	_ driver.Toucher       = (*faulty)(nil)
	_ driver.Pinger        = (*faulty)(nil)
	_ driver.StatsReporter = (*faulty)(nil)
)
