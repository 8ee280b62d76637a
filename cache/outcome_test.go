package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/race"
)

func TestOutcome(t *testing.T) {
	multi := func(errs map[string]error) error { return &cache.MultiError{Op: cache.OpGetMulti, Errors: errs} }
	busy := fmt.Errorf("dependency: gave up: %w", cache.ErrConflict)
	for _, test := range []struct {
		what   string
		op     cache.Op
		result cache.Result
		want   cache.Outcome
		keys   map[cache.Outcome]int
	}{
		{"found", cache.OpGet, cache.Result{Affected: 1}, cache.OutcomeHit, map[cache.Outcome]int{cache.OutcomeHit: 1}},
		{"absent", cache.OpGet, cache.Result{Misses: 1, Err: cache.ErrMiss}, cache.OutcomeMiss, map[cache.Outcome]int{cache.OutcomeMiss: 1}},
		{"stored", cache.OpSet, cache.Result{Affected: 1}, cache.OutcomeStored, map[cache.Outcome]int{cache.OutcomeStored: 1}},
		{"swapped", cache.OpCompareAndSwap, cache.Result{Affected: 1}, cache.OutcomeStored, map[cache.Outcome]int{cache.OutcomeStored: 1}},
		{"deleted", cache.OpDelete, cache.Result{Affected: 1}, cache.OutcomeOK, map[cache.Outcome]int{cache.OutcomeOK: 1}},
		{"nothing to delete", cache.OpDelete, cache.Result{Misses: 1, Err: cache.ErrMiss}, cache.OutcomeAbsent, map[cache.Outcome]int{cache.OutcomeAbsent: 1}},
		{"counted", cache.OpIncrement, cache.Result{Affected: 1}, cache.OutcomeOK, map[cache.Outcome]int{cache.OutcomeOK: 1}},
		{"present", cache.OpAdd, cache.Result{Rejected: 1, Err: cache.ErrNotStored}, cache.OutcomeNotStored, map[cache.Outcome]int{cache.OutcomeNotStored: 1}},
		{"changed", cache.OpCompareAndSwap, cache.Result{Rejected: 1, Err: cache.ErrConflict}, cache.OutcomeConflict, map[cache.Outcome]int{cache.OutcomeConflict: 1}},
		{"no keys", cache.OpGetMulti, cache.Result{}, cache.OutcomeOK, map[cache.Outcome]int{}},
		{"flushed", cache.OpFlush, cache.Result{}, cache.OutcomeOK, map[cache.Outcome]int{}},
		{"flush of a closed cache", cache.OpFlush, cache.Result{Err: cache.ErrClosed}, cache.OutcomeClosed, map[cache.Outcome]int{}},
		{
			"some found", cache.OpGetMulti, cache.Result{Affected: 3, Misses: 2}, cache.OutcomeMiss,
			map[cache.Outcome]int{cache.OutcomeHit: 3, cache.OutcomeMiss: 2},
		},
		{
			"some added", cache.OpAddMulti, cache.Result{Affected: 3, Rejected: 2, Err: multi(map[string]error{"a": cache.ErrNotStored, "b": cache.ErrNotStored})},
			cache.OutcomeNotStored, map[cache.Outcome]int{cache.OutcomeStored: 3, cache.OutcomeNotStored: 2},
		},
		{
			"a partial outage", cache.OpGetMulti, cache.Result{Affected: 3, Misses: 1, Failed: 3, Err: multi(map[string]error{
				"a": cache.ErrInvalidKey, "b": errDown, "c": errDown,
			})},
			cache.OutcomeUnavailable, map[cache.Outcome]int{
				cache.OutcomeHit: 3, cache.OutcomeMiss: 1, cache.OutcomeInvalid: 1, cache.OutcomeUnavailable: 2,
			},
		},
		{
			"everything at once", cache.OpCompareAndSwapMulti, cache.Result{Affected: 1, Misses: 1, Rejected: 1, Failed: 1, Err: multi(map[string]error{
				"a": cache.ErrMiss, "b": cache.ErrConflict, "c": cache.ErrTooLarge,
			})},
			cache.OutcomeTooLarge, map[cache.Outcome]int{
				cache.OutcomeStored: 1, cache.OutcomeAbsent: 1, cache.OutcomeConflict: 1, cache.OutcomeTooLarge: 1,
			},
		},
		{"a batch that could not begin", cache.OpGetMulti, cache.Result{Failed: 7, Err: cache.ErrClosed}, cache.OutcomeClosed, map[cache.Outcome]int{cache.OutcomeClosed: 7}},
		{
			"more failures than reasons", cache.OpDependencyAdd, cache.Result{Failed: 3, Err: multi(map[string]error{"a": errDown})},
			cache.OutcomeUnavailable, map[cache.Outcome]int{cache.OutcomeUnavailable: 1, cache.OutcomeError: 2},
		},
		{
			"more reasons than failures", cache.OpDependencyDelete, cache.Result{Failed: 1, Err: multi(map[string]error{"a": errDown, "b": errDown})},
			cache.OutcomeUnavailable, map[cache.Outcome]int{cache.OutcomeUnavailable: 1},
		},
		{
			"a condition reported as a failure", cache.OpDependencyAdd, cache.Result{Failed: 1, Err: multi(map[string]error{"a": busy})},
			cache.OutcomeError, map[cache.Outcome]int{cache.OutcomeError: 1},
		},
		{
			"loads", cache.OpLoadMulti, cache.Result{Affected: 5, Stale: 2, Misses: 1, Loaded: 1}, cache.OutcomeMiss,
			map[cache.Outcome]int{cache.OutcomeHit: 3, cache.OutcomeStale: 2, cache.OutcomeMiss: 1},
		},
		{"stale", cache.OpLoad, cache.Result{Affected: 1, Stale: 1}, cache.OutcomeStale, map[cache.Outcome]int{cache.OutcomeStale: 1}},
		{
			"an absence that was remembered", cache.OpLoad, cache.Result{Affected: 1, Err: errors.New("not found")}, cache.OutcomeHit,
			map[cache.Outcome]int{cache.OutcomeHit: 1},
		},
		{"a failed load", cache.OpLoad, cache.Result{Failed: 1, Err: errors.New("database is down")}, cache.OutcomeError, map[cache.Outcome]int{cache.OutcomeError: 1}},
		{"a failure without an error", cache.OpLoad, cache.Result{Failed: 1}, cache.OutcomeError, map[cache.Outcome]int{cache.OutcomeError: 1}},
		{"refreshed", cache.OpRefresh, cache.Result{Affected: 1, Loaded: 1}, cache.OutcomeOK, map[cache.Outcome]int{cache.OutcomeOK: 1}},
	} {
		if got := test.result.Outcome(test.op); got != test.want {
			t.Errorf("%s: %v, want %v", test.what, got, test.want)
		}
		if got := maps.Collect(test.result.KeyOutcomes(test.op)); !maps.Equal(got, test.keys) {
			t.Errorf("%s: the keys have the outcomes %v, want %v", test.what, got, test.keys)
		}
	}
}

// Every error has an outcome, whatever wraps it, and an outage is one whatever caused it.
func TestOutcomeOfErrors(t *testing.T) {
	for err, want := range map[error]cache.Outcome{
		cache.ErrUnavailable:     cache.OutcomeUnavailable,
		cache.ErrClosed:          cache.OutcomeClosed,
		cache.ErrUnreadable:      cache.OutcomeUnreadable,
		cache.ErrNotNumber:       cache.OutcomeNotNumber,
		cache.ErrTooLarge:        cache.OutcomeTooLarge,
		errors.ErrUnsupported:    cache.OutcomeUnsupported,
		cache.ErrInvalidKey:      cache.OutcomeInvalid,
		cache.ErrInvalidTTL:      cache.OutcomeInvalid,
		context.Canceled:         cache.OutcomeCanceled,
		context.DeadlineExceeded: cache.OutcomeCanceled,
		errors.New("other"):      cache.OutcomeError,
		driver.Unavailable("d", driver.OpGet, "s", context.DeadlineExceeded): cache.OutcomeUnavailable,
		errors.Join(cache.ErrInvalidKey, cache.ErrUnavailable):               cache.OutcomeUnavailable,
	} {
		r := cache.Result{Failed: 1, Err: fmt.Errorf("wrapped: %w", err)}
		if got := r.Outcome(cache.OpGet); got != want || !got.Failed() {
			t.Errorf("%v: %v, failed %v, want the failure %v", err, got, got.Failed(), want)
		}
	}
}

func TestOutcomeNames(t *testing.T) {
	names := map[string]bool{}
	for _, o := range cache.Outcomes() {
		name := o.String()
		if name == "" || name == "unknown" || names[name] {
			t.Errorf("outcome %d has the name %q", o, name)
		}
		names[name] = true
	}
	var none cache.Outcome
	if beyond := cache.OutcomeUnavailable + 1; beyond.String() != "unknown" || none.String() != "" || none.Failed() {
		t.Errorf("beyond the last is %q, none is %q and failed %v", beyond, none, none.Failed())
	}
}

// A loop over the outcomes may stop at any of them.
func TestKeyOutcomesStopEarly(t *testing.T) {
	r := cache.Result{Affected: 2, Stale: 1, Misses: 1, Rejected: 1, Failed: 2, Err: &cache.MultiError{Errors: map[string]error{
		"a": cache.ErrClosed, "b": cache.ErrTooLarge, "c": cache.ErrMiss, "d": cache.ErrConflict,
	}}}
	all := 0
	for range r.KeyOutcomes(cache.OpLoadMulti) {
		all++
	}
	if all != 6 {
		t.Errorf("%d outcomes, want 6", all)
	}
	for stop := 1; stop <= all; stop++ {
		n := 0
		for range r.KeyOutcomes(cache.OpLoadMulti) {
			if n++; n == stop {
				break
			}
		}
		if n != stop {
			t.Errorf("stopped after %d outcomes, want %d", n, stop)
		}
	}
}

// Classifying what did not fail allocates nothing.
func TestOutcomeAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	r := &cache.Result{Affected: 5, Stale: 2, Misses: 1, Rejected: 1}
	sum := 0
	n := testing.AllocsPerRun(100, func() {
		sum += int(r.Outcome(cache.OpGetMulti))
		for o, keys := range r.KeyOutcomes(cache.OpGetMulti) {
			sum += int(o) * keys
		}
	})
	if n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}
