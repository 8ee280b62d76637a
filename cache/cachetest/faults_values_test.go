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

// valueFaults break keys and values.
var valueFaults = []fault{
	{
		name: "long keys are rejected",
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
		name: "non-ASCII keys lose their end",
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
		name:    "invalid keys are sent",
		subject: func(c subject) subject { return laxTouch{c} },
		breaks:  []string{"key/invalid"},
	},
	{
		name:     "every key is made valid",
		encoding: encoding.Compose(encoding.Hash("sha256", sha256.New), encoding.Base64()),
		// The suite spoils the value of another key.
		breaks: []string{"key/invalid", "key/invalid in a batch", "unreadable/reads", "unreadable/writes"},
	},
	{
		name:    "an invalid key spoils the batch",
		subject: func(c subject) subject { return strictBatch{c} },
		breaks:  []string{"key/invalid in a batch"},
	},
	{
		name: "numbers in keys lose their zeros",
		driver: func(f *faulty) {
			store, get := f.store, f.get
			short := func(key string) string { return strings.Replace(key, "a:01", "a:1", 1) }
			f.store = func(mode driver.Mode, e driver.Entry) error { e.Key = short(e.Key); return store(mode, e) }
			f.get = func(key string) ([]byte, error) { return get(short(key)) }
		},
		breaks: []string{"key/distinct"},
	},
	{
		name: "an empty value is nil after Replace",
		driver: func(f *faulty) {
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				if strings.HasPrefix(key, "Replace:") {
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
				if mode == driver.Replace && err == nil && len(e.Value) > 8 && e.Value[0] == 'o' {
					f.edit(e.Key, func(it *mapItem) { it.value = e.Value })
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
				if it, ok := f.peek(e.Key); ok && string(it.value) == "50000" && string(e.Value) == "20000" {
					copy(it.value, e.Value)
				}
				return store(mode, e)
			}
		},
		breaks: []string{"value/stable"},
	},
	{
		name: "a large value loses its end",
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
	{
		name: "counting loses the kind",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				n, err := increment(key, delta)
				f.edit(key, func(it *mapItem) { it.kind = driver.Bytes })
				return n, err
			}
		},
		breaks: []string{"value/kind"},
	},
}

// ttlFaults break TTLs.
var ttlFaults = []fault{
	{
		name:    "a negative TTL is a past one",
		subject: func(c subject) subject { return laxTTL{c} },
		breaks:  []string{"ttl/negative"},
	},
	{
		name: "no TTL is a year",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if strings.HasPrefix(e.Key, "zero") && e.TTL == 0 {
					e.TTL = 365 * 24 * time.Hour
				}
			})
		},
		breaks: []string{"ttl/zero"},
	},
	{
		name:   "items stay a little too long",
		driver: func(f *faulty) { f.onStore(lengthen("expires", 2)) },
		breaks: []string{"ttl/expires"},
	},
	{
		name:   "items go a little too early",
		driver: func(f *faulty) { f.onStore(lengthen("expires", -2)) },
		breaks: []string{"ttl/expires"},
	},
	{
		name: "a swap loses the TTL",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				if strings.HasPrefix(e.Key, "every:") {
					e.TTL = 0
				}
				return swap(token, e)
			}
		},
		breaks: []string{"ttl/every operation"},
	},
	{
		name: "an expired item can be deleted",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if _, ok := f.peek(key); ok && strings.HasPrefix(key, "over:") {
					del(key)
					return nil
				}
				return del(key)
			}
		},
		breaks: []string{"ttl/expired is absent"},
	},
	{
		name: "an item is found at its expiry",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				if it, ok := f.peek(key); ok && it.expires.Equal(time.Now()) {
					return it.value, nil
				}
				return get(key)
			}
		},
		breaks: []string{"ttl/exactly"},
	},
	{
		name: "a TTL below a second means no expiry",
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
		name: "a rejected add renews the TTL",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				err := store(mode, e)
				if err == driver.ErrNotStored && mode == driver.Add {
					f.edit(e.Key, func(it *mapItem) {
						if it.ttl > 0 {
							it.expires = time.Now().Add(it.ttl)
						}
					})
				}
				return err
			}
		},
		// Here GetOrAdd is made of it.
		breaks: []string{"ttl/kept", "item ttl/remaining"},
	},
	{
		name: "touch removes the value",
		driver: func(f *faulty) {
			touch := f.touch
			f.touch = func(key string, ttl time.Duration) error {
				err := touch(key, ttl)
				if strings.HasPrefix(key, "touch:") {
					f.edit(key, func(it *mapItem) { it.value = nil })
				}
				return err
			}
		},
		breaks: []string{"touch/ttl"},
	},
	{
		name: "touch is a get and a set",
		driver: func(f *faulty) {
			touch := f.touch
			f.touch = func(key string, ttl time.Duration) error {
				if key != "n:Touch" {
					return touch(key, ttl)
				}
				v := f.text(key)
				time.Sleep(time.Nanosecond) // in the bubble: let all the others come that far
				f.force(key, v)
				return nil
			}
		},
		breaks: []string{"touch/concurrent"},
	},
	{
		name: "get and touch is a get and a touch",
		driver: func(f *faulty) {
			f.getAndTouch = func(key string, ttl time.Duration) ([]byte, error) {
				v, err := f.m.GetAndTouch(context.Background(), key, ttl)
				if err == nil && strings.HasPrefix(key, "same:") {
					time.Sleep(time.Nanosecond)
					err = f.touch(key, ttl)
				}
				return v, err
			}
		},
		breaks: []string{"touch/same item"},
	},
	{
		name: "the remaining TTL is the whole TTL",
		driver: func(f *faulty) {
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				if stored, _ := f.peek(key); it.TTL > 0 {
					it.TTL = stored.ttl
				}
				return it, err
			}
		},
		breaks: []string{"item ttl/remaining"},
	},
}
