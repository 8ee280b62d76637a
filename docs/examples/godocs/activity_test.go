package main

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/null"
)

// Adding up what hooks are told of the parts of a load would count a reader several times.
func TestActivityCountsReaders(t *testing.T) {
	s := fakeSite(t, fakeRoot, newMemory(t))
	readAll(t, s) // 9 loads
	readAll(t, s) // 9 hits
	if _, _, err := s.invalidate(t.Context(), "alpha"); err != nil {
		t.Fatal(err)
	}
	read(t, s, "alpha")
	total, recent := s.activity.read()
	want := tally{Hits: 9, Loads: 10, Invalidations: 1}
	if total != want {
		t.Errorf("counted %+v, want %+v", total, want)
	}
	var sum tally
	for _, r := range recent {
		sum.Hits, sum.Loads, sum.Invalidations = sum.Hits+r.Hits, sum.Loads+r.Loads, sum.Invalidations+r.Invalidations
	}
	if sum != want {
		t.Errorf("counted %+v over time, want %+v", sum, want)
	}
}

func TestActivityOfACacheThatKeepsNothing(t *testing.T) {
	s := fakeSite(t, fakeRoot, null.New(null.Config{}))
	readAllUncached(t, s)
	if total, _ := s.activity.read(); total != (tally{Loads: 9}) {
		t.Errorf("counted %+v, want 9 loads", total)
	}
}

func readAllUncached(t *testing.T, s *site) {
	t.Helper()
	for _, path := range s.library.paths() {
		if _, err := s.page(t.Context(), path); err != nil {
			t.Fatal(err)
		}
	}
}

func TestActivityOfFailures(t *testing.T) {
	s := fakeSite(t, fakeRoot, deadCache(t))
	if _, err := s.page(t.Context(), "alpha"); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.invalidate(t.Context(), "alpha"); err == nil {
		t.Fatal("a cache that is out of order invalidated")
	}
	// The page was rendered; nothing was invalidated.
	if total, _ := s.activity.read(); total != (tally{Loads: 1}) {
		t.Errorf("counted %+v, want 1 load", total)
	}
}

func TestActivityOverTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newActivity()
		hit := func() { a.End(t.Context(), cache.Call{Op: cache.OpLoad, Keys: 1}, cache.Result{Affected: 1}) }
		hits := func() []int {
			_, recent := a.read()
			var all []int
			for _, r := range recent {
				all = append(all, r.Hits)
			}
			return all
		}
		with := func(counts map[int]int) []int { // by how many periods ago
			all := make([]int, periods)
			for ago, n := range counts {
				all[periods-1-ago] = n
			}
			return all
		}
		hit()
		hit()
		check := func(want map[int]int) {
			t.Helper()
			if diff := cmp.Diff(with(want), hits()); diff != "" {
				t.Errorf("hits over time (-want +got)\n%s", diff)
			}
		}
		check(map[int]int{0: 2})
		time.Sleep(period)
		hit()
		check(map[int]int{1: 2, 0: 1})
		time.Sleep((periods - 2) * period)
		check(map[int]int{periods - 1: 2, periods - 2: 1})
		time.Sleep(period)
		check(map[int]int{periods - 1: 1})
		time.Sleep(10 * periods * period)
		check(nil)
		hit()
		check(map[int]int{0: 1})
		if total, _ := a.read(); total.Hits != 4 {
			t.Errorf("%d hits in all, want 4", total.Hits)
		}
	})
}

// An invalidation that consists of another one is one.
func TestActivityCountsNoParts(t *testing.T) {
	a := newActivity()
	whole := cache.Call{Op: cache.OpInvalidate, Keys: 1}
	part := cache.Call{Op: cache.OpInvalidate, Keys: 1, Within: cache.OpInvalidate}
	a.End(a.Start(t.Context(), part), part, cache.Result{Affected: 1})
	a.End(a.Start(t.Context(), whole), whole, cache.Result{Affected: 1})
	// Nor does one that failed count.
	a.End(a.Start(t.Context(), whole), whole, cache.Result{Failed: 1, Err: cache.ErrUnavailable})
	if total, _ := a.read(); total != (tally{Invalidations: 1}) {
		t.Errorf("counted %+v, want 1 invalidation", total)
	}
}

func TestActivityOfManyReaders(t *testing.T) {
	a := newActivity()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				a.End(t.Context(), cache.Call{Op: cache.OpLoad, Keys: 1}, cache.Result{Affected: 1})
				a.read()
			}
		})
	}
	wg.Wait()
	if total, _ := a.read(); total.Hits != 800 {
		t.Errorf("%d hits, want 800", total.Hits)
	}
}
