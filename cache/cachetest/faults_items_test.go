package cachetest

import (
	"errors"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// onGetOrAdd changes the result of each key of a GetOrAddMulti.
func (f *faulty) onGetOrAdd(change func(e driver.Entry, it *driver.Item, added *bool) error) {
	adds := f.getOrAdds
	f.getOrAdds = func(entries []driver.Entry) ([]driver.Item, []bool, []error) {
		items, added, errs := adds(entries)
		for i, e := range entries {
			if err := change(e, &items[i], &added[i]); err != nil {
				if errs == nil {
					errs = make([]error, len(entries))
				}
				errs[i] = err
			}
		}
		return items, added, errs
	}
}

// itemFaults break the operations on items.
var itemFaults = []fault{
	{
		name: "a present item is reported as added",
		driver: func(f *faulty) {
			f.onGetOrAdd(func(e driver.Entry, it *driver.Item, added *bool) error {
				*added = *added || e.Key == "k" && string(e.Value) == "2"
				return nil
			})
		},
		breaks: []string{"get or add/present"},
	},
	{
		name: "an added item is not reported as added",
		driver: func(f *faulty) {
			f.onGetOrAdd(func(e driver.Entry, it *driver.Item, added *bool) error {
				*added = *added && !(e.Key == "GetOrAdd" && string(e.Value) == "3")
				return nil
			})
		},
		breaks: []string{"get or add/absent"},
	},
	{
		name: "an added item has the token of the next state",
		driver: func(f *faulty) {
			f.onGetOrAdd(func(e driver.Entry, it *driver.Item, added *bool) error {
				if *added && e.Key == "k" && string(e.Value) == "1" {
					it.Token = it.Token.(uint64) + 1
				}
				return nil
			})
		},
		breaks: []string{"get or add/token"},
	},
	{
		name: "get or add looks and then stores",
		driver: func(f *faulty) {
			adds := f.getOrAdds
			f.getOrAdds = func(entries []driver.Entry) ([]driver.Item, []bool, []error) {
				key := entries[0].Key
				if _, present := f.peek(key); !present && strings.HasPrefix(key, "GetOrAdd") && strings.HasPrefix(string(entries[0].Value), "of ") {
					time.Sleep(time.Nanosecond) // in the bubble: let all the others come that far
					f.force(key, string(entries[0].Value))
					it, err := f.getItem(key)
					return []driver.Item{it}, []bool{true}, []error{err}
				}
				return adds(entries)
			}
		},
		breaks: []string{"get or add/concurrent"},
	},
	{
		name: "the token is read after the value",
		driver: func(f *faulty) {
			f.onGetOrAdd(func(e driver.Entry, it *driver.Item, added *bool) error {
				if strings.HasPrefix(e.Key, "n:") && it.Token != nil {
					time.Sleep(time.Nanosecond)
					stored, _ := f.peek(e.Key)
					it.Token = stored.state
				}
				return nil
			})
		},
		breaks: []string{"get or add/same state"},
	},
	{
		name: "a key that is removed meanwhile is another error",
		driver: func(f *faulty) {
			f.onGetOrAdd(func(e driver.Entry, it *driver.Item, added *bool) error {
				if e.Key != "k" || string(e.Value) != "v" || *added {
					return nil
				}
				time.Sleep(time.Nanosecond)
				if _, ok := f.peek(e.Key); !ok {
					return errors.New("gone")
				}
				return nil
			})
		},
		breaks: []string{"get or add/deleted meanwhile"},
	},
	{
		name: "a large get or add mixes up its tokens",
		driver: func(f *faulty) {
			adds := f.getOrAdds
			f.getOrAdds = func(entries []driver.Entry) ([]driver.Item, []bool, []error) {
				items, added, errs := adds(entries)
				if len(items) > large {
					items[0].Token, items[1].Token = items[1].Token, items[0].Token
				}
				return items, added, errs
			}
		},
		breaks: []string{"get or add/many"},
	},

	// Compare-and-swap.
	{
		name: "a swap of an unchanged item fails after a store of another key",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				if e.Key == "k" && len(e.Value) == 0 && f.text("other") == "x" {
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
				if f.text(e.Key) == "4" && string(e.Value) == "5" {
					f.force(e.Key, "5")
					return nil
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
				if errors.Is(err, driver.ErrMiss) && e.Key == "k" && string(e.Value) == "2" {
					return driver.ErrConflict
				}
				return err
			}
		},
		breaks: []string{"swap/gone"},
	},
	{
		name: "a delete of a missing item succeeds",
		driver: func(f *faulty) {
			swapDelete := f.swapDelete
			f.swapDelete = func(key string, token any) error {
				err := swapDelete(key, token)
				if it, ok := f.peek("k"); key == "k" && err == driver.ErrConflict && ok && string(it.value) == "2" {
					return nil
				}
				return err
			}
		},
		breaks: []string{"swap/delete"},
	},
	{
		name: "an increment by 0 makes no new state",
		driver: func(f *faulty) {
			increment := f.increment
			f.increment = func(key string, delta uint64) (uint64, error) {
				old, _ := f.peek(key)
				n, err := increment(key, delta)
				if delta == 0 && err == nil {
					f.edit(key, func(it *mapItem) { it.state = old.state })
				}
				return n, err
			}
		},
		breaks: []string{"swap/new state"},
	},
	{
		name: "a rejected add makes a new state",
		driver: func(f *faulty) {
			store := f.store
			f.store = func(mode driver.Mode, e driver.Entry) error {
				err := store(mode, e)
				if err == driver.ErrNotStored && mode == driver.Add && string(e.Value) == "value" {
					f.edit(e.Key, func(it *mapItem) { it.state += 1000 })
				}
				return err
			}
		},
		breaks: []string{"swap/same state"},
	},
	{
		name: "items of a batch have the newest token",
		driver: func(f *faulty) {
			getItemMulti := f.getItemMulti
			f.getItemMulti = func(keys []string) ([]driver.Item, []error) {
				items, err := getItemMulti(keys)
				if len(keys) == 3 && keys[0] == "a" && string(items[2].Value) == "3" {
					items[1].Token = f.m.state + 1
				}
				return items, err
			}
		},
		breaks: []string{"swap/batch"},
	},
	{
		name:    "a foreign item is accepted",
		subject: func(c subject) subject { return credulous{c} },
		breaks:  []string{"swap/foreign"},
	},
	{
		name: "a swap is a compare and a set",
		driver: func(f *faulty) {
			swap := f.swap
			f.swap = func(token any, e driver.Entry) error {
				it, _ := f.peek(e.Key)
				if it.state != token || string(it.value) != "0" || !strings.HasPrefix(string(e.Value), "worker") {
					return swap(token, e)
				}
				time.Sleep(time.Nanosecond)
				f.force(e.Key, string(e.Value))
				return nil
			}
		},
		breaks: []string{"swap/concurrent"},
	},
}

// onSwaps replaces CompareAndSwapMulti for batches of n items, or of any number if n is 0.
func (f *faulty) onSwaps(n int, do func(tokens []any, entries []driver.Entry, swaps func([]any, []driver.Entry) []error) []error) {
	swaps := f.swaps
	f.swaps = func(tokens []any, entries []driver.Entry) []error {
		if n == 0 || n == len(entries) {
			return do(tokens, entries, swaps)
		}
		return swaps(tokens, entries)
	}
}

// onDeletes does the same for CompareAndDeleteMulti.
func (f *faulty) onDeletes(n int, do func(keys []string, tokens []any, deletes func([]string, []any) []error) []error) {
	deletes := f.swapDeletes
	f.swapDeletes = func(keys []string, tokens []any) []error {
		if n == 0 || n == len(keys) {
			return do(keys, tokens, deletes)
		}
		return deletes(keys, tokens)
	}
}

// swapManyFaults break CompareAndSwapMulti and CompareAndDeleteMulti.
var swapManyFaults = []fault{
	{
		name: "many deletes take equal bytes for no change",
		driver: func(f *faulty) {
			f.onDeletes(6, func(keys []string, tokens []any, deletes func([]string, []any) []error) []error {
				errs := deletes(keys, tokens)
				for i, k := range keys {
					if f.text(k) == "of "+k {
						errs[i] = f.delete(k)
					}
				}
				return errs
			})
		},
		breaks: []string{"swap many/exactly"},
	},
	{
		name: "many swaps call a miss a conflict",
		driver: func(f *faulty) {
			f.onSwaps(6, func(tokens []any, entries []driver.Entry, swaps func([]any, []driver.Entry) []error) []error {
				errs := swaps(tokens, entries)
				for i := range errs {
					if errors.Is(errs[i], driver.ErrMiss) {
						errs[i] = driver.ErrConflict
					}
				}
				return errs
			})
		},
		breaks: []string{"swap many/exactly"},
	},
	{
		name: "the first result of a window is that of all",
		driver: func(f *faulty) {
			f.onSwaps(large+200, func(tokens []any, entries []driver.Entry, swaps func([]any, []driver.Entry) []error) []error {
				errs := swaps(tokens, entries)
				for i := range errs {
					errs[i] = errs[i/128*128]
				}
				return errs
			})
		},
		breaks: []string{"swap many/large"},
	},
	{
		name: "many swaps give all items the first TTL",
		driver: func(f *faulty) {
			f.onSwaps(4, func(tokens []any, entries []driver.Entry, swaps func([]any, []driver.Entry) []error) []error {
				for i := range entries {
					if strings.HasPrefix(entries[i].Key, "own:") {
						entries[i].TTL = entries[0].TTL
					}
				}
				return swaps(tokens, entries)
			})
		},
		breaks: []string{"swap many/own values"},
	},
	{
		name: "many deletes are compares and deletes",
		driver: func(f *faulty) {
			f.onDeletes(40, func(keys []string, tokens []any, _ func([]string, []any) []error) []error {
				errs := make([]error, len(keys))
				for i, k := range keys {
					it, ok := f.peek(k)
					time.Sleep(time.Nanosecond)
					switch {
					case !ok:
						errs[i] = driver.ErrMiss
					case it.state != tokens[i]:
						errs[i] = driver.ErrConflict
					default:
						f.delete(k)
					}
				}
				return errs
			})
		},
		breaks: []string{"swap many/concurrent"},
	},
	{
		name:    "many deletes accept a foreign item",
		subject: func(c subject) subject { return credulousMany{c} },
		breaks:  []string{"swap many/foreign"},
	},
	{
		name:    "a foreign item stops many deletes",
		subject: func(c subject) subject { return strictMany{c} },
		breaks:  []string{"swap many/foreign"},
	},
	{
		name:    "an item that repeats is not named",
		subject: func(c subject) subject { return silentMany{c} },
		breaks:  []string{"swap many/duplicates"},
	},
	{
		name:    "many deletes go on although the context is done",
		subject: func(c subject) subject { return deafMany{c} },
		breaks:  []string{"context/done before"},
	},
	{
		name:    "many deletes work after Close",
		subject: func(c subject) subject { return openMany{c} },
		breaks:  []string{"close/afterwards"},
	},
	{
		name:    "many deletes are reported as unsupported",
		subject: func(c subject) subject { return modestMany{c} },
		breaks:  []string{"ability/supports", "ability/required"},
	},
}
