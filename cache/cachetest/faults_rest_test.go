package cachetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// otherFaults break compare-and-swap, abilities, views and what concerns the whole cache.
var otherFaults = []fault{
	// Compare-and-swap.
	{
		name: "a swap of an unchanged item fails after a read",
		driver: func(f *faulty) {
			getItem, swap, newest := f.getItem, f.swap, map[string]int{}
			f.getItem = func(key string) (driver.Item, error) {
				if key == "k" {
					newest[key]++
				}
				return getItem(key)
			}
			f.swap = func(token any, e driver.Entry) error {
				if e.Key == "k" && len(e.Value) == 0 && newest[e.Key] == 3 {
					return driver.ErrConflict
				}
				return swap(token, e)
			}
		},
		breaks: []string{"swap/unchanged"},
	},
	{
		name: "a second swap succeeds",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				if v, err := f.get(e.Key); err == nil && string(v) == "4" && string(e.Value) == "5" {
					return f.m.Store(context.Background(), driver.Replace, e)
				}
				return swap(token, e)
			}
		},
		breaks: []string{"swap/changed"},
	},
	{
		name: "a swap of a missing item is a conflict",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				err := swap(token, e)
				if errors.Is(err, driver.ErrMiss) && e.Key == "k" {
					return driver.ErrConflict
				}
				return err
			}
		},
		breaks: []string{"swap/gone"},
	},
	{
		name: "an increment by 0 is no change",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				f.m.mu.Lock()
				old := f.m.items[key].state
				f.m.mu.Unlock()
				n, err := increment(key, delta)
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				if it, ok := f.m.items[key]; ok && delta == 0 {
					it.state = old
					f.m.items[key] = it
				}
				return n, err
			}
		},
		breaks: []string{"swap/new state"},
	},
	{
		name: "states begin anew with a key",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				f.m.mu.Lock()
				_, there := f.m.items[e.Key]
				f.m.mu.Unlock()
				err := store(mode, e)
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				if it, ok := f.m.items[e.Key]; ok && !there && e.Key == "k" {
					it.state = 0
					f.m.items[e.Key] = it
				}
				return err
			}
		},
		breaks: []string{"swap/new state"},
	},
	{
		name: "states are equal bytes",
		driver: func(f *faulty) {
			swap, read := f.swap, map[any]string{}
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				if key == "k" {
					read[it.Token] = string(it.Value)
				}
				return it, err
			}
			f.swap = func(token any, e driver.Entry) error {
				if v, err := f.m.Get(context.Background(), e.Key); e.Key == "k" && err == nil && string(v) == "5" && read[token] == "5" {
					return f.m.Store(context.Background(), driver.Set, e)
				}
				return swap(token, e)
			}
		},
		breaks: []string{"swap/new state"},
	},
	{
		name: "items of a batch have the newest token",
		driver: func(f *faulty) {
			getItemMulti := f.getItemMulti
			f.getItemMulti = func(keys []string) ([]driver.Item, []error) {
				items, err := getItemMulti(keys)
				if len(keys) == 3 && keys[0] == "a" {
					items[1].Token = f.m.state + 1
				}
				return items, err
			}
		},
		breaks: []string{"swap/many"},
	},
	{
		name: "compare and delete does not compare",
		driver: func(f *faulty) {
			f.swapDelete = func(key string, _ any) error { return f.m.Delete(context.Background(), key) }
		},
		breaks: []string{"swap/delete", "swap/new state", "swap/delete many", "swap/delete many, large", "view/outcome"},
	},
	{
		name:    "a foreign item is taken",
		subject: func(c subject) subject { return credulous{c} },
		breaks:  []string{"swap/foreign"},
	},
	{
		name: "a swap is a compare and a set",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				if it, err := f.getItem(e.Key); err != nil || it.Token != token || string(it.Value) != "0" || len(e.Value) > largest {
					return swap(token, e)
				}
				time.Sleep(time.Nanosecond)
				return f.store(driver.Set, e)
			}
		},
		breaks: []string{"swap/concurrent"},
	},

	// Abilities.
	{
		name:    "Supports denies what works",
		subject: func(c subject) subject { return modest{c} },
		breaks:  []string{"ability/answers", "ttl/touch"},
	},
	{
		name: "Supports affirms what does not work",
		driver: func(f *faulty) {
			f.stats = func() (driver.Stats, error) { return driver.Stats{}, errors.ErrUnsupported }
		},
		breaks: []string{"ability/answers", "stats/counts"},
	},
	{
		name:    "a required operation is missing",
		subject: func(c subject) subject { return noPing{c} },
		breaks:  []string{"ability/required", "ping/reachable"},
	},
	{
		name: "the misses of a batch count once",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				f.m.stats.Misses = min(f.m.stats.Misses, 2)
				return values, err
			}
		},
		breaks: []string{"stats/counts"},
	},

	// The whole cache.
	{
		name: "flush keeps counters",
		driver: func(f *faulty) {
			f.flush = func() error {
				f.m.mu.Lock()
				defer f.m.mu.Unlock()
				for k := range f.m.items {
					if k != "counter" {
						delete(f.m.items, k)
					}
				}
				return nil
			}
		},
		breaks: []string{"flush/everything"},
	},
	{
		name:   "ping always fails",
		driver: func(f *faulty) { f.ping = func() error { return driver.ErrUnavailable } },
		breaks: []string{"ping/reachable"},
	},
	{
		name:    "a namespace is another cache",
		subject: func(c subject) subject { return splitNamespace{c} },
		breaks:  []string{"namespace/partitions"},
	},
	{
		name:        "an unknown namespace is the default",
		partitioned: true,
		subject:     func(c subject) subject { return anyNamespace{c} },
		breaks:      []string{"namespace/partitions"},
	},

	// Calls.
	{
		name:    "a second Close fails",
		subject: func(c subject) subject { return &closeOnce{subject: c} },
		// The suite closes each cache after its case: those that closed theirs see it.
		breaks: []string{"close/twice", "close/afterwards", "concurrent/close"},
	},
	{
		name:    "a view stays open",
		subject: func(c subject) subject { return openView{c} },
		breaks:  []string{"close/twice"},
	},
	{
		name:    "ping works after Close",
		subject: func(c subject) subject { return pingAlways{c} },
		breaks:  []string{"close/afterwards", "context/done before", "outage/never a miss"},
	},
	{
		name:    "a context that is done is not looked at",
		subject: func(c subject) subject { return deaf{c} },
		breaks:  []string{"context/done before"},
	},
	{
		name:    "a context that is done comes too late",
		subject: func(c subject) subject { return slowEar{c} },
		breaks:  []string{"context/done before"},
	},

	// Views.
	{
		name: "text loses its end",
		driver: func(f *faulty) {
			storeMulti := f.storeMulti
			f.storeMulti = func(mode driver.Mode, entries []driver.Entry) []error {
				for i := range entries {
					if entries[i].Kind == driver.Text {
						entries[i].Value = nil
					}
				}
				return storeMulti(mode, entries)
			}
		},
		breaks: []string{"view/kind"},
	},
	{
		name:    "results are named with the prefix",
		subject: func(c subject) subject { return loudPrefix{c} },
		breaks:  []string{"view/prefix"},
	},
	{
		name:    "the end of a touch is not told",
		subject: func(c subject) subject { return forgetful{c} },
		breaks:  []string{"view/hook"},
	},
	{
		name:    "hits are not counted",
		subject: func(c subject) subject { return hitless{c} },
		breaks:  []string{"view/outcome"},
	},

	// Concurrency.
	{
		name: "add is a get and a set",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if mode == driver.Add && strings.HasPrefix(e.Key, "k") && len(e.Value) == 20 {
					if _, err := f.m.Get(context.Background(), e.Key); err == nil {
						return driver.ErrNotStored
					}
					time.Sleep(time.Nanosecond)
					mode = driver.Set
				}
				return store(mode, e)
			}
		},
		breaks: []string{"concurrent/add"},
	},
	{
		name: "a read under load is of another key",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				if len(keys) == 5 && keys[0] == "k0" {
					values[0], values[1] = []byte("1xx"), []byte("0xy")
				}
				return values, err
			}
		},
		breaks: []string{"concurrent/mixed"},
	},
	{
		name: "an operation that meets Close has an odd error",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if e.Key == "k0" && string(e.Value) == "value" {
					return errors.New("use of closed connection")
				}
				return store(mode, e)
			}
		},
		breaks: []string{"concurrent/close"},
	},

	// Outages.
	{
		name: "an outage is a miss",
		outage: func(f *faulty) {
			getItem := f.getItem
			f.getItem = func(key string) (driver.Item, error) {
				it, err := getItem(key)
				if errors.Is(err, driver.ErrUnavailable) {
					err = driver.ErrMiss
				}
				return it, err
			}
		},
		breaks: []string{"outage/never a miss", "outage/the others"},
	},
	{
		name: "an outage loses the answers of the others",
		outage: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, err := getMulti(keys)
				if err != nil {
					return nil, err
				}
				return values, nil
			}
		},
		breaks: []string{"outage/the others"},
	},
}
