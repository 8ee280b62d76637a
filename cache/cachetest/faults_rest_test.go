package cachetest

import (
	"errors"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// wholeFaults break abilities, statistics, views, hooks and what concerns the whole cache.
var wholeFaults = []fault{
	{
		name:    "Supports denies what works",
		subject: func(c subject) subject { return modest{c} },
		breaks:  []string{"ability/supports", "ability/required", "touch/ttl", "touch/concurrent", "touch/same item"},
	},
	{
		name: "Supports affirms what does not work",
		driver: func(f *faulty) {
			f.stats = func() (driver.Stats, error) { return driver.Stats{}, errors.ErrUnsupported }
		},
		breaks: []string{"ability/supports", "stats/counts", "outage/stats"},
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
	{
		name: "a connection is in use and idle",
		driver: func(f *faulty) {
			f.stats = func() (driver.Stats, error) {
				return driver.Stats{Servers: []driver.ServerStats{{
					Server: "server-0", Open: 1, InUse: 1, Idle: 1, Opened: 1, Failures: driver.Failures{Dial: 0},
				}}}, nil
			}
		},
		// It counts no failures either.
		breaks: []string{"stats/counts", "outage/stats"},
	},
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
		breaks:  []string{"namespace/partitions", "hook/calls"},
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
		breaks: []string{"close/twice", "close/afterwards", "concurrent/close", "hook/sums"},
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

	// Views and hooks.
	{
		name: "text loses its end",
		driver: func(f *faulty) {
			f.onStore(func(e *driver.Entry) {
				if e.Kind == driver.Text && string(e.Value) == "текст" {
					e.Value = nil
				}
			})
		},
		breaks: []string{"view/kind"},
	},
	{
		name:    "results are named with the prefix",
		subject: func(c subject) subject { return loudPrefix{c} },
		breaks:  []string{"view/prefix"},
	},
	{
		name: "a hook does not get the key of a touch",
		subject: func(c subject) subject {
			return hooked{c, func(call *cache.Call, _ *cache.Result) {
				if call.Op == cache.OpTouch {
					call.Key = ""
				}
			}}
		},
		breaks: []string{"hook/calls"},
	},
	{
		name: "the bytes of a swap are not counted",
		subject: func(c subject) subject {
			return hooked{c, func(call *cache.Call, r *cache.Result) {
				if call.Op == cache.OpCompareAndSwap {
					r.Bytes = 0
				}
			}}
		},
		breaks: []string{"hook/results"},
	},
	{
		name: "invalid keys are counted as misses too",
		subject: func(c subject) subject {
			return hooked{c, func(call *cache.Call, r *cache.Result) {
				if call.Op == cache.OpGetMulti && r.Failed == 2 {
					r.Misses += 2
				}
			}}
		},
		breaks: []string{"hook/sums"},
	},

	// Concurrency.
	{
		name: "add is a get and a set",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if mode != driver.Add || !strings.HasPrefix(e.Key, "Add") || len(e.Value) != 20 {
					return store(mode, e)
				}
				if _, ok := f.peek(e.Key); ok {
					return driver.ErrNotStored
				}
				time.Sleep(time.Nanosecond)
				return store(driver.Set, e)
			}
		},
		breaks: []string{"concurrent/add"},
	},
	{
		name: "delete is a get and a delete",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if _, ok := f.peek(key); !ok || f.text(key) != "v" || key != "k3" {
					return del(key)
				}
				time.Sleep(time.Nanosecond)
				return except(del(key), driver.ErrMiss)
			}
		},
		breaks: []string{"concurrent/delete"},
	},
	{
		name: "replace is a get and a set",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				if _, ok := f.peek(e.Key); !ok || mode != driver.Replace || string(e.Value) != "6" {
					return store(mode, e)
				}
				time.Sleep(time.Nanosecond)
				return store(driver.Set, e)
			}
		},
		breaks: []string{"concurrent/deleted"},
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
				if e.Key == "k5" && string(e.Value) == "value" && f.len() < 10 {
					return errors.New("use of closed connection")
				}
				return store(mode, e)
			}
		},
		breaks: []string{"concurrent/close"},
	},
}

// failureFaults break what happens when servers cannot be reached, or values cannot be
// decoded.
var failureFaults = []fault{
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
		breaks: []string{"outage/never a miss", "outage/the others", "outage/hook"},
	},
	{
		name: "an outage error names no driver",
		outage: func(f *faulty) {
			f.touch = func(string, time.Duration) error { return driver.ErrUnavailable }
		},
		breaks: []string{"outage/never a miss"},
	},
	{
		name: "an outage loses the swaps of the others",
		outage: func(f *faulty) {
			f.onSwaps(0, func(tokens []any, entries []driver.Entry, swaps func([]any, []driver.Entry) []error) []error {
				errs := swaps(tokens, entries)
				for i := range errs {
					errs[i] = errors.Join(errs[i], driver.ErrUnavailable)
				}
				return errs
			})
		},
		breaks: []string{"outage/the others"},
	},
	{
		name: "an outage is counted as misses",
		subject: func(c subject) subject {
			return hooked{c, func(call *cache.Call, r *cache.Result) {
				if call.Op == cache.OpGetMulti && r.Failed > 10 {
					r.Misses, r.Failed = r.Failed, 0
				}
			}}
		},
		breaks: []string{"outage/hook"},
	},
	{
		name: "a value that cannot be decoded spoils its batch",
		driver: func(f *faulty) {
			getMulti := f.getMulti
			f.getMulti = func(keys []string) ([][]byte, []error) {
				values, errs := getMulti(keys)
				for _, err := range errs {
					if errors.Is(err, driver.ErrUnreadable) {
						clear(values)
					}
				}
				return values, errs
			}
		},
		breaks: []string{"unreadable/reads"},
	},
	{
		name: "a value that cannot be decoded cannot be deleted",
		driver: func(f *faulty) {
			del := f.delete
			f.delete = func(key string) error {
				if it, ok := f.peek(key); ok && it.bad {
					return driver.Unreadable("faulty", driver.OpDelete, "", key, errors.New("a pickle"))
				}
				return del(key)
			}
		},
		breaks: []string{"unreadable/writes"},
	},
}
