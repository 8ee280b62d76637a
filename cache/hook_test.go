package cache_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// watcher is a hook that keeps a log, and checks that End gets the context that Start
// returned.
type watcher struct {
	t    *testing.T
	name string
	log  *[]string
	mu   sync.Mutex
}

type watcherKey struct{ name string }

func (w *watcher) Start(ctx context.Context, o cache.Call) context.Context {
	w.note("start %s %s %q %d", o.Driver, o.Op, o.Key, o.Keys)
	return context.WithValue(ctx, watcherKey{w.name}, w)
}

func (w *watcher) End(ctx context.Context, o cache.Call, r cache.Result) {
	if ctx.Value(watcherKey{w.name}) != any(w) {
		w.t.Errorf("%s: End of %v did not get the context of Start", w.name, o.Op)
	}
	keys := 0
	for _, n := range r.KeyOutcomes(o.Op) {
		keys += n
	}
	if keys != o.Keys {
		w.t.Errorf("%s: the outcomes are of %d keys, want %d", o.Op, keys, o.Keys)
	}
	w.note("end %s %s %q %d: %d+%d+%d+%d, %d bytes, %v", o.Driver, o.Op, o.Key, o.Keys, r.Affected, r.Misses, r.Rejected, r.Failed, r.Bytes, r.Err)
}

func (w *watcher) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.log = append(*w.log, strings.TrimPrefix(w.name+": ", ": ")+fmt.Sprintf(format, args...))
}

// watch returns a view of c with a watcher, and a function that takes its log.
func watch(t *testing.T, c *cache.Cache) (*cache.Cache, func() []string) {
	var log []string
	return c.WithHook(&watcher{t: t, log: &log}), func() []string {
		l := log
		log = nil
		return l
	}
}

func TestHook(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	a.fail["down"] = errDown
	bare := open(a)
	c, log := watch(t, bare)
	down := "stub: get: s1: server unavailable: refused"
	var item cache.Item
	fresh := func() cache.Item {
		it, err := bare.GetItem(ctx, "c")
		if err != nil {
			t.Error(err)
		}
		return it
	}
	for _, step := range []struct {
		do   func() error
		key  string
		keys int
		op   string
		end  string // affected + misses + rejected + failed
	}{
		{func() error { return c.Set(ctx, "n", []byte("12345"), 0) }, "n", 1, "set", "1+0+0+0, 5 bytes, <nil>"},
		{func() error { return last(c.Get(ctx, "n")) }, "n", 1, "get", "1+0+0+0, 5 bytes, <nil>"},
		{func() error { return last(c.Get(ctx, "absent")) }, "absent", 1, "get", "0+1+0+0, 0 bytes, cache: miss"},
		{func() error { return last(c.Get(ctx, "down")) }, "down", 1, "get", "0+0+0+1, 0 bytes, " + down},
		{func() error { return last(c.GetAndTouch(ctx, "n", 0)) }, "n", 1, "get_and_touch", "1+0+0+0, 5 bytes, <nil>"},
		{func() error { return c.Add(ctx, "n", []byte("1"), 0) }, "n", 1, "add", "0+0+1+0, 1 bytes, cache: not stored"},
		{func() error { return c.Replace(ctx, "n", []byte("7"), 0) }, "n", 1, "replace", "1+0+0+0, 1 bytes, <nil>"},
		{func() error { return last(c.Increment(ctx, "n", 1)) }, "n", 1, "increment", "1+0+0+0, 0 bytes, <nil>"},
		{func() error { return last(c.Decrement(ctx, "n", 1)) }, "n", 1, "decrement", "1+0+0+0, 0 bytes, <nil>"},
		{func() error { return last(c.IncrementFrom(ctx, "new", 1, 1, 0)) }, "new", 1, "increment", "1+0+0+0, 0 bytes, <nil>"},
		{func() error { return last(c.DecrementFrom(ctx, "new", 1, 1, 0)) }, "new", 1, "decrement", "1+0+0+0, 0 bytes, <nil>"},
		{func() error {
			it, err := c.GetItem(ctx, "n")
			item = it
			return err
		}, "n", 1, "get_item", "1+0+0+0, 1 bytes, <nil>"},
		{func() error {
			_, _, err := c.GetOrAdd(ctx, "n", []byte("333"), 0)
			return err
		}, "n", 1, "get_or_add", "1+0+0+0, 1 bytes, <nil>"},
		{func() error { return c.CompareAndSwap(ctx, item, []byte("88"), 0) }, "n", 1, "compare_and_swap", "1+0+0+0, 2 bytes, <nil>"},
		{func() error { return c.CompareAndDelete(ctx, item) }, "n", 1, "compare_and_delete", "0+0+1+0, 0 bytes, cache: item changed since it was read"},
		{func() error { return c.Touch(ctx, "n", 0) }, "n", 1, "touch", "1+0+0+0, 0 bytes, <nil>"},
		{func() error { return c.CompareAndSwap(ctx, item, nil, 0) }, "n", 1, "compare_and_swap", "0+0+1+0, 0 bytes, cache: item changed since it was read"},
		{func() error { return c.Touch(ctx, "down", 0) }, "down", 1, "touch", "0+0+0+1, 0 bytes, " + down},
		{func() error { return c.Replace(ctx, "absent", nil, 0) }, "absent", 1, "replace", "0+0+1+0, 0 bytes, cache: not stored"},
		{func() error { return last(c.Increment(ctx, "absent", 1)) }, "absent", 1, "increment", "0+1+0+0, 0 bytes, cache: miss"},
		{func() error { return last(c.GetItem(ctx, "absent")) }, "absent", 1, "get_item", "0+1+0+0, 0 bytes, cache: miss"},
		{func() error { return c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("22")}, 0) }, "", 2, "set_multi", "2+0+0+0, 3 bytes, <nil>"},
		{func() error { return c.AddMulti(ctx, map[string][]byte{"a": []byte("1"), "c": []byte("22")}, 0) }, "", 2, "add_multi", "1+0+1+0, 3 bytes, cache: add_multi: 1 key failed: cache: not stored"},
		{func() error { return c.ReplaceMulti(ctx, map[string][]byte{"x": []byte("1")}, 0) }, "", 1, "replace_multi", "0+0+1+0, 1 bytes, cache: replace_multi: 1 key failed: cache: not stored"},
		{func() error { return last(c.GetMulti(ctx, []string{"a", "absent", "b", "a"})) }, "", 3, "get_multi", "2+1+0+0, 3 bytes, <nil>"},
		{func() error { return last(c.GetMulti(ctx, []string{"a", "absent", "down", "b c"})) }, "", 4, "get_multi", "1+1+0+2, 1 bytes, cache: get_multi: 2 keys failed, the first with: cache: invalid key: byte 0x20 at 1 after encoding; spaces and control characters need a key encoding such as safe"},
		{func() error { return last(c.GetItemMulti(ctx, []string{"a", "absent"})) }, "", 2, "get_item_multi", "1+1+0+0, 1 bytes, <nil>"},
		{func() error {
			_, _, err := c.GetOrAddMulti(ctx, map[string][]byte{"a": nil, "y": []byte("22")}, 0)
			return err
		}, "", 2, "get_or_add_multi", "2+0+0+0, 3 bytes, <nil>"},
		{func() error {
			return c.CompareAndSwapMulti(ctx, []cache.Swap{{Old: fresh()}, {Old: item, Value: []byte("1")}})
		}, "", 2, "compare_and_swap_multi", "1+0+1+0, 1 bytes, cache: compare_and_swap_multi: 1 key failed: cache: item changed since it was read"},
		{func() error { return c.CompareAndDeleteMulti(ctx, []cache.Item{fresh(), item}) }, "", 2, "compare_and_delete_multi", "1+0+1+0, 0 bytes, cache: compare_and_delete_multi: 1 key failed: cache: item changed since it was read"},
		{func() error { return c.DeleteMulti(ctx, []string{"a", "absent"}) }, "", 2, "delete_multi", "2+0+0+0, 0 bytes, <nil>"},
		{func() error { return c.Delete(ctx, "absent") }, "absent", 1, "delete", "0+1+0+0, 0 bytes, cache: miss"},
		{func() error { return c.Flush(ctx) }, "", 0, "flush", "0+0+0+0, 0 bytes, <nil>"},
		{func() error { return c.Ping(ctx) }, "", 0, "ping", "0+0+0+0, 0 bytes, <nil>"},
		{func() error { return last(c.Stats(ctx)) }, "", 0, "stats", "0+0+0+0, 0 bytes, <nil>"},
	} {
		err := step.do()
		call := fmt.Sprintf("stub %s %q %d", step.op, step.key, step.keys)
		if got, want := log(), []string{"start " + call, "end " + call + ": " + step.end}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s (error %v):\n got %q\nwant %q", step.op, err, got, want)
		}
		if !strings.HasSuffix(step.end, ", "+fmt.Sprint(err)) {
			t.Errorf("%s: the hook saw %q, the caller %v", step.op, step.end, err)
		}
		if step.keys > 0 && !strings.Contains(step.end, "1 bytes, cache: get_multi") && a.ctx.Value(watcherKey{}) == nil {
			t.Errorf("%s: the driver did not get the context of the hook", step.op)
		}
	}
}

// A hook sees the errors of operations on the whole cache.
func TestHookSeesFailuresOfTheWhole(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	a.fail[""] = errDown
	c, log := watch(t, open(a))
	for op, err := range map[string]error{"flush": c.Flush(ctx), "ping": c.Ping(ctx), "stats": last(c.Stats(ctx))} {
		if !errors.Is(err, cache.ErrUnavailable) {
			t.Errorf("%s: error %v, want the outage", op, err)
		}
	}
	lines := log()
	if len(lines) != 6 {
		t.Errorf("the hook saw %q, want three calls", lines)
	}
	for i, l := range lines {
		if i%2 == 1 && !strings.HasSuffix(l, errDown.Error()) {
			t.Errorf("the hook saw %q, want the outage", l)
		}
	}
}

// A hook changes no result.
func TestHookChangesNothing(t *testing.T) {
	ctx := t.Context()
	results := func(c *cache.Cache) []any {
		c.Set(ctx, "n", []byte("5"), 0)
		value, _ := c.Get(ctx, "n")
		up, _ := c.Increment(ctx, "n", 2)
		down, _ := c.DecrementFrom(ctx, "n", 1, 1, 0)
		item, _ := c.GetItem(ctx, "n")
		values, _ := c.GetMulti(ctx, []string{"n", "absent"})
		items, _ := c.GetItemMulti(ctx, []string{"n", "absent"})
		stats, _ := c.Stats(ctx)
		return []any{string(value), up, down, item.Key, string(item.Value), texts(values), len(items), string(items["n"].Value), stats}
	}
	watched, _ := watch(t, open(&able{stub: newStub()}))
	got, want := results(watched), results(open(&able{stub: newStub()}))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("with a hook %v, without %v", got, want)
	}
}

// A hook sees operations that do not reach the driver.
func TestHookSeesRejections(t *testing.T) {
	c, log := watch(t, open(newStub()))
	c.Set(t.Context(), "a b", []byte("v"), 0)
	c.Close()
	c.Get(t.Context(), "k")
	c.SetMulti(t.Context(), map[string][]byte{"k": nil}, 0)
	got := log()
	if len(got) != 6 || !strings.Contains(got[1], "invalid key") || !strings.HasSuffix(got[3], "cache: closed") || !strings.HasSuffix(got[5], "0+0+0+1, 0 bytes, cache: closed") {
		t.Errorf("the hook saw %q", got)
	}
}

// The hook that was added last is the outermost, and each finds its value in the context.
func TestHooksNest(t *testing.T) {
	var log []string
	s := newStub()
	c := open(s)
	for _, name := range []string{"first", "second", "third"} {
		c = c.WithHook(&watcher{t: t, name: name, log: &log})
	}
	c.Get(t.Context(), "k")
	var order []string
	for _, l := range log {
		order = append(order, strings.Join(strings.Fields(l)[:2], " "))
	}
	want := []string{"third: start", "second: start", "first: start", "first: end", "second: end", "third: end"}
	if !reflect.DeepEqual(order, want) {
		t.Errorf("order %q, want %q", order, want)
	}
	for _, name := range []string{"first", "second", "third"} {
		if s.ctx.Value(watcherKey{name}) == nil {
			t.Errorf("the driver did not get the context of the %s hook", name)
		}
	}
}

// Operations that are parts of another are reported as such.
func TestObserve(t *testing.T) {
	ctx := t.Context()
	bare := open(newStub())
	var calls []cache.Call
	c, log := watch(t, bare.WithHook(recordCalls{&calls}))
	within, end := c.Observe(ctx, cache.Call{Op: cache.OpLoad, Key: "k", Keys: 1})
	c.Get(within, "k")
	c.WithPrefix("p").Get(within, "k")
	end(cache.Result{Misses: 1, Loaded: 1})
	c.Get(ctx, "k")
	var got []string
	for _, call := range calls {
		got = append(got, call.Op.String()+" within "+call.Within.String())
	}
	if want := []string{"load within ", "get within load", "get within load", "get within "}; !slices.Equal(got, want) {
		t.Errorf("the hook saw %q, want %q", got, want)
	}
	if l := log(); len(l) != 8 || !strings.HasPrefix(l[5], `end stub load "k" 1: 0+1+0+0`) {
		t.Errorf("the hook saw %q", l)
	}
	same, end := bare.Observe(ctx, cache.Call{Op: cache.OpLoad})
	end(cache.Result{})
	if same != ctx {
		t.Error("Observe without a hook made a context")
	}
}

// A call that NotWithin takes out of an operation is not reported as a part of it, and
// neither are the calls within it.
func TestNotWithin(t *testing.T) {
	var calls []cache.Call
	c := open(newStub()).WithHook(recordCalls{&calls})
	outer, end := c.Observe(context.WithValue(t.Context(), watcherKey{"any"}, 1), cache.Call{Op: cache.OpLoad})
	function := cache.NotWithin(outer)
	c.Get(function, "k")
	inner, endInner := c.Observe(function, cache.Call{Op: cache.OpLoadMulti})
	c.Get(inner, "k")
	endInner(cache.Result{})
	c.Get(outer, "k")
	end(cache.Result{})
	var got []string
	for _, call := range calls {
		got = append(got, call.Op.String()+" within "+call.Within.String())
	}
	want := []string{"load within ", "get within ", "load_multi within ", "get within load_multi", "get within load"}
	if !slices.Equal(got, want) {
		t.Errorf("the hook saw %q, want %q", got, want)
	}
	if function.Value(watcherKey{"any"}) != 1 {
		t.Error("NotWithin lost a value of the context")
	}
	if ctx := t.Context(); cache.NotWithin(ctx) != ctx || cache.NotWithin(function) != function {
		t.Error("NotWithin made a context where there was nothing to change")
	}
}

// No error of larder names a key where it must not.
func TestRedactedError(t *testing.T) {
	ascii, unicode := strings.Repeat("secret", 20), strings.Repeat("geheim\u00fc", 20)
	for _, key := range []string{"secret", "secret\n", ascii, unicode} {
		for _, err := range []error{
			driver.Unreadable("stub", cache.OpGet, "s1", key, errors.New("pickle")),
			fmt.Errorf("load: the value of %.40q is needed to load itself", key),
			fmt.Errorf("load: %q and %q again", key, key),
			fmt.Errorf("load: %+q", key),
			&cache.MultiError{Op: cache.OpGetMulti, Errors: map[string]error{key: driver.Unreadable("stub", cache.OpGetMulti, "s1", key, errors.New("pickle"))}},
		} {
			r := cache.Result{Err: err}
			if got := r.RedactedError(&cache.Call{Key: key}); got == "" || strings.Contains(got, "secret") || strings.Contains(got, "geheim") {
				t.Errorf("%q: redacted %q", err, got)
			}
		}
	}
	// Keys of many, and tags.
	for _, call := range []cache.Call{{Keys: 2}, {Key: "a"}} {
		for _, text := range []string{`the value of key "secret1" cannot be encoded`, `tag "secret \"7": invalid`} {
			r := cache.Result{Err: errors.New(text)}
			if got := r.RedactedError(&call); strings.Contains(got, "secret") {
				t.Errorf("%s: redacted %s", text, got)
			}
		}
	}
	for want, err := range map[string]error{
		"":                     nil,
		errDown.Error():        errDown,
		"the database is down": errors.New("the database is down"),
	} {
		r := cache.Result{Err: err}
		for _, key := range []string{"", "a"} {
			if got := r.RedactedError(&cache.Call{Key: key}); got != want {
				t.Errorf("%v with the key %q: %q, want %q", err, key, got, want)
			}
		}
	}
}

// recordCalls is a hook that keeps the calls.
type recordCalls struct{ calls *[]cache.Call }

func (r recordCalls) Start(ctx context.Context, c cache.Call) context.Context {
	*r.calls = append(*r.calls, c)
	return ctx
}

func (r recordCalls) End(context.Context, cache.Call, cache.Result) {}

// A hook gets the namespace and the duration.
func TestHookSeesNamespaceAndDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls []cache.Call
		slow := newStub()
		slow.before = func(string) { time.Sleep(time.Second) }
		parts, err := cache.Partitioned("a", map[string]*cache.Cache{"a": open(newStub()), "b": open(slow)})
		if err != nil {
			t.Fatal(err)
		}
		var took time.Duration
		c := parts.WithHook(recordCalls{&calls}).WithHook(durations{&took})
		b, err := c.Namespace("b")
		if err != nil {
			t.Fatal(err)
		}
		c.Get(context.Background(), "k")
		b.Get(context.Background(), "k")
		plain, err := open(newStub()).WithHook(recordCalls{&calls}).Namespace("users")
		if err != nil {
			t.Fatal(err)
		}
		plain.Get(context.Background(), "k")
		var got []string
		for _, call := range calls {
			got = append(got, call.Namespace)
		}
		if want := []string{"a", "b", "users"}; !slices.Equal(got, want) {
			t.Errorf("namespaces %q, want %q", got, want)
		}
		if took != time.Second {
			t.Errorf("the operations took %v, want a second", took)
		}
	})
}

// durations is a hook that adds up durations.
type durations struct{ sum *time.Duration }

func (d durations) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (d durations) End(_ context.Context, _ cache.Call, r cache.Result) { *d.sum += r.Duration }

// A hook sees the operations of its view alone. A nil hook is ignored.
func TestHookIsOfTheView(t *testing.T) {
	c := open(newStub())
	view, log := watch(t, c)
	c.Get(t.Context(), "k")
	if got := log(); len(got) != 0 {
		t.Errorf("the hook saw %q of another view", got)
	}
	view.WithKind(cache.Text).WithPrefix("p").Get(t.Context(), "k")
	if got := log(); len(got) != 2 {
		t.Errorf("the hook saw %q of a view of its view", got)
	}
	if _, err := c.WithHook(nil).Get(t.Context(), "k"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("with a nil hook: %v", err)
	}
	view.WithHook(nil).Get(t.Context(), "k")
	if got := log(); len(got) != 2 {
		t.Errorf("the hook saw %q below a nil hook", got)
	}
}
