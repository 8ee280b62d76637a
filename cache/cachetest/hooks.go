package cachetest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

var hookCases = []test{
	{
		name: "hook/calls",
		rule: "a hook sees start and end of every operation once, with its name, driver, namespace, key, number of keys and error",
		run:  hookCalls, portable: true,
	},
	{
		name: "hook/results",
		rule: "the Result counts what was affected, missed and rejected, and the bytes",
		run:  hookResults, drops: hookCalls, portable: true,
	},
	{
		name: "hook/sums",
		rule: "Affected, Misses, Rejected and Failed of every Result add up to the keys of the call: with absent, invalid and repeated keys, stale and foreign items, and when the whole call fails",
		run:  hookSums, portable: true,
	},
}

// recorder is a hook that keeps what it sees.
type recorder struct {
	mu     sync.Mutex
	starts []cache.Call
	ends   []ending
}

type ending struct {
	call  cache.Call
	r     cache.Result
	own   bool // the context is the one that Start returned
	start int  // the number of calls that had started
}

type recorderKey struct{}

func (r *recorder) Start(ctx context.Context, call cache.Call) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts = append(r.starts, call)
	return context.WithValue(ctx, recorderKey{}, r)
}

func (r *recorder) End(ctx context.Context, call cache.Call, result cache.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, ending{call, result, ctx.Value(recorderKey{}) == any(r), len(r.starts)})
}

// observe does an operation on a view with a hook, and returns the one call that the hook
// saw.
func (s *suite) observe(what string, do func() error) (ending, error) {
	s.t.Helper()
	bare, h := s.c, &recorder{}
	s.c = bare.withHook(h)
	err := do()
	s.c = bare
	if len(h.starts) != 1 || len(h.ends) != 1 {
		s.fatalf("%s: the hook saw %d starts and %d ends, want 1 and 1", what, len(h.starts), len(h.ends))
	}
	end := h.ends[0]
	if end.call != h.starts[0] {
		s.errorf("%s: the hook saw the start of %+v and the end of %+v", what, h.starts[0], end.call)
	}
	if (err == nil) != (end.r.Err == nil) || err != nil && end.r.Err.Error() != err.Error() {
		s.errorf("%s: the hook saw the error %v, the caller %v", what, end.r.Err, err)
	}
	return end, err
}

// sums checks that every key of the call is counted once.
func (s *suite) sums(what string, end ending) {
	s.t.Helper()
	r := end.r
	if min(r.Affected, r.Misses, r.Rejected, r.Failed) < 0 || r.Affected+r.Misses+r.Rejected+r.Failed != end.call.Keys {
		s.errorf("%s: %d affected, %d misses, %d rejected and %d failed of %d keys", what, r.Affected, r.Misses, r.Rejected, r.Failed, end.call.Keys)
	}
}

func hookCalls(s *suite) {
	const name = "users"
	plain := s.c
	if len(s.o.Namespaces) == 0 {
		var err error
		if s.c, err = plain.namespace(name); err != nil {
			s.fatalf("Namespace(%q): %v", name, err)
		}
	}
	for _, c := range calls {
		want := cache.Call{Op: c.op, Keys: 1}
		switch c.op {
		case cache.OpFlush, cache.OpPing, cache.OpStats:
			want.Keys = 0
		case cache.OpGetMulti, cache.OpSetMulti, cache.OpAddMulti, cache.OpReplaceMulti, cache.OpDeleteMulti, cache.OpGetItemMulti,
			cache.OpGetOrAddMulti, cache.OpCompareAndSwapMulti, cache.OpCompareAndDeleteMulti:
		default:
			want.Key = "k"
		}
		end, _ := s.observe(c.name, func() error { return c.do(s, s.ctx, input{key: "k", item: cache.Item{Key: "k"}}) })
		want.Driver, want.Namespace = end.call.Driver, end.call.Namespace
		if end.call != want || want.Driver == "" {
			s.errorf("%s: the hook saw %+v, want %+v with a driver", c.name, end.call, want)
		}
		if len(s.o.Namespaces) == 0 && want.Namespace != name || want.Namespace == "" {
			s.errorf("%s: the hook saw the namespace %q", c.name, want.Namespace)
		}
		if !end.own {
			s.errorf("%s: End did not get the context that Start returned", c.name)
		}
		s.sums(c.name, end)
	}
	s.c = plain
}

func hookResults(s *suite) {
	check := func(what string, do func() error, want cache.Result) {
		s.t.Helper()
		end, _ := s.observe(what, do)
		got := end.r
		if got.Affected != want.Affected || got.Misses != want.Misses || got.Rejected != want.Rejected || got.Failed != want.Failed ||
			got.Bytes != want.Bytes || !errors.Is(got.Err, want.Err) {
			s.errorf("%s: the hook saw %+v, want %+v", what, got, want)
		}
		s.sums(what, end)
	}
	check("Set", func() error { return s.c.Set(s.ctx, "k", []byte("12345"), 0) }, cache.Result{Affected: 1, Bytes: 5})
	check("Get", func() error { _, err := s.c.Get(s.ctx, "k"); return err }, cache.Result{Affected: 1, Bytes: 5})
	check("Get of an absent key", func() error { _, err := s.c.Get(s.ctx, "absent"); return err },
		cache.Result{Misses: 1, Err: cache.ErrMiss})
	check("Add of a present key", func() error { return s.c.Add(s.ctx, "k", []byte("12"), 0) },
		cache.Result{Rejected: 1, Bytes: 2, Err: cache.ErrNotStored})
	check("SetMulti", func() error {
		return s.c.SetMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("22")}, 0)
	}, cache.Result{Affected: 2, Bytes: 3})
	check("Replace", func() error { return s.c.Replace(s.ctx, "b", []byte("22"), 0) }, cache.Result{Affected: 1, Bytes: 2})
	check("ReplaceMulti with an absent key", func() error {
		return s.c.ReplaceMulti(s.ctx, map[string][]byte{"b": []byte("22"), "absent": []byte("1")}, 0)
	}, cache.Result{Affected: 1, Rejected: 1, Bytes: 3, Err: cache.ErrNotStored})
	check("AddMulti with a present key", func() error {
		return s.c.AddMulti(s.ctx, map[string][]byte{"a": []byte("1"), "c": []byte("22")}, 0)
	}, cache.Result{Affected: 1, Rejected: 1, Bytes: 3, Err: cache.ErrNotStored})
	check("GetMulti", func() error {
		_, err := s.c.GetMulti(s.ctx, []string{"k", "a", "absent", "b", "a"})
		return err
	}, cache.Result{Affected: 3, Misses: 1, Bytes: 8})
	check("Increment", func() error { _, err := s.c.Increment(s.ctx, "k", 1); return err }, cache.Result{Affected: 1})
	check("Increment of an absent key", func() error { _, err := s.c.Increment(s.ctx, "absent", 1); return err },
		cache.Result{Misses: 1, Err: cache.ErrMiss})
	check("Delete of an absent key", func() error { return s.c.Delete(s.ctx, "none") }, cache.Result{Misses: 1, Err: cache.ErrMiss})
	check("DeleteMulti", func() error { return s.c.DeleteMulti(s.ctx, []string{"a", "b"}) }, cache.Result{Affected: 2})
	if s.c.Supports(cache.OpTouch) {
		check("GetAndTouch", func() error { _, err := s.c.GetAndTouch(s.ctx, "k", time.Hour); return err }, cache.Result{Affected: 1, Bytes: 5})
		check("Touch of an absent key", func() error { return s.c.Touch(s.ctx, "absent", 0) }, cache.Result{Misses: 1, Err: cache.ErrMiss})
	}
	if !s.c.Supports(cache.OpCompareAndSwap) {
		return
	}
	old := s.item("k")
	check("GetItem", func() error { _, err := s.c.GetItem(s.ctx, "k"); return err }, cache.Result{Affected: 1, Bytes: 5})
	check("GetItemMulti", func() error { _, err := s.c.GetItemMulti(s.ctx, []string{"k", "absent"}); return err },
		cache.Result{Affected: 1, Misses: 1, Bytes: 5})
	check("GetOrAdd", func() error { _, _, err := s.c.GetOrAdd(s.ctx, "new", []byte("22"), 0); return err }, cache.Result{Affected: 1, Bytes: 2})
	check("GetOrAddMulti", func() error {
		_, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{"k": nil, "newer": []byte("22")}, 0)
		return err
	}, cache.Result{Affected: 2, Bytes: 7})
	check("CompareAndSwap", func() error { return s.swap(old, "333") }, cache.Result{Affected: 1, Bytes: 3})
	check("CompareAndSwap of a changed item", func() error { return s.swap(old, "333") },
		cache.Result{Rejected: 1, Bytes: 3, Err: cache.ErrConflict})
	added := s.item("new")
	check("CompareAndSwapMulti", func() error {
		return s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: old, Value: []byte("1")}, {Old: added, Value: []byte("22")}})
	}, cache.Result{Affected: 1, Rejected: 1, Bytes: 3, Err: cache.ErrConflict})
	fresh := s.item("k")
	check("CompareAndDeleteMulti", func() error { return s.c.CompareAndDeleteMulti(s.ctx, []cache.Item{fresh}) }, cache.Result{Affected: 1})
	check("CompareAndDelete of an item that is gone", func() error { return s.c.CompareAndDelete(s.ctx, fresh) },
		cache.Result{Misses: 1, Err: cache.ErrMiss})
}

// hookSums tests each operation on each sort of key and item.
func hookSums(s *suite) {
	done, cancel := context.WithCancel(s.ctx)
	cancel()
	items := s.situation(nil)
	all := func(ctx context.Context, situation string, ttl time.Duration) {
		s.t.Helper()
		for _, c := range calls {
			for _, key := range []string{"present", "absent", "text", "not valid", ""} {
				items = s.situation(items)
				s.sumsOf(c.name+" of "+key+situation, func() error {
					return c.do(s, ctx, input{key: key, ttl: ttl, item: cache.Item{Key: key}})
				})
			}
			for name := range items {
				if itemOps[c.op] && !c.keyed {
					items = s.situation(items)
					s.sumsOf(c.name+" of the item "+name+situation, func() error {
						return c.do(s, ctx, input{ttl: ttl, item: items[name]})
					})
				}
			}
		}
		items = s.sumsOfBatches(ctx, situation, ttl, items)
	}
	all(s.ctx, "", 0)
	all(s.ctx, " with a negative TTL", -1)
	all(done, " with a context that was done", 0)
	s.none(s.c.Close(), "Close")
	all(s.ctx, " after Close", 0)
}

// sumsOf does an operation and checks the sums.
func (s *suite) sumsOf(what string, do func() error) {
	s.t.Helper()
	end, _ := s.observe(what, do)
	s.sums(what, end)
}

// situation stores the keys "present" and "text", removes "absent", and returns items that
// are stale, gone, fresh, or of no cache. If the cache is closed it returns the old ones.
func (s *suite) situation(old map[string]cache.Item) map[string]cache.Item {
	s.t.Helper()
	err := s.c.SetMulti(s.ctx, map[string][]byte{"present": []byte("5"), "text": []byte("text")}, 0)
	if errors.Is(err, cache.ErrClosed) {
		return old
	}
	s.none(err, "SetMulti")
	s.none(s.c.DeleteMulti(s.ctx, []string{"absent"}), "DeleteMulti")
	items := map[string]cache.Item{"foreign": {Key: "foreign"}, "nowhere": {}}
	if s.c.Supports(cache.OpCompareAndSwap) && !s.c.Discards() {
		for _, k := range []string{"stale", "gone", "fresh"} {
			s.set(k, "1")
			items[k] = s.item(k)
		}
		s.set("stale", "2")
		s.none(s.c.Delete(s.ctx, "gone"), "Delete")
	}
	return items
}

// sumsOfBatches does the same for operations on keys of all sorts at once.
func (s *suite) sumsOfBatches(ctx context.Context, situation string, ttl time.Duration, items map[string]cache.Item) map[string]cache.Item {
	s.t.Helper()
	keys := []string{"present", "absent", "not valid", "present", "not valid", "", "absent"}
	values := map[string][]byte{"present": value, "absent": nil, "not valid": value, "": nil}
	for what, do := range map[string]func() error{
		"GetMulti":      func() error { _, err := s.c.GetMulti(ctx, keys); return err },
		"SetMulti":      func() error { return s.c.SetMulti(ctx, values, ttl) },
		"AddMulti":      func() error { return s.c.AddMulti(ctx, values, ttl) },
		"ReplaceMulti":  func() error { return s.c.ReplaceMulti(ctx, values, ttl) },
		"DeleteMulti":   func() error { return s.c.DeleteMulti(ctx, keys) },
		"GetItemMulti":  func() error { _, err := s.c.GetItemMulti(ctx, keys); return err },
		"GetOrAddMulti": func() error { _, _, err := s.c.GetOrAddMulti(ctx, values, ttl); return err },
		"CompareAndSwapMulti": func() error {
			var swaps []cache.Swap
			for range 2 {
				for _, it := range items {
					swaps = append(swaps, cache.Swap{Old: it, Value: value, TTL: ttl})
				}
			}
			return s.c.CompareAndSwapMulti(ctx, swaps)
		},
		"CompareAndDeleteMulti": func() error {
			var old []cache.Item
			for range 2 {
				for _, it := range items {
					old = append(old, it)
				}
			}
			return s.c.CompareAndDeleteMulti(ctx, old)
		},
	} {
		items = s.situation(items)
		s.sumsOf(what+" of keys of all sorts"+situation, do)
	}
	return items
}
