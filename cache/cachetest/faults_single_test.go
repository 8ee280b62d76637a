package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// operationFaults break the operations that read, store, delete and count.
var operationFaults = []fault{
	// Reads.
	{
		name: "a miss is wrapped",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				if err != nil {
					err = fmt.Errorf("get: %w", err)
				}
				return v, err
			}
		},
		breaks: []string{"get/miss"},
	},
	{
		name: "reading takes the value away",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				if key == "b" && string(f.m.items["a"].value) == "3" {
					delete(f.m.items, key)
				}
				return v, err
			}
		},
		breaks: []string{"get/hit"},
	},
	{
		name: "the last of repeated keys is lost",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				for i, k := range keys {
					if i > 0 && keys[0] == k {
						return nil, nil
					}
				}
				return getMulti(keys)
			}
		},
		breaks: []string{"get multi/partial"},
	},
	{
		name: "a missing key is an error of the batch",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				if len(keys) == 1 && keys[0] == "absent" {
					err = []error{driver.ErrMiss}
				}
				return values, err
			}
		},
		breaks: []string{"get multi/partial"},
	},
	{
		name: "a large batch loses its end",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				return values[:min(len(values), 1000)], err
			}
		},
		breaks: []string{"get multi/many"},
	},
	{
		name: "a large batch mixes up its values",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				if len(values) > 1000 {
					values[4], values[5] = values[5], values[4]
				}
				return values, err
			}
		},
		breaks: []string{"get multi/many"},
	},
	{
		name: "an item is not what was stored",
		driver: func(f *faulty) {
			getItemMulti := f.getItemMulti
			f.getItemMulti = func(keys []string) ([]driver.Item, []error) {
				items, err := getItemMulti(keys)
				if len(keys) == 4 && keys[1] == "absent" {
					items[2] = driver.Item{Value: []byte("other"), Token: uint64(1)}
				}
				return items, err
			}
		},
		breaks: []string{"get item/values"},
	},

	// Stores.
	{
		name: "set is add",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if err := store(mode, e); err != nil || mode != driver.Set || e.Key != "k" || string(e.Value) != "a longer value" {
					return err
				}
				return f.m.Store(context.Background(), mode, driver.Entry{Key: e.Key, Value: []byte("1")})
			}
		},
		breaks: []string{"set/always"},
	},
	{
		name: "add over an empty key says nothing",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				err := store(mode, e)
				if e.Key == "j" {
					return nil
				}
				return err
			}
		},
		breaks: []string{"add/if absent"},
	},
	{
		name: "replace stores always",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if mode == driver.Replace && e.Key == "k" {
					mode = driver.Set
				}
				return store(mode, e)
			}
		},
		breaks: []string{"replace/if present"},
	},
	{
		name: "a batch does not overwrite",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				third := func(e driver.Entry) bool { return e.Key == "c" && len(e.Value) == 0 }
				if mode == driver.Set && slices.ContainsFunc(entries, third) {
					for _, e := range entries {
						f.m.Store(context.Background(), driver.Add, e)
					}
					return nil
				}
				return storeMulti(mode, entries)
			}
		},
		breaks: []string{"set multi/all"},
	},
	{
		name: "add multi stops at the first failure",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				if mode != driver.Add || len(entries) != 4 {
					return storeMulti(mode, entries)
				}
				errs := make([]error, len(entries))
				for i := range entries {
					errs[i] = driver.ErrNotStored
				}
				return errs
			}
		},
		breaks: []string{"add multi/exactly"},
	},
	{
		name: "replace multi does not say which",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				errs := storeMulti(mode, entries)
				if mode == driver.Replace && len(entries) == 4 {
					return nil
				}
				return errs
			}
		},
		breaks: []string{"replace multi/exactly"},
	},
	{
		name: "delete removes a neighbour too",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if key == "a" {
					del("b")
				}
				return del(key)
			}
		},
		breaks: []string{"delete/present"},
	},
	{
		name: "an absent key can be deleted again",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				err := del(key)
				if key == "absent" {
					err = nil
				}
				return err
			}
		},
		breaks: []string{"delete/absent"},
	},
	{
		name: "delete multi stops at an absent key",
		driver: func(f *faulty) {
			deleteMulti := f.deleteMulti
			f.deleteMulti = func(keys []string) []error {
				if len(keys) == 5 && keys[0] == "absent" {
					return nil
				}
				return deleteMulti(keys)
			}
		},
		breaks: []string{"delete multi/absent"},
	},

	// Counters.
	{
		name: "increment by more than 32 is cut",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				if delta == 36 {
					delta = 32
				}
				return increment(key, delta)
			}
		},
		breaks: []string{"count/steps"},
	},
	{
		name: "counting an absent key begins at 0",
		driver: func(f *faulty) {
			decrement := f.decrement
			f.decrement = func(key string, delta uint64) (uint64, error) {
				if key == "absent" {
					return 0, f.m.Store(context.Background(), driver.Set, driver.Entry{Key: key, Value: []byte("0")})
				}
				return decrement(key, delta)
			}
		},
		// Both look at what such a call leaves behind.
		breaks: []string{"count/absent"},
	},
	{
		name: "increment stops at the top",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				v, _ := f.m.Get(context.Background(), key)
				if n, err := strconv.ParseUint(string(v), 10, 64); err == nil && n > math.MaxUint64-delta {
					delta = math.MaxUint64 - n
				}
				return increment(key, delta)
			}
		},
		breaks: []string{"count/wrap"},
	},
	{
		name: "decrement wraps",
		driver: func(f *faulty) {
			f.decrement = func(key string, delta uint64) (uint64, error) { return f.increment(key, -delta) }
		},
		breaks: []string{"count/floor"},
	},
	{
		name: "an empty value counts as 0",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				if v, err := f.m.Get(context.Background(), key); err == nil && len(v) == 0 {
					f.m.Store(context.Background(), driver.Set, driver.Entry{Key: key, Value: []byte("0")})
				}
				return increment(key, delta)
			}
		},
		breaks: []string{"count/not a number"},
	},
	{
		name: "a shorter number is padded",
		driver: func(f *faulty) {
			padding, get := f.pads(), f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				return append(v[:len(v):len(v)], padding(key)...), err
			}
		},
		breaks: []string{"count/padding", "count/floor"},
	},
	{
		name: "a shorter number is padded in an item",
		driver: func(f *faulty) {
			padding, getItem := f.pads(), f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				it.Value = append(it.Value[:len(it.Value):len(it.Value)], padding(key)...)
				return it, err
			}
		},
		breaks: []string{"count/padding"},
	},
	{
		name: "everything is trimmed of blanks",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				if t := bytes.TrimRight(v, " "); len(t) > 0 {
					v = t
				}
				return v, err
			}
		},
		breaks: []string{"count/user bytes", "value/binary"},
	},
	{
		name: "counting is a get and a set",
		driver: func(f *faulty) {
			f.decrement = func(key string, delta uint64) (uint64, error) {
				if key != "down" {
					return f.m.Decrement(context.Background(), key, delta)
				}
				v, err := f.get(key)
				if err != nil {
					return 0, err
				}
				n, err := strconv.ParseUint(string(v), 10, 64)
				if err != nil {
					return 0, driver.ErrNotNumber
				}
				time.Sleep(time.Nanosecond) // in the bubble: let all the others come as far
				n -= min(n, delta)
				return n, f.store(driver.Set, driver.Entry{Key: key, Value: strconv.AppendUint(nil, n, 10)})
			}
		},
		breaks: []string{"count/concurrent"},
	},
	{
		name:    "the initial value is the result",
		subject: func(c subject) subject { return bareInitial{c} },
		breaks:  []string{"initial/absent"},
	},
	{
		name:    "the initial value counts for present keys",
		subject: func(c subject) subject { return eagerInitial{c} },
		breaks:  []string{"initial/present"},
	},
	{
		name:    "an initial value replaces a text",
		subject: func(c subject) subject { return forcefulInitial{c} },
		breaks:  []string{"initial/not a number"},
	},
	{
		name:    "an initial value is set without looking",
		subject: func(c subject) subject { return racyInitial{c} },
		breaks:  []string{"initial/concurrent"},
	},
}
