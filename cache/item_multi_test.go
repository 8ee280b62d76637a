package cache_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// itemsOf reads keys one by one.
func itemsOf(t *testing.T, c *cache.Cache, keys ...string) []cache.Item {
	t.Helper()
	items := make([]cache.Item, len(keys))
	for i, k := range keys {
		it, err := c.GetItem(t.Context(), k)
		if err != nil {
			t.Fatal(err)
		}
		items[i] = it
	}
	return items
}

// swappers returns drivers with and without batches, and the calls of each for three keys.
func swappers() map[string]struct {
	driver func(*able) driver.Cache
	calls  string
} {
	return map[string]struct {
		driver func(*able) driver.Cache
		calls  string
	}{
		"native":   {func(a *able) driver.Cache { return a }, "swap-delete-multi [YQ== Yg== Yw==]"},
		"one each": {func(a *able) driver.Cache { return swapper{a, a} }, "swap-delete YQ==, swap-delete Yg==, swap-delete Yw=="},
	}
}

// Keys go out as they were encoded when they were read, each with its own token.
func TestCompareAndDeleteMulti(t *testing.T) {
	for name, s := range swappers() {
		t.Run(name, func(t *testing.T) {
			a := &able{stub: newStub()}
			c := cache.New(s.driver(a), cache.Options{Name: "stub", KeyEncoding: encoding.Base64()})
			for k, v := range map[string]string{"a": "1", "b": "2", "c": "3", "other": "4"} {
				if err := c.Set(t.Context(), k, []byte(v), 0); err != nil {
					t.Fatal(err)
				}
			}
			old := itemsOf(t, c, "a", "b", "c")
			a.calls()
			if err := c.WithPrefix("p:").CompareAndDeleteMulti(t.Context(), old); err != nil {
				t.Errorf("unchanged items: error %v, want none", err)
			}
			if got := a.calls(); got != s.calls {
				t.Errorf("the driver did %q, want %q", got, s.calls)
			}
			if len(a.items) != 1 {
				t.Errorf("left: %v, want the one that was not named", a.items)
			}
			failures(t, c.CompareAndDeleteMulti(t.Context(), old), cache.OpCompareAndDeleteMulti,
				map[string]error{"a": cache.ErrMiss, "b": cache.ErrMiss, "c": cache.ErrMiss})
		})
	}
}

// Each item has its own error, and the others are removed.
func TestCompareAndDeleteMultiFails(t *testing.T) {
	for name, s := range swappers() {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			a := &able{stub: newStub()}
			c := open(s.driver(a))
			for _, k := range []string{"a", "changed", "gone", "down", "z"} {
				a.items[k] = "of " + k
			}
			old := itemsOf(t, c, "a", "changed", "gone", "down", "z")
			other := &able{stub: newStub()}
			other.items["foreign"] = "1"
			old = append(old, itemsOf(t, open(other), "foreign")...)
			old = append(old, cache.Item{Key: "made up", Value: []byte("of a")})
			a.items["changed"] = "new"
			a.items["foreign"] = "1"
			delete(a.items, "gone")
			a.fail["down"] = errDown
			a.calls()
			err := c.CompareAndDeleteMulti(ctx, old)
			var m *cache.MultiError
			if !errors.As(err, &m) {
				t.Fatalf("error %v, want a *MultiError", err)
			}
			for k, want := range map[string]error{"changed": cache.ErrConflict, "gone": cache.ErrMiss, "down": cache.ErrUnavailable} {
				if !errors.Is(m.Errors[k], want) {
					t.Errorf("%q failed with %v, want %q", k, m.Errors[k], want)
				}
			}
			alone := c.CompareAndDelete(ctx, cache.Item{})
			for _, k := range []string{"foreign", "made up"} {
				if m.Errors[k] != alone {
					t.Errorf("%q failed with %v, want %q", k, m.Errors[k], alone)
				}
			}
			if len(m.Errors) != 5 {
				t.Errorf("failed keys %q, want 5", m.Keys())
			}
			if got, want := slices.Sorted(maps.Keys(a.items)), []string{"changed", "down", "foreign"}; !slices.Equal(got, want) {
				t.Errorf("left: %q, want %q", got, want)
			}
		})
	}
}

// A call that cannot be done at all is not sent, and has one error and not one for each key.
func TestCompareAndDeleteMultiSendsNothing(t *testing.T) {
	for name, s := range swappers() {
		t.Run(name, func(t *testing.T) {
			a := &able{stub: newStub()}
			a.items["a"] = "1"
			c := open(s.driver(a))
			old := itemsOf(t, c, "a")
			a.calls()
			if err := c.CompareAndDeleteMulti(t.Context(), nil); err != nil {
				t.Errorf("no items: error %v, want none", err)
			}
			foreign := []cache.Item{{Key: "x"}, {Key: "y"}}
			alone := c.CompareAndDelete(t.Context(), foreign[0])
			failures(t, c.CompareAndDeleteMulti(t.Context(), foreign), cache.OpCompareAndDeleteMulti,
				map[string]error{"x": alone, "y": alone})
			done, cancel := context.WithCancel(t.Context())
			cancel()
			if err := c.CompareAndDeleteMulti(done, old); err != context.Canceled {
				t.Errorf("a context that was done: error %v, want context.Canceled itself", err)
			}
			if got := a.calls(); got != "" {
				t.Errorf("the driver did %q, want nothing", got)
			}
			if err := c.Close(); err != nil {
				t.Fatal(err)
			}
			if err := c.CompareAndDeleteMulti(t.Context(), old); err != cache.ErrClosed {
				t.Errorf("after Close: error %v, want ErrClosed", err)
			}
		})
	}
}

// A context that ends during a loop ends the loop.
func TestCompareAndDeleteMultiStops(t *testing.T) {
	a := &able{stub: newStub()}
	for _, k := range []string{"a", "b", "c"} {
		a.items[k] = "1"
	}
	c := open(swapper{a, a})
	old := itemsOf(t, c, "a", "b", "c")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	a.before = func(string) { cancel() }
	failures(t, c.CompareAndDeleteMulti(ctx, old), cache.OpCompareAndDeleteMulti,
		map[string]error{"b": context.Canceled, "c": context.Canceled})
	if len(a.items) != 2 {
		t.Errorf("left: %v, want b and c", a.items)
	}
}

// comesAndGoes is a driver on which the key "gone" is present when it is added, and absent
// when it is read, for the first calls.
type comesAndGoes struct {
	*able
	times int
}

func (c *comesAndGoes) GetOrAddMulti(ctx context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	items, added, errs := c.able.GetOrAddMulti(ctx, entries)
	for i, e := range entries {
		if e.Key == "gone" && c.times > 0 {
			c.times--
			errs = make([]error, len(entries))
			items[i], added[i], errs[i] = driver.Item{}, false, driver.ErrMiss
		}
	}
	return items, added, errs
}

// A key that is present and then gone is tried again, in a batch too.
func TestGetOrAddOfAKeyThatGoes(t *testing.T) {
	ctx := t.Context()
	d := &comesAndGoes{&able{stub: newStub()}, 3}
	c := open(d)
	items, added, err := c.GetOrAddMulti(ctx, map[string][]byte{"a": []byte("1"), "gone": []byte("2")}, 0)
	if err != nil || len(items) != 2 || string(items["gone"].Value) != "2" || !added["a"] {
		t.Errorf("GetOrAddMulti: %v, added %v, error %v; want both items", items, added, err)
	}
	d.times = 3
	if it, _, err := c.GetOrAdd(ctx, "gone", nil, 0); err != nil || string(it.Value) != "2" {
		t.Errorf("GetOrAdd: %q and error %v, want the item", it.Value, err)
	}
	d.times = 1000
	_, _, err = c.GetOrAddMulti(ctx, map[string][]byte{"a": nil, "gone": nil}, 0)
	failures(t, err, cache.OpGetOrAddMulti, map[string]error{"gone": cache.ErrConflict})
}

// Keys with the same encoded form are neither read nor added.
func TestGetOrAddMultiCollisions(t *testing.T) {
	ctx := t.Context()
	lower := encoding.New("lower", strings.ToLower)
	for name, s := range swappers() {
		a := &able{stub: newStub()}
		c := cache.New(s.driver(a), cache.Options{Name: "stub", KeyEncoding: lower})
		items, added, err := c.GetOrAddMulti(ctx, map[string][]byte{"Key": []byte("1"), "kEY": []byte("2"), "OTHER": []byte("3")}, 0)
		failures(t, err, cache.OpGetOrAddMulti, map[string]error{"Key": encoding.ErrCollision, "kEY": encoding.ErrCollision})
		if len(items) != 1 || string(items["OTHER"].Value) != "3" || len(added) != 1 || !added["OTHER"] || len(a.items) != 1 {
			t.Errorf("%s: %v, added %v, stored %v; want OTHER alone", name, items, added, a.items)
		}
	}
}

// A key that was added and is gone is in the set of added keys and has ErrMiss. A hook
// counts each key once.
func TestGetOrAddMultiOfACacheThatDiscards(t *testing.T) {
	var ends []cache.Result
	c := cache.New(struct {
		driver.Cache
		driver.BatchSwapper
	}{newStub(), nothing{}}, cache.Options{Name: "stub", Discards: true}).WithHook(recordResults{&ends})
	items, added, err := c.GetOrAddMulti(t.Context(), map[string][]byte{"a": nil, "b": nil, "b c": nil}, 0)
	failures(t, err, cache.OpGetOrAddMulti, map[string]error{"a": cache.ErrMiss, "b": cache.ErrMiss, "b c": cache.ErrInvalidKey})
	if len(items) != 0 || !added["a"] || !added["b"] || len(added) != 2 {
		t.Errorf("%v, added %v; want no items, and both keys added", items, added)
	}
	if r := ends[0]; r.Affected != 0 || r.Misses != 2 || r.Failed != 1 {
		t.Errorf("the hook saw %+v, want 2 misses and 1 failure", r)
	}
}

// nothing is a BatchSwapper that adds and keeps nothing.
type nothing struct{ driver.BatchSwapper }

func (nothing) GetOrAddMulti(_ context.Context, entries []driver.Entry) ([]driver.Item, []bool, []error) {
	items, added, errs := make([]driver.Item, len(entries)), make([]bool, len(entries)), make([]error, len(entries))
	for i := range entries {
		added[i], errs[i] = true, driver.ErrMiss
	}
	return items, added, errs
}

// recordResults is a hook that keeps the results.
type recordResults struct{ results *[]cache.Result }

func (recordResults) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (r recordResults) End(_ context.Context, _ cache.Call, result cache.Result) {
	*r.results = append(*r.results, result)
}
