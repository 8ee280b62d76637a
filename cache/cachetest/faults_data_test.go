package cachetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"math"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// month is where memcached begins to read an expiry as a date.
const month = 30 * 24 * time.Hour

// dataFaults break what a cache keeps: keys, values and TTLs.
var dataFaults = []fault{
	// Keys.
	{
		name: "long keys are refused",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				if len(key) > 249 {
					return 0, driver.ErrInvalidKey
				}
				return increment(key, delta)
			}
		},
		breaks: []string{"key/any"},
	},
	{
		name: "non-ASCII keys are cut",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				for i := range entries {
					if entries[i].Key == "caf\u00e9" {
						entries[i].Key = "caf"
					}
				}
				return storeMulti(mode, entries)
			}
		},
		breaks: []string{"key/any"},
	},
	{
		name:    "illegal keys are sent",
		subject: func(c subject) subject { return laxTouch{c} },
		breaks:  []string{"key/illegal"},
	},
	{
		name:     "every key is made legal",
		encoding: encoding.Compose(encoding.Hash("sha256", sha256.New), encoding.Base64()),
		breaks:   []string{"key/illegal", "key/illegal in a batch"},
	},
	{
		name:    "an illegal key spoils the batch",
		subject: func(c subject) subject { return strictBatch{c} },
		breaks:  []string{"key/illegal in a batch"},
	},
	{
		name: "upper and lower case are one",
		driver: func(f *faulty) {
			store, get := f.store, f.get
			fold := func(key string) string { return strings.Replace(key, "aA", "aa", 1) }
			f.store = func(mode driver.Mode, e driver.Entry) error { e.Key = fold(e.Key); return store(mode, e) }
			f.get = func(key string) ([]byte, error) { return get(fold(key)) }
		},
		breaks: []string{"key/distinct"},
	},

	// Values.
	{
		name: "an empty value is nil",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				if len(v) == 0 {
					v = nil
				}
				return v, err
			}
		},
		// Where nil means a miss, it is one for every batch that meets an empty value.
		breaks: []string{"value/empty", "set multi/all", "add multi/exactly", "replace multi/exactly"},
	},
	{
		name: "an empty item is nil",
		driver: func(f *faulty) {
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				if len(it.Value) == 0 {
					it.Value = nil
				}
				return it, err
			}
		},
		breaks: []string{"value/empty"},
	},
	{
		name: "values end at a line end",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				e.Value, _, _ = bytes.Cut(e.Value, []byte("\r\n"))
				return store(mode, e)
			}
		},
		breaks: []string{"value/binary"},
	},
	{
		name: "the caller's slice is kept",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				err := store(mode, e)
				if err == nil && mode == driver.Replace && len(e.Value) > 0 {
					f.m.mu.Lock()
					it := f.m.items[e.Key]
					it.value = e.Value
					f.m.items[e.Key] = it
					f.m.mu.Unlock()
				}
				return err
			}
		},
		breaks: []string{"value/copied"},
	},
	{
		name: "the caller's slice is kept by a swap",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				err := swap(token, e)
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				if it, ok := f.m.items[e.Key]; ok && err == nil && string(e.Value) == "original" {
					it.value = e.Value
					f.m.items[e.Key] = it
				}
				return err
			}
		},
		breaks: []string{"value/copied"},
	},
	{
		name: "values are overwritten in place",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				f.m.mu.Lock()
				it, ok := f.m.items[e.Key]
				if ok && mode == driver.Set && string(it.value) == "10000" && len(e.Value) == 5 {
					copy(it.value, e.Value)
				}
				f.m.mu.Unlock()
				return store(mode, e)
			}
		},
		breaks: []string{"value/stable"},
	},
	{
		name: "counters are changed in place",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				f.m.mu.Lock()
				old := f.m.items[key].value
				f.m.mu.Unlock()
				n, err := increment(key, delta)
				if string(old) == "10000" && n == 10001 {
					copy(old, "10001")
				}
				return n, err
			}
		},
		breaks: []string{"value/stable"},
	},
	{
		name: "a large value is cut",
		driver: func(f *faulty) {
			f.store = func(mode driver.Mode, e driver.Entry) error {
				e.Value = e.Value[:min(len(e.Value), largest)]
				return f.m.Store(context.Background(), mode, e)
			}
		},
		breaks: []string{"value/large"},
	},
	{
		name: "a large value is another error",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				if len(e.Value) > largest {
					return driver.Unavailable("faulty", driver.OpCompareAndSwap, "", errors.New("connection reset"))
				}
				return swap(token, e)
			}
		},
		breaks: []string{"value/large"},
	},
	{
		name: "a large value in a batch loses the others",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				for i, e := range entries {
					if len(e.Value) > largest {
						errs := make([]error, len(entries))
						errs[i] = driver.ErrTooLarge
						return errs
					}
				}
				return storeMulti(mode, entries)
			}
		},
		breaks: []string{"value/large"},
	},

	// TTLs.
	{
		name:    "a negative TTL is a past one",
		subject: func(c subject) subject { return laxTTL{c} },
		breaks:  []string{"ttl/negative"},
	},
	{
		name: "no TTL is a year",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if e.TTL == 0 {
					e.TTL = 365 * 24 * time.Hour
				}
			})
		},
		breaks: []string{"ttl/zero"},
	},
	{
		name:   "items stay a little too long",
		driver: func(f *faulty) { f.onStore(lengthen(func(e *driver.Entry) bool { return e.Key == "expires" }, 1)) },
		breaks: []string{"ttl/expires"},
	},
	{
		name:   "items go a little too early",
		driver: func(f *faulty) { f.onStore(lengthen(func(e *driver.Entry) bool { return e.Key == "expires" }, -1)) },
		breaks: []string{"ttl/expires"},
	},
	{
		name: "a swap loses the TTL",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error { e.TTL = 0; return swap(token, e) }
		},
		breaks: []string{"ttl/every store"},
	},
	{
		name: "a counter begins without its TTL",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if e.Kind == driver.Number {
					e.TTL = 0
				}
			})
		},
		breaks: []string{"ttl/every store"},
	},
	{
		name: "an expired item can be deleted",
		driver: func(f *faulty) {
			f.delete = func(key string) error {
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				if _, ok := f.m.items[key]; !ok {
					return driver.ErrMiss
				}
				delete(f.m.items, key)
				return nil
			}
		},
		breaks: []string{"ttl/expired is absent"},
	},
	{
		name: "an expired item is in the way of add",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				f.m.mu.Lock()
				_, there := f.m.items[e.Key]
				f.m.mu.Unlock()
				if mode == driver.Add && there && e.Kind != driver.Number {
					return driver.ErrNotStored
				}
				return store(mode, e)
			}
		},
		breaks: []string{"ttl/expired is absent"},
	},
	{
		name: "below a second is no expiry",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) { e.TTL = e.TTL.Truncate(time.Second) })
		},
		breaks: []string{"ttl/below a second"},
	},
	{
		name: "over 30 days is the past",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if e.TTL > month {
					e.TTL = 1
				}
			})
		},
		breaks: []string{"ttl/long"},
	},
	{
		name: "a huge TTL overflows",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if e.TTL > math.MaxInt64-time.Second {
					e.TTL = 1
				}
			})
		},
		breaks: []string{"ttl/long"},
	},
	{
		name: "no TTL keeps the one that was",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				f.m.mu.Lock()
				old, ok := f.m.items[e.Key]
				f.m.mu.Unlock()
				if ok && mode == driver.Set && e.TTL == 0 && !old.expires.IsZero() {
					e.TTL = max(1, time.Until(old.expires))
				}
				return store(mode, e)
			}
		},
		breaks: []string{"ttl/overwrite"},
	},
	{
		name: "counting loses the TTL",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				n, err := increment(key, delta)
				if err == nil {
					f.m.Touch(context.Background(), key, 0)
				}
				return n, err
			}
		},
		breaks: []string{"ttl/count"},
	},
	{
		name:   "touch does nothing",
		driver: func(f *faulty) { f.touch = func(string, time.Duration) error { return nil } },
		breaks: []string{"ttl/expired is absent", "ttl/touch"},
	},
	{
		name: "touch removes the value",
		driver: func(f *faulty) {
			f.touch = func(key string, ttl time.Duration) error {
				return f.m.Store(context.Background(), driver.Replace, driver.Entry{Key: key, TTL: ttl})
			}
		},
		breaks: []string{"ttl/expired is absent", "ttl/touch"},
	},
}
