package cachetest

import (
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
)

var concurrencyCases = []test{
	{
		name: "concurrent/add",
		rule: "if several callers add a key with Add or AddMulti, exactly one stores, and its value is there",
		run:  concurrentAdd, drops: dropsStores,
	},
	{
		name: "concurrent/delete",
		rule: "if several callers delete a key, exactly one does, and the others get ErrMiss",
		run:  concurrentDelete, drops: dropsDeletes,
	},
	{
		name: "concurrent/deleted",
		rule: "an operation that changes a present key never brings back one that is deleted at the same time",
		run:  concurrentDeleted, drops: dropsDeletes,
	},
	{
		name: "concurrent/mixed",
		rule: "every method may be called by many goroutines at once, and no value is torn or belongs to another key",
		run:  concurrentMixed,
	},
	{
		name: "concurrent/close",
		rule: "operations that run while the cache is closed return what they found or a clear error, and later ones ErrClosed",
		run:  concurrentClose,
	},
}

func concurrentAdd(s *suite) {
	const workers, rounds = 8, 20
	for round := range rounds {
		for name, add := range map[string]func(key string, v []byte) error{
			"Add": func(key string, v []byte) error { return s.c.Add(s.ctx, key, v, 0) },
			"AddMulti": func(key string, v []byte) error {
				return s.c.AddMulti(s.ctx, map[string][]byte{key: v}, 0)
			},
		} {
			key := fmt.Sprint(name, round)
			won := s.oneWins(workers, cache.ErrNotStored, name, func(worker int) error {
				return add(key, fill(20, 'a'+byte(worker)))
			})
			if won >= 0 {
				s.has(key, string(fill(20, 'a'+byte(won))))
			}
		}
	}
}

func concurrentDelete(s *suite) {
	const workers, rounds = 8, 20
	for round := range rounds {
		key := fmt.Sprint("k", round)
		s.set(key, "v")
		s.oneWins(workers, cache.ErrMiss, "Delete", func(int) error { return s.c.Delete(s.ctx, key) })
		s.misses(key)
	}
}

// concurrentDeleted runs each operation at the same time as a delete. Whichever is first, the
// key is absent when both are over.
func concurrentDeleted(s *suite) {
	const rounds = 20
	changes := map[string]func(key string, it cache.Item) error{
		"Replace": func(key string, _ cache.Item) error { return s.c.Replace(s.ctx, key, []byte("6"), 0) },
		"ReplaceMulti": func(key string, _ cache.Item) error {
			return s.c.ReplaceMulti(s.ctx, map[string][]byte{key: []byte("6")}, 0)
		},
		"Increment": func(key string, _ cache.Item) error { _, err := s.c.Increment(s.ctx, key, 1); return err },
		"Decrement": func(key string, _ cache.Item) error { _, err := s.c.Decrement(s.ctx, key, 1); return err },
	}
	if s.c.Supports(cache.OpTouch) {
		changes["Touch"] = func(key string, _ cache.Item) error { return s.c.Touch(s.ctx, key, 0) }
		changes["GetAndTouch"] = func(key string, _ cache.Item) error { _, err := s.c.GetAndTouch(s.ctx, key, 0); return err }
	}
	if s.c.Supports(cache.OpCompareAndSwap) {
		changes["CompareAndSwap"] = func(_ string, it cache.Item) error { return s.swap(it, "6") }
		changes["CompareAndSwapMulti"] = func(_ string, it cache.Item) error {
			return s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: it, Value: []byte("6")}})
		}
	}
	for name, change := range changes {
		for round := range rounds {
			key := fmt.Sprint(name, round)
			s.set(key, "5")
			var it cache.Item
			if s.c.Supports(cache.OpGetItem) {
				it = s.item(key)
			}
			together(3, func(worker int) {
				if worker == 1 {
					s.none(s.c.Delete(s.ctx, key), "Delete")
				} else {
					s.expected(name, change(key, it), cache.ErrMiss, cache.ErrNotStored, cache.ErrConflict)
				}
			})
			s.misses(key)
		}
	}
}

func concurrentMixed(s *suite) {
	const workers, steps, keys = 8, 60, 5
	key := func(i int) string { return fmt.Sprint("k", i%keys) }
	// A value is the number of its key, then one letter over and over.
	whole := func(k string, v []byte) {
		if len(v) < 2 || v[0] != k[1] {
			s.errorf("%q has the value %q of another key", k, v)
			return
		}
		for _, b := range v[1:] {
			if b != v[1] {
				s.errorf("%q has the torn value %q", k, v)
				return
			}
		}
	}
	together(workers, func(worker int) {
		for i := range steps {
			k := key(worker + i)
			v := append([]byte{k[1]}, fill(1+(worker*7+i)%50, 'a'+byte(worker))...)
			switch i % 12 {
			case 0, 1:
				s.none(s.c.Set(s.ctx, k, v, 0), "Set")
			case 2:
				s.expected("Add", s.c.Add(s.ctx, k, v, 0), cache.ErrNotStored)
			case 3:
				s.expected("Replace", s.c.Replace(s.ctx, k, v, 0), cache.ErrNotStored)
			case 4:
				s.expected("Delete", s.c.Delete(s.ctx, k), cache.ErrMiss)
			case 5:
				many, err := s.c.GetMulti(s.ctx, []string{key(0), key(1), key(2), key(3), key(4)})
				s.none(err, "GetMulti")
				for k, v := range many {
					whole(k, v)
				}
			case 6:
				if !s.c.Supports(cache.OpCompareAndSwap) {
					continue
				}
				it, err := s.c.GetItem(s.ctx, k)
				s.expected("GetItem", err, cache.ErrMiss)
				if err == nil {
					whole(k, it.Value)
					s.expected("CompareAndSwap", s.swap(it, string(v)), cache.ErrConflict, cache.ErrMiss)
				}
			case 7:
				_, err := s.c.Increment(s.ctx, k, 1)
				s.expected("Increment", err, cache.ErrMiss, cache.ErrNotNumber)
			case 8:
				if s.c.Supports(cache.OpTouch) {
					got, err := s.c.GetAndTouch(s.ctx, k, 0)
					s.expected("GetAndTouch", err, cache.ErrMiss)
					if err == nil {
						whole(k, got)
					}
				}
			case 9:
				if s.c.Supports(cache.OpGetOrAdd) && !s.c.Discards() {
					it, added, err := s.c.GetOrAdd(s.ctx, k, v, 0)
					if err == nil {
						whole(k, it.Value)
					} else if !added {
						s.none(err, "GetOrAdd")
					}
				}
			default:
				got, err := s.c.Get(s.ctx, k)
				s.expected("Get", err, cache.ErrMiss)
				if err == nil {
					whole(k, got)
				}
			}
		}
	})
}

func concurrentClose(s *suite) {
	const workers, steps = 6, 500
	running := make(chan struct{}, workers)
	closed := make(chan struct{})
	together(workers+1, func(worker int) {
		if worker == workers {
			for range workers {
				<-running
			}
			s.none(s.c.Close(), "Close")
			close(closed)
			return
		}
		key := fmt.Sprint("k", worker)
		for step := range steps {
			err := s.c.Set(s.ctx, key, value, 0)
			if err == nil {
				_, err = s.c.Get(s.ctx, key)
			}
			if step == 0 {
				running <- struct{}{}
			}
			if errors.Is(err, cache.ErrClosed) {
				break
			}
			if err != nil && !errors.Is(err, cache.ErrUnavailable) && !errors.Is(err, cache.ErrMiss) {
				s.errorf("while the cache is closed: %v", err)
				break
			}
		}
		<-closed
		s.is(s.c.Set(s.ctx, key, value, 0), cache.ErrClosed, "Set after Close")
	})
}
