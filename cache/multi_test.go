package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// failures checks that err is a MultiError of op with these keys and reasons.
func failures(t *testing.T, err error, op cache.Op, want map[string]error) {
	t.Helper()
	var m *cache.MultiError
	if !errors.As(err, &m) {
		t.Fatalf("error %v, want a *MultiError", err)
	}
	if m.Op != op {
		t.Errorf("the error is about %v, want %v", m.Op, op)
	}
	if !slices.Equal(m.Keys(), slices.Sorted(maps.Keys(want))) {
		t.Errorf("failed keys %q, want %q", m.Keys(), slices.Sorted(maps.Keys(want)))
	}
	for k, reason := range want {
		if !errors.Is(m.Errors[k], reason) {
			t.Errorf("%q failed with %v, want %q", k, m.Errors[k], reason)
		}
	}
}

func texts(values map[string][]byte) map[string]string {
	out := map[string]string{}
	for k, v := range values {
		out[k] = string(v)
	}
	return out
}

var errDown = driver.Unavailable("stub", driver.OpGet, "s1", errors.New("refused"))

// Without a Batcher, the operation on one key is called for each key.
func TestBatchesFallBackToLoops(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	c := open(s)
	if err := c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, 0); err != nil {
		t.Fatal(err)
	}
	if got := s.calls(); got != "set a, set b" && got != "set b, set a" {
		t.Errorf("SetMulti did %q", got)
	}
	s.fail["c"] = errDown
	values, err := c.GetMulti(ctx, []string{"a", "absent", "c", "b", "a"})
	failures(t, err, cache.OpGetMulti, map[string]error{"c": cache.ErrUnavailable})
	if want := map[string]string{"a": "1", "b": "2"}; !maps.Equal(texts(values), want) {
		t.Errorf("GetMulti: %v, want %v", texts(values), want)
	}
	if got, want := s.calls(), "get a, get absent, get c, get b, get a"; got != want {
		t.Errorf("GetMulti did %q, want %q", got, want)
	}
	err = c.AddMulti(ctx, map[string][]byte{"a": nil, "c": nil, "d": nil}, 0)
	failures(t, err, cache.OpAddMulti, map[string]error{"a": cache.ErrNotStored, "c": cache.ErrUnavailable})
	err = c.ReplaceMulti(ctx, map[string][]byte{"a": nil, "c": nil, "e": nil}, 0)
	failures(t, err, cache.OpReplaceMulti, map[string]error{"c": cache.ErrUnavailable, "e": cache.ErrNotStored})
	s.calls()
	err = c.DeleteMulti(ctx, []string{"a", "absent", "c", "b"})
	failures(t, err, cache.OpDeleteMulti, map[string]error{"c": cache.ErrUnavailable})
	if got, want := s.calls(), "delete a, delete absent, delete c, delete b"; got != want {
		t.Errorf("DeleteMulti did %q, want %q", got, want)
	}
	if got := slices.Sorted(maps.Keys(s.items)); !slices.Equal(got, []string{"d"}) {
		t.Errorf("left: %q, want d", got)
	}
}

// With a Batcher, one call does it all, and each key has its own result.
func TestBatchesOfTheDriver(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	c := open(a)
	if err := c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, 0); err != nil {
		t.Fatal(err)
	}
	a.fail["c"] = errDown
	values, err := c.GetMulti(ctx, []string{"a", "absent", "c", "b"})
	if !errors.Is(err, cache.ErrUnavailable) || errors.Is(err, cache.ErrMiss) {
		t.Errorf("GetMulti: error %v, want the outage", err)
	}
	if want := map[string]string{"a": "1", "b": "2"}; !maps.Equal(texts(values), want) {
		t.Errorf("GetMulti: %v, want %v", texts(values), want)
	}
	items, err := c.GetItemMulti(ctx, []string{"a", "absent", "c"})
	if !errors.Is(err, cache.ErrUnavailable) || len(items) != 1 || string(items["a"].Value) != "1" {
		t.Errorf("GetItemMulti: %v and error %v, want a beside the outage", items, err)
	}
	err = c.AddMulti(ctx, map[string][]byte{"a": nil, "c": nil, "d": nil}, 0)
	failures(t, err, cache.OpAddMulti, map[string]error{"a": cache.ErrNotStored, "c": cache.ErrUnavailable})
	err = c.DeleteMulti(ctx, []string{"a", "absent", "c"})
	failures(t, err, cache.OpDeleteMulti, map[string]error{"c": cache.ErrUnavailable})
	want := "set-multi [a b], get-multi [a absent c b], get-item-multi [a absent c], add-multi [a c d], delete-multi [a absent c]"
	if got := a.calls(); got != want {
		t.Errorf("the driver did %q, want %q", got, want)
	}
}

// Keys that cannot be sent are named, and the operation is done for the others.
func TestBatchesSetInvalidKeysAside(t *testing.T) {
	ctx := t.Context()
	for name, d := range drivers() {
		c := open(d)
		failed := map[string]error{"": cache.ErrInvalidKey, "b c": cache.ErrInvalidKey}
		err := c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "": nil, "b c": nil}, 0)
		failures(t, err, cache.OpSetMulti, failed)
		values, err := c.GetMulti(ctx, []string{"", "a", "b c"})
		failures(t, err, cache.OpGetMulti, failed)
		if want := map[string]string{"a": "1"}; !maps.Equal(texts(values), want) {
			t.Errorf("%s: GetMulti: %v, want %v", name, texts(values), want)
		}
		failures(t, c.DeleteMulti(ctx, []string{"", "a", "b c"}), cache.OpDeleteMulti, failed)
		if _, err := c.Get(ctx, "a"); err != cache.ErrMiss {
			t.Errorf("%s: Get after DeleteMulti: %v", name, err)
		}
	}
}

// drivers are the two shapes of a driver.
func drivers() map[string]driver.Cache {
	return map[string]driver.Cache{"required": newStub(), "able": &able{stub: newStub()}}
}

// The errors of an invalid key and of an outage are both returned.
func TestBatchJoinsItsErrors(t *testing.T) {
	a := &able{stub: newStub()}
	a.items["a"], a.fail["c"] = "1", errDown
	values, err := open(a).GetMulti(t.Context(), []string{"a", "b c", "c"})
	if !errors.Is(err, cache.ErrUnavailable) || !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("error %v, want both", err)
	}
	if want := map[string]string{"a": "1"}; !maps.Equal(texts(values), want) {
		t.Errorf("GetMulti: %v, want %v", texts(values), want)
	}
}

// A batch without a valid key is not sent.
func TestEmptyBatchesAreNotSent(t *testing.T) {
	ctx := t.Context()
	for name, d := range drivers() {
		c := open(d)
		for _, keys := range [][]string{nil, {}, {"not valid"}} {
			values := map[string][]byte{}
			for _, k := range keys {
				values[k] = nil
			}
			var errs []error
			got, err := c.GetMulti(ctx, keys)
			if got == nil || len(got) != 0 {
				t.Errorf("%s: GetMulti: %v, want an empty map", name, got)
			}
			errs = append(errs, err, c.SetMulti(ctx, values, 0), c.AddMulti(ctx, values, 0), c.ReplaceMulti(ctx, values, 0), c.DeleteMulti(ctx, keys))
			if name == "able" {
				items, err := c.GetItemMulti(ctx, keys)
				if items == nil || len(items) != 0 {
					t.Errorf("GetItemMulti: %v, want an empty map", items)
				}
				errs = append(errs, err)
			}
			for _, err := range errs {
				if len(keys) == 0 && err != nil || len(keys) > 0 && !errors.Is(err, cache.ErrInvalidKey) {
					t.Errorf("%s: keys %q: error %v, want ErrInvalidKey if there are keys", name, keys, err)
				}
			}
		}
	}
	a := &able{stub: newStub()}
	c := open(a)
	c.GetMulti(ctx, nil)
	c.SetMulti(ctx, nil, 0)
	c.DeleteMulti(ctx, []string{""})
	c.GetItemMulti(ctx, nil)
	if got := a.calls(); got != "" {
		t.Errorf("the driver did %q, want nothing", got)
	}
}

// When the context ends in the middle of a loop, the keys that are left have its error.
func TestLoopStopsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := newStub()
	s.items["a"], s.items["b"], s.items["c"] = "1", "2", "3"
	n := 0
	s.before = func(string) {
		if n++; n == 2 {
			cancel()
		}
	}
	values, err := open(s).GetMulti(ctx, []string{"a", "b", "c", "d"})
	failures(t, err, cache.OpGetMulti, map[string]error{"c": context.Canceled, "d": context.Canceled})
	if want := map[string]string{"a": "1", "b": "2"}; !maps.Equal(texts(values), want) {
		t.Errorf("GetMulti: %v, want %v", texts(values), want)
	}
	if got, want := s.calls(), "get a, get b"; got != want {
		t.Errorf("the driver did %q, want %q", got, want)
	}
}

// Keys with the same encoded form are an error for each of them, and none is sent.
func TestBatchCollisions(t *testing.T) {
	ctx := t.Context()
	lower := encoding.New("lower", strings.ToLower)
	for name, d := range drivers() {
		c := cache.New(d, cache.Options{Name: "stub", KeyEncoding: lower})
		failed := map[string]error{"Key": encoding.ErrCollision, "kEY": encoding.ErrCollision, "key": encoding.ErrCollision}
		err := c.SetMulti(ctx, map[string][]byte{"Key": []byte("1"), "kEY": []byte("2"), "key": nil, "other": []byte("3")}, 0)
		failures(t, err, cache.OpSetMulti, failed)
		if _, err := c.Get(ctx, "key"); err != cache.ErrMiss {
			t.Errorf("%s: one of the colliding values was stored: %v", name, err)
		}
		values, err := c.GetMulti(ctx, []string{"Key", "OTHER", "kEY", "OTHER", "key", "Key"})
		failures(t, err, cache.OpGetMulti, failed)
		if want := map[string]string{"OTHER": "3"}; !maps.Equal(texts(values), want) {
			t.Errorf("%s: GetMulti: %v, want %v", name, texts(values), want)
		}
		failures(t, c.DeleteMulti(ctx, []string{"Key", "kEY", "key", "other"}), cache.OpDeleteMulti, failed)
	}
}

// Results are named by the caller's keys, whatever was sent.
func TestBatchNamesAreTheCallers(t *testing.T) {
	ctx := t.Context()
	for name, d := range drivers() {
		c := cache.New(d, cache.Options{Name: "stub", KeyEncoding: encoding.Base64()}).WithPrefix("p:")
		if err := c.SetMulti(ctx, map[string][]byte{"my key": []byte("1"), "": []byte("2")}, 0); err != nil {
			t.Fatal(err)
		}
		values, err := c.GetMulti(ctx, []string{"", "my key", "absent"})
		if want := map[string]string{"my key": "1", "": "2"}; err != nil || !maps.Equal(texts(values), want) {
			t.Errorf("%s: %v and error %v, want %v", name, texts(values), err, want)
		}
		err = c.AddMulti(ctx, map[string][]byte{"my key": nil, "new": nil}, 0)
		failures(t, err, cache.OpAddMulti, map[string]error{"my key": cache.ErrNotStored})
		err = c.ReplaceMulti(ctx, map[string][]byte{strings.Repeat("x", 300): nil}, 0)
		failures(t, err, cache.OpReplaceMulti, map[string]error{strings.Repeat("x", 300): cache.ErrInvalidKey})
	}
}

// A large loop and a large batch have the same result.
func TestBatchesOfManyKeys(t *testing.T) {
	ctx := t.Context()
	for name, d := range drivers() {
		c := open(d)
		values := map[string][]byte{}
		var keys []string
		for i := range 1000 {
			k := fmt.Sprint("k", i)
			keys = append(keys, k)
			values[k] = []byte(k)
		}
		if err := c.SetMulti(ctx, values, 0); err != nil {
			t.Fatal(err)
		}
		got, err := c.GetMulti(ctx, keys)
		if err != nil || !maps.Equal(texts(got), texts(values)) {
			t.Errorf("%s: %d values and error %v, want the %d that were stored", name, len(got), err, len(values))
		}
	}
}

// failsSecond is a driver that cannot be reached for a key that it has returned.
type failsSecond struct {
	*able
	seen map[string]bool
}

func (f failsSecond) again(keys []string, found func(i int)) []error {
	errs := make([]error, len(keys))
	for i, k := range keys {
		if f.seen[k] {
			errs[i] = errDown
		} else {
			found(i)
		}
		f.seen[k] = true
	}
	return errs
}

func (f failsSecond) GetMulti(_ context.Context, keys []string) ([][]byte, []error) {
	values := make([][]byte, len(keys))
	return values, f.again(keys, func(i int) { values[i] = []byte("1") })
}

func (f failsSecond) GetItemMulti(_ context.Context, keys []string) ([]driver.Item, []error) {
	items := make([]driver.Item, len(keys))
	return items, f.again(keys, func(i int) { items[i] = driver.Item{Value: []byte("1"), Token: 1} })
}

// A key that repeats may be found once and fail once. Then it was found, and a hook counts
// it once.
func TestRepeatedKeyThatFailsOnce(t *testing.T) {
	ctx := t.Context()
	var ends []cache.Result
	f := func() failsSecond { return failsSecond{&able{stub: newStub()}, map[string]bool{"b": true}} }
	keys := []string{"a", "a", "b"}
	values, err := open(f()).WithHook(recordResults{&ends}).GetMulti(ctx, keys)
	failures(t, err, cache.OpGetMulti, map[string]error{"b": cache.ErrUnavailable})
	if len(values) != 1 || string(values["a"]) != "1" {
		t.Errorf("GetMulti: %q, want a", values)
	}
	items, err := open(f()).WithHook(recordResults{&ends}).GetItemMulti(ctx, keys)
	failures(t, err, cache.OpGetItemMulti, map[string]error{"b": cache.ErrUnavailable})
	if len(items) != 1 || string(items["a"].Value) != "1" {
		t.Errorf("GetItemMulti: %v, want a", items)
	}
	if _, err := open(f()).GetMulti(ctx, keys[:2]); err != nil {
		t.Errorf("GetMulti of a key that was found: error %v, want none", err)
	}
	for _, r := range ends {
		if r.Affected != 1 || r.Misses != 0 || r.Failed != 1 {
			t.Errorf("the hook saw %+v, want 1 affected and 1 failed", r)
		}
	}
}

// wrapsConflict is a swapper that wraps ErrConflict.
type wrapsConflict struct {
	*able
	conflicts int
}

func (w *wrapsConflict) CompareAndSwap(ctx context.Context, token any, e driver.Entry) error {
	if w.conflicts > 0 {
		w.conflicts--
		return fmt.Errorf("version: %w", driver.ErrConflict)
	}
	return w.able.CompareAndSwap(ctx, token, e)
}

// Touches that are made of a swap begin again after a conflict, wrapped or not.
func TestTouchBySwapBeginsAgain(t *testing.T) {
	ctx := t.Context()
	w := &wrapsConflict{&able{stub: newStub()}, 3}
	w.items["k"] = "v"
	c := open(struct {
		driver.Cache
		driver.Swapper
	}{w, w})
	if err := c.Touch(ctx, "k", time.Hour); err != nil {
		t.Errorf("Touch: %v", err)
	}
	w.conflicts = 3
	if v, err := c.GetAndTouch(ctx, "k", time.Hour); err != nil || string(v) != "v" {
		t.Errorf("GetAndTouch: %q and error %v, want the value", v, err)
	}
	w.conflicts = 1000
	if err := c.Touch(ctx, "k", time.Hour); !errors.Is(err, cache.ErrConflict) {
		t.Errorf("Touch of a key that always changes: %v, want ErrConflict", err)
	}
}
