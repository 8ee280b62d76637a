package dependency_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
)

// watcher is a hook that lets a test act between the operations of a call.
type watcher struct {
	before func(cache.Call)
	after  func(cache.Call, cache.Result)
}

func (w watcher) Start(ctx context.Context, o cache.Call) context.Context {
	if w.before != nil {
		w.before(o)
	}
	return ctx
}

func (w watcher) End(_ context.Context, o cache.Call, r cache.Result) {
	if w.after != nil {
		w.after(o, r)
	}
}

// While Delete looks at the slots another key is wired: the second round removes it
// and the master.
func TestDeleteGoesRoundAgain(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	quiet := newDependency(t, c)
	set(t, c, "a", "late")
	ok(t, quiet.Add(ctx, "m", "a"))
	rounds := 0
	d := newDependency(t, c.WithHook(watcher{before: func(o cache.Call) {
		if o.Op == cache.OpDeleteMulti {
			if rounds++; rounds == 1 {
				ok(t, quiet.Add(ctx, "m", "late"))
			}
		}
	}}))
	ok(t, d.Delete(ctx, "m"))
	want(t, c, "", "a", "late", "m", "m1", "m2")
}

// Keys are wired all the time: Delete ends, the items that were wired before it are gone, and
// those that it leaves are still wired.
func TestDeleteUnderSteadyAdds(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	quiet := newDependency(t, c)
	set(t, c, "a")
	ok(t, quiet.Add(ctx, "m", "a"))
	n := 0
	d := newDependency(t, c.WithHook(watcher{before: func(o cache.Call) {
		// The first of a round removes slots, the second the master.
		if o.Op == cache.OpCompareAndDeleteMulti {
			n++
			key := fmt.Sprint("late", n)
			set(t, c, key)
			ok(t, quiet.Add(ctx, "m", key))
		}
	}}))
	ok(t, d.Delete(ctx, "m"))
	want(t, c, "m", "a", "m")
	if n > 10 {
		t.Errorf("Delete went on for %d batches of compare-and-deletes", n)
	}
	ok(t, quiet.Delete(ctx, "m"))
	var late []string
	for i := range n {
		late = append(late, fmt.Sprint("late", i+1))
	}
	want(t, c, "", append(late, "m")...)
}

// The master is deleted under an Add: it begins again, and wires the key.
func TestAddBeginsAgain(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	quiet := newDependency(t, c)
	times := 0
	d := newDependency(t, c.WithHook(watcher{after: func(o cache.Call, _ cache.Result) {
		if o.Op == cache.OpAdd || o.Op == cache.OpAddMulti {
			if times++; times <= 3 {
				ok(t, quiet.Delete(ctx, "m"))
			}
		}
	}}))
	set(t, c, "a", "b")
	ok(t, d.Add(ctx, "m", "a"))
	times = 0
	ok(t, d.AddMulti(ctx, "m", []string{"a", "b"}))
	set(t, c, "a", "b")
	ok(t, quiet.Delete(ctx, "m"))
	want(t, c, "", "a", "b", "m")
}

// A cache that keeps no master, such as one that is full: an error, not a loop.
func TestAddGivesUp(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c.WithHook(watcher{after: func(o cache.Call, _ cache.Result) {
		if o.Op == cache.OpAdd || o.Op == cache.OpAddMulti {
			ok(t, c.Delete(ctx, "m"))
		}
	}}))
	wantErr(t, d.Add(ctx, "m", "k"), cache.ErrConflict)
	wantErr(t, d.AddMulti(ctx, "m", []string{"k", "l"}), cache.ErrConflict)
}

// The server dropped the master and kept the slots: they are passed in few steps, and
// served again by the next Delete.
func TestLostMaster(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	var keys []string
	for i := range 1000 {
		keys = append(keys, fmt.Sprint("old", i))
	}
	for name, added := range map[string][]string{"one": {"new"}, "many": {"new1", "new2", "new3"}} {
		all := append(slices.Clone(keys), added...)
		set(t, c, all...)
		ok(t, d.AddMulti(ctx, "m", keys))
		ok(t, c.Delete(ctx, "m"))

		operations := 0
		counted := newDependency(t, c.WithHook(watcher{before: func(cache.Call) { operations++ }}))
		ok(t, counted.AddMulti(ctx, "m", added))
		if operations > 30 {
			t.Errorf("%s: %d operations to pass 1,000 slots, want at most 30", name, operations)
		}
		ok(t, d.Delete(ctx, "m"))
		want(t, c, "", append(all, "m")...)
	}
}

// A master that counted for long and holds little is read in pieces.
func TestLargeCount(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	ok(t, c.WithKind(cache.Number).Set(ctx, "m", []byte("100000"), 0))
	set(t, c, "first", "last")
	ok(t, c.Set(ctx, "m1", []byte("first"), 0))
	ok(t, newDependency(t, c).Add(ctx, "m", "last"))

	largest := 0
	d := newDependency(t, c.WithHook(watcher{before: func(o cache.Call) { largest = max(largest, o.Keys) }}))
	keys, err := d.Keys(ctx, "m")
	ok(t, err)
	if len(keys) != 2 {
		t.Errorf("keys are %q, want first and last", keys)
	}
	ok(t, d.Delete(ctx, "m"))
	want(t, c, "", "first", "last", "m", "m1", "m100001")
	if largest > 5000 {
		t.Errorf("a batch had %d keys, want at most 5,000", largest)
	}
}

// Canceled in the middle of a long list, the calls end at once, with the error.
func TestCancel(t *testing.T) {
	c := newMemory(t)
	ok(t, c.WithKind(cache.Number).Set(t.Context(), "m", []byte("900000000"), 0))
	for name, call := range map[string]func(context.Context, *cache.Cache) error{
		"Delete": func(ctx context.Context, c *cache.Cache) error { return newDependency(t, c).Delete(ctx, "m") },
		"Keys": func(ctx context.Context, c *cache.Cache) error {
			_, err := newDependency(t, c).Keys(ctx, "m")
			return err
		},
		"DeleteMulti": func(ctx context.Context, c *cache.Cache) error {
			return newDependency(t, c).DeleteMulti(ctx, []string{"m", "n"})
		},
	} {
		ctx, cancel := context.WithCancel(t.Context())
		batches, late := 0, 0
		err := call(ctx, c.WithHook(watcher{before: func(cache.Call) {
			if batches++; batches == 3 {
				cancel()
			}
			if ctx.Err() != nil {
				late++
			}
		}}))
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: got %v, want context.Canceled", name, err)
		}
		if late > 10 {
			t.Errorf("%s: %d operations after the context was done", name, late)
		}
	}
	want(t, c, "m", "m")
}

// A wire that expires before it is confirmed, on a server that is very slow, belongs to an
// item that expired as well.
func TestSlowConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), newMemory(t)
		d := newDependency(t, c.WithHook(watcher{after: func(o cache.Call, _ cache.Result) {
			if o.Op == cache.OpAdd {
				time.Sleep(2 * ttl)
			}
		}}))
		set(t, c, "a")
		ok(t, d.Add(ctx, "m", "a"))
		want(t, c, "m", "a", "m", "m1")
		ok(t, d.Delete(ctx, "m"))
		want(t, c, "", "m")
	})
}
