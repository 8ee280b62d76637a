package cache_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
)

// watcher is a hook that writes down what it sees, and checks that each call ends
// with the context that it began with.
type watcher struct {
	t    *testing.T
	name string
	log  *[]string
	mu   sync.Mutex
}

type watcherKey struct{ name string }

func (w *watcher) Start(ctx context.Context, o cache.Operation) context.Context {
	w.note("start %s %s %d", o.Driver, o.Op, o.Keys)
	return context.WithValue(ctx, watcherKey{w.name}, w)
}

func (w *watcher) End(ctx context.Context, o cache.Operation, r cache.Outcome) {
	if ctx.Value(watcherKey{w.name}) != any(w) {
		w.t.Errorf("%s: End of %v did not get the context of Start", w.name, o.Op)
	}
	w.note("end %s %s %d: %d hits, %d bytes, %v", o.Driver, o.Op, o.Keys, r.Hits, r.Bytes, r.Err)
}

func (w *watcher) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	*w.log = append(*w.log, strings.TrimPrefix(w.name+": ", ": ")+fmt.Sprintf(format, args...))
}

// watch returns a view of c that a watcher watches, and what takes its log.
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
	down := "stub: test: s1: server unavailable: refused"
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
		keys int
		op   string
		end  string
	}{
		{func() error { return c.Set(ctx, "n", []byte("12345"), 0) }, 1, "set", "1 hits, 5 bytes, <nil>"},
		{func() error { return last(c.Get(ctx, "n")) }, 1, "get", "1 hits, 5 bytes, <nil>"},
		{func() error { return last(c.Get(ctx, "absent")) }, 1, "get", "0 hits, 0 bytes, cache: miss"},
		{func() error { return last(c.Get(ctx, "down")) }, 1, "get", "0 hits, 0 bytes, " + down},
		{func() error { return c.Add(ctx, "n", []byte("1"), 0) }, 1, "add", "0 hits, 1 bytes, cache: not stored"},
		{func() error { return c.Replace(ctx, "n", []byte("7"), 0) }, 1, "replace", "1 hits, 1 bytes, <nil>"},
		{func() error { return last(c.Increment(ctx, "n", 1)) }, 1, "increment", "1 hits, 0 bytes, <nil>"},
		{func() error { return last(c.Decrement(ctx, "n", 1)) }, 1, "decrement", "1 hits, 0 bytes, <nil>"},
		{func() error { return last(c.IncrementInitial(ctx, "new", 1, 1, 0)) }, 1, "increment", "1 hits, 0 bytes, <nil>"},
		{func() error { return last(c.DecrementInitial(ctx, "new", 1, 1, 0)) }, 1, "decrement", "1 hits, 0 bytes, <nil>"},
		{func() error {
			it, err := c.GetItem(ctx, "n")
			item = it
			return err
		}, 1, "get item", "1 hits, 1 bytes, <nil>"},
		{func() error { return c.CompareAndSwap(ctx, item, []byte("88"), 0) }, 1, "compare and swap", "1 hits, 2 bytes, <nil>"},
		{func() error { return c.CompareAndDelete(ctx, item) }, 1, "compare and delete", "0 hits, 0 bytes, cache: item changed since it was read"},
		{func() error { return c.Touch(ctx, "n", 0) }, 1, "touch", "1 hits, 0 bytes, <nil>"},
		{func() error { return c.CompareAndSwap(ctx, item, nil, 0) }, 1, "compare and swap", "0 hits, 0 bytes, cache: item changed since it was read"},
		{func() error { return c.Touch(ctx, "down", 0) }, 1, "touch", "0 hits, 0 bytes, " + down},
		{func() error { return c.Replace(ctx, "absent", nil, 0) }, 1, "replace", "0 hits, 0 bytes, cache: not stored"},
		{func() error { return last(c.Increment(ctx, "absent", 1)) }, 1, "increment", "0 hits, 0 bytes, cache: miss"},
		{func() error { return last(c.GetItem(ctx, "absent")) }, 1, "get item", "0 hits, 0 bytes, cache: miss"},
		{func() error { return c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("22")}, 0) }, 2, "set multi", "2 hits, 3 bytes, <nil>"},
		{func() error { return c.AddMulti(ctx, map[string][]byte{"a": []byte("1"), "c": []byte("22")}, 0) }, 2, "add multi", "1 hits, 3 bytes, cache: add multi: 1 key failed: cache: not stored"},
		{func() error { return c.ReplaceMulti(ctx, map[string][]byte{"x": []byte("1")}, 0) }, 1, "replace multi", "0 hits, 1 bytes, cache: replace multi: 1 key failed: cache: not stored"},
		{func() error { return last(c.GetMulti(ctx, []string{"a", "absent", "b"})) }, 3, "get multi", "2 hits, 3 bytes, <nil>"},
		{func() error { return last(c.GetItemMulti(ctx, []string{"a", "absent"})) }, 2, "get item multi", "1 hits, 1 bytes, <nil>"},
		{func() error { return c.CompareAndDeleteMulti(ctx, []cache.Item{fresh(), item}) }, 2, "compare and delete multi", "1 hits, 0 bytes, cache: compare and delete multi: 1 key failed: cache: item changed since it was read"},
		{func() error { return c.DeleteMulti(ctx, []string{"a", "absent"}) }, 2, "delete multi", "2 hits, 0 bytes, <nil>"},
		{func() error { return c.Delete(ctx, "absent") }, 1, "delete", "0 hits, 0 bytes, cache: miss"},
		{func() error { return c.Flush(ctx) }, 0, "flush", "0 hits, 0 bytes, <nil>"},
		{func() error { return c.Ping(ctx) }, 0, "ping", "0 hits, 0 bytes, <nil>"},
		{func() error { return last(c.Stats(ctx)) }, 0, "stats", "0 hits, 0 bytes, <nil>"},
	} {
		err := step.do()
		call := fmt.Sprintf("stub %s %d", step.op, step.keys)
		if got, want := log(), []string{"start " + call, "end " + call + ": " + step.end}; !reflect.DeepEqual(got, want) {
			t.Errorf("%s (error %v):\n got %q\nwant %q", step.op, err, got, want)
		}
		if !strings.HasSuffix(step.end, ", "+fmt.Sprint(err)) {
			t.Errorf("%s: the hook saw %q, the caller %v", step.op, step.end, err)
		}
		if a.ctx.Value(watcherKey{}) == nil {
			t.Errorf("%s: the driver did not get the context of the hook", step.op)
		}
	}
}

// The operations on the whole cache fail as well as the others.
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
	for i, l := range log() {
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
		down, _ := c.DecrementInitial(ctx, "n", 1, 1, 0)
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

// What never reaches the driver is seen as well.
func TestHookSeesRefusals(t *testing.T) {
	c, log := watch(t, open(newStub()))
	c.Set(t.Context(), "a b", []byte("v"), 0)
	c.Close()
	c.Get(t.Context(), "k")
	c.SetMulti(t.Context(), map[string][]byte{"k": nil}, 0)
	got := log()
	if len(got) != 6 || !strings.Contains(got[1], "invalid key") || !strings.HasSuffix(got[3], "cache: closed") || !strings.HasSuffix(got[5], "0 hits, 0 bytes, cache: closed") {
		t.Errorf("the hook saw %q", got)
	}
}

// The hook that came last is outermost, and each gets back its own context.
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

// Two hooks that are the same value do not mix up their contexts.
func TestHookTwice(t *testing.T) {
	var log []string
	w := &watcher{t: t, log: &log}
	open(newStub()).WithHook(w).WithHook(w).Get(t.Context(), "k")
	if len(log) != 4 {
		t.Errorf("the hook saw %q, want two starts and two ends", log)
	}
}

// A view without the hook is not watched, and neither is nil a hook.
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
