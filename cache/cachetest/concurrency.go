package cachetest

import (
	"errors"
	"fmt"
	"sync"

	"github.com/larder-go/larder/cache"
)

var concurrencyCases = []test{
	{
		name: "concurrent/add",
		rule: "of many callers who add one key at once, exactly one stores, and its value is there",
		run:  concurrentAdd, drops: dropsStores,
	},
	{
		name: "concurrent/mixed",
		rule: "every method may be called by many goroutines at once, and no value is torn or belongs to another key",
		run:  concurrentMixed,
	},
	{
		name: "concurrent/close",
		rule: "operations that run while the cache is closed end with what they found or with a clear error, and later ones with ErrClosed",
		run:  concurrentClose,
	},
}

// together runs f for each of n workers at once and waits for them.
func together(n int, f func(worker int)) {
	var wg sync.WaitGroup
	begin := make(chan struct{})
	for worker := range n {
		wg.Go(func() {
			<-begin
			f(worker)
		})
	}
	close(begin)
	wg.Wait()
}

// winners runs try for n workers at once and returns those for whom it was nil. The
// others must have got refused.
func (s *suite) winners(n int, refused error, try func(worker int) error) []int {
	var mu sync.Mutex
	var won []int
	together(n, func(worker int) {
		err := try(worker)
		mu.Lock()
		defer mu.Unlock()
		if err == nil {
			won = append(won, worker)
		} else if !errors.Is(err, refused) {
			s.errorf("error %q, want none or %q", err, refused)
		}
	})
	return won
}

func concurrentAdd(s *suite) {
	const workers, rounds = 8, 20
	for round := range rounds {
		key := fmt.Sprint("k", round)
		won := s.winners(workers, cache.ErrNotStored, func(worker int) error {
			return s.c.Add(s.ctx, key, fill(20, 'a'+byte(worker)), 0)
		})
		if len(won) != 1 {
			s.errorf("round %d: %d of %d adds stored, want 1", round, len(won), workers)
			continue
		}
		s.has(key, string(fill(20, 'a'+byte(won[0]))))
	}
}

func concurrentMixed(s *suite) {
	const workers, steps, keys = 8, 60, 5
	key := func(i int) string { return fmt.Sprint("k", i%keys) }
	// A value is its key's number, then one letter over and over.
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
	expected := func(what string, err error, allowed ...error) {
		for _, a := range allowed {
			if errors.Is(err, a) {
				return
			}
		}
		if err != nil {
			s.errorf("%s: %v", what, err)
		}
	}
	together(workers, func(worker int) {
		for i := range steps {
			k := key(worker + i)
			v := append([]byte{k[1]}, fill(1+(worker*7+i)%50, 'a'+byte(worker))...)
			switch i % 10 {
			case 0, 1:
				expected("Set", s.c.Set(s.ctx, k, v, 0))
			case 2:
				expected("Add", s.c.Add(s.ctx, k, v, 0), cache.ErrNotStored)
			case 3:
				expected("Replace", s.c.Replace(s.ctx, k, v, 0), cache.ErrNotStored)
			case 4:
				expected("Delete", s.c.Delete(s.ctx, k), cache.ErrMiss)
			case 5:
				many, err := s.c.GetMulti(s.ctx, []string{key(0), key(1), key(2), key(3), key(4)})
				expected("GetMulti", err)
				for k, v := range many {
					whole(k, v)
				}
			case 6:
				if !s.c.Supports(cache.OpCompareAndSwap) {
					continue
				}
				it, err := s.c.GetItem(s.ctx, k)
				expected("GetItem", err, cache.ErrMiss)
				if err == nil {
					whole(k, it.Value)
					expected("CompareAndSwap", s.c.CompareAndSwap(s.ctx, it, v, 0), cache.ErrConflict, cache.ErrMiss)
				}
			case 7:
				_, err := s.c.Increment(s.ctx, k, 1)
				expected("Increment", err, cache.ErrMiss, cache.ErrNotNumber)
			default:
				got, err := s.c.Get(s.ctx, k)
				expected("Get", err, cache.ErrMiss)
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
