package cachetest

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// operationFaults break the operations that read, store, delete and count.
var operationFaults = []fault{
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
		name: "an absent key is an error of the batch",
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
		name: "a large batch mixes up its values",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				if len(values) > large && keys[0] == "many:0" {
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
				if len(keys) == 4 && keys[1] == "absent" && keys[2] == "b" {
					items[2] = driver.Item{Value: []byte("other"), Token: uint64(1)}
				}
				return items, err
			}
		},
		breaks: []string{"get item/values"},
	},
	{
		name: "set is add",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if err := store(mode, e); err != nil || mode != driver.Set || e.Key != "k" || string(e.Value) != "a longer value" {
					return err
				}
				f.force(e.Key, "1")
				return nil
			}
		},
		breaks: []string{"set/always"},
	},
	{
		name: "add over a key that was set returns no error",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				err := store(mode, e)
				if e.Key == "j" && mode == driver.Add {
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
				if mode == driver.Replace && e.Key == "k" && string(e.Value) == "4" {
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
		name: "add multi names every key",
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
		name: "replace multi names no key",
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
		name: "the end of a large batch is not stored",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				if mode == driver.Replace {
					entries = entries[:min(len(entries), large)]
				}
				return storeMulti(mode, entries)
			}
		},
		breaks: []string{"store multi/many"},
	},
	{
		name: "delete removes a neighbor as well",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if key == "a" && f.text("a") == "1" && f.text("b") == "2" {
					del("b")
				}
				return del(key)
			}
		},
		breaks: []string{"delete/present"},
	},
	{
		name: "an empty value cannot be deleted",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if it, ok := f.peek(key); ok && key == "k" && len(it.value) == 0 {
					return driver.ErrMiss
				}
				return del(key)
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
		name: "counting an absent key stores 0",
		driver: func(f *faulty) {
			decrement := f.decrement
			f.decrement = func(key string, delta uint64) (uint64, error) {
				n, err := decrement(key, delta)
				if key == "absent" && err == driver.ErrMiss {
					f.force(key, "0")
				}
				return n, err
			}
		},
		// Each looks at what such a call leaves behind.
		breaks: []string{"count/absent", "get/miss"},
	},
	{
		name: "increment stops at the top",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				if n, err := strconv.ParseUint(f.text(key), 10, 64); err == nil && n > math.MaxUint64-delta {
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
		name: "a sign counts",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				if digits, ok := strings.CutPrefix(f.text(key), "+"); ok {
					f.force(key, digits)
				}
				return increment(key, delta)
			}
		},
		breaks: []string{"count/not a number"},
	},
	{
		name: "a shorter number is padded in an item",
		driver: func(f *faulty) {
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				stored, _ := f.peek(key)
				it.Value = append(it.Value[:len(it.Value):len(it.Value)], bytes.Repeat([]byte(" "), stored.pad)...)
				return it, err
			}
		},
		breaks: []string{"count/padding"},
	},
	{
		name: "what looks padded is trimmed",
		driver: func(f *faulty) {
			get := f.get
			f.get = func(key string) ([]byte, error) {
				v, err := get(key)
				if string(v) == "5  " {
					v = v[:1]
				}
				return v, err
			}
		},
		breaks: []string{"count/user bytes"},
	},
	{
		name: "counting is a get and a set",
		driver: func(f *faulty) {
			decrement := f.decrement
			f.decrement = func(key string, delta uint64) (uint64, error) {
				if key != "down" {
					return decrement(key, delta)
				}
				n, err := strconv.ParseUint(f.text(key), 10, 64)
				if err != nil {
					return 0, driver.ErrNotNumber
				}
				time.Sleep(time.Nanosecond) // in the bubble: let all the others come that far
				n -= min(n, delta)
				f.force(key, strconv.FormatUint(n, 10))
				return n, nil
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
		breaks:  []string{"count/not a number"},
	},
	{
		name:    "an initial value is set without looking",
		subject: func(c subject) subject { return racyInitial{c} },
		breaks:  []string{"initial/concurrent"},
	},
}
