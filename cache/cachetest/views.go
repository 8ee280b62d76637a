package cachetest

import (
	"context"
	"errors"
	"sync"

	"github.com/larder-go/larder/cache"
)

var viewCases = []test{
	{
		name: "view/kind",
		rule: "the kind of a value makes no difference to Go: bytes come back as they were stored, numbers count",
		run:  viewKind,
	},
	{
		name: "view/prefix",
		rule: "a prefix is a part of the key, in every operation, and results name keys without it",
		run:  viewPrefix,
	},
	{
		name: "view/hook",
		rule: "a hook sees start and end of every operation, with its name, number of keys and error",
		run:  viewHook,
	},
	{
		name: "view/outcome",
		rule: "the outcome that a hook sees counts the hits and the bytes",
		run:  viewOutcome, drops: viewHook,
	},
}

func viewKind(s *suite) {
	kinds := []cache.Kind{cache.Bytes, cache.Text, cache.Number}
	for _, kind := range kinds {
		view := s.c.as(kind)
		for key, v := range map[string]string{"number": "42", "text": "текст", "empty": ""} {
			if kind == cache.Number && key != "number" {
				continue
			}
			s.none(view.Set(s.ctx, key, []byte(v), 0), "Set as %v", kind)
			s.has(key, v)
		}
		if s.c.Discards() {
			continue
		}
		s.increment("number", 1, 43)
		s.has("number", "43")
		if s.c.Supports(cache.OpCompareAndSwap) {
			s.none(view.CompareAndSwap(s.ctx, s.item("number"), []byte("7"), 0), "CompareAndSwap as %v", kind)
			s.has("number", "7")
		}
		s.none(view.SetMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, 0), "SetMulti as %v", kind)
		s.hasMulti([]string{"a", "b"}, map[string]string{"a": "1", "b": "2"})
	}
}

func viewPrefix(s *suite) {
	view := s.c.withPrefix("p:").withPrefix("q:")
	s.set("k", "plain")
	s.none(view.Set(s.ctx, "k", []byte("1"), 0), "Set")
	s.has("k", "plain")
	s.has("p:q:k", "1")
	s.none(view.SetMulti(s.ctx, map[string][]byte{"a": []byte("2"), "b": []byte("3")}, 0), "SetMulti")
	s.hasMulti([]string{"p:q:a", "p:q:b", "a", "b"}, map[string]string{"p:q:a": "2", "p:q:b": "3"})
	got, err := view.GetMulti(s.ctx, []string{"k", "a", "b", "absent"})
	s.none(err, "GetMulti")
	s.sameValues("GetMulti with a prefix", got, map[string]string{"k": "1", "a": "2", "b": "3"})
	if s.c.Discards() {
		return
	}
	n, err := view.Increment(s.ctx, "a", 1)
	s.counted(n, err, 3, "Increment")
	s.is(view.Add(s.ctx, "a", value, 0), cache.ErrNotStored, "Add of a present key")
	s.failedFor(view.AddMulti(s.ctx, map[string][]byte{"a": value, "c": value}, 0), cache.OpAddMulti,
		map[string]error{"a": cache.ErrNotStored}, "AddMulti with a prefix")
	if s.c.Supports(cache.OpCompareAndSwap) {
		items, err := view.GetItemMulti(s.ctx, []string{"b", "absent"})
		s.none(err, "GetItemMulti")
		s.sameValues("GetItemMulti with a prefix", itemValues(items), map[string]string{"b": "3"})
		s.none(s.c.CompareAndSwap(s.ctx, items["b"], []byte("4"), 0), "CompareAndSwap in another view of the cache")
		s.has("p:q:b", "4")
	}
	s.none(view.Delete(s.ctx, "k"), "Delete")
	s.none(view.DeleteMulti(s.ctx, []string{"a", "b", "c"}), "DeleteMulti")
	s.hasMulti([]string{"k", "p:q:k", "p:q:a", "p:q:b", "p:q:c"}, map[string]string{"k": "plain"})
	s.none(view.Flush(s.ctx), "Flush")
	s.misses("k")
}

// recorder is a hook that keeps what it sees.
type recorder struct {
	mu     sync.Mutex
	starts []cache.Call
	ends   []ending
}

type ending struct {
	o     cache.Call
	r     cache.Result
	own   bool // the context is the one that Start returned
	start int  // how many calls had started
}

type recorderKey struct{}

func (r *recorder) Start(ctx context.Context, o cache.Call) context.Context {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.starts = append(r.starts, o)
	return context.WithValue(ctx, recorderKey{}, r)
}

func (r *recorder) End(ctx context.Context, o cache.Call, out cache.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ends = append(r.ends, ending{o, out, ctx.Value(recorderKey{}) == any(r), len(r.starts)})
}

func viewHook(s *suite) {
	bare := s.c
	for _, c := range calls {
		h := &recorder{}
		s.c = bare.withHook(h)
		err := c.do(s, s.ctx, input{key: "k"})
		s.c = bare
		if len(h.starts) != 1 || len(h.ends) != 1 {
			s.errorf("%s: the hook saw %d starts and %d ends, want 1 and 1", c.name, len(h.starts), len(h.ends))
			continue
		}
		keys := 0
		switch c.op {
		case cache.OpCompareAndSwap, cache.OpCompareAndSwapMulti, cache.OpCompareAndDelete, cache.OpCompareAndDeleteMulti:
			keys = 1
		default:
			if c.keyed {
				keys = 1
			}
		}
		end := h.ends[0]
		if end.o != h.starts[0] || end.o.Op != c.op || end.o.Keys != keys || end.o.Driver == "" {
			s.errorf("%s: the hook saw %+v and %+v, want %v on %d keys", c.name, h.starts[0], end.o, c.op, keys)
		}
		if !end.own {
			s.errorf("%s: End did not get the context that Start returned", c.name)
		}
		if (err == nil) != (end.r.Err == nil) || err != nil && !errors.Is(end.r.Err, err) && end.r.Err.Error() != err.Error() {
			s.errorf("%s: the hook saw the error %v, the caller %v", c.name, end.r.Err, err)
		}
	}
}

func viewOutcome(s *suite) {
	h := &recorder{}
	view := s.c.withHook(h)
	check := func(what string, want cache.Result) {
		s.t.Helper()
		end := h.ends[len(h.ends)-1]
		got := end.r
		if got.Affected != want.Affected || got.Misses != want.Misses || got.Rejected != want.Rejected || got.Failed != want.Failed ||
			got.Bytes != want.Bytes || !errors.Is(got.Err, want.Err) {
			s.errorf("%s: the hook saw %+v, want %+v", what, got, want)
		}
		if sum := got.Affected + got.Misses + got.Rejected + got.Failed; sum != end.o.Keys {
			s.errorf("%s: the counts add up to %d of %d keys", what, sum, end.o.Keys)
		}
	}
	view.Set(s.ctx, "k", []byte("12345"), 0)
	check("Set", cache.Result{Affected: 1, Bytes: 5})
	view.Get(s.ctx, "k")
	check("Get", cache.Result{Affected: 1, Bytes: 5})
	view.Get(s.ctx, "absent")
	check("Get of an absent key", cache.Result{Misses: 1, Err: cache.ErrMiss})
	view.Add(s.ctx, "k", []byte("12"), 0)
	check("Add of a present key", cache.Result{Rejected: 1, Bytes: 2, Err: cache.ErrNotStored})
	view.SetMulti(s.ctx, map[string][]byte{"a": []byte("1"), "b": []byte("22")}, 0)
	check("SetMulti", cache.Result{Affected: 2, Bytes: 3})
	view.AddMulti(s.ctx, map[string][]byte{"a": []byte("1"), "c": []byte("22")}, 0)
	check("AddMulti with a present key", cache.Result{Affected: 1, Rejected: 1, Bytes: 3, Err: cache.ErrNotStored})
	view.GetMulti(s.ctx, []string{"k", "a", "absent", "b", "a"})
	check("GetMulti", cache.Result{Affected: 3, Misses: 1, Bytes: 8})
	view.Increment(s.ctx, "k", 1)
	check("Increment", cache.Result{Affected: 1})
	view.Increment(s.ctx, "absent", 1)
	check("Increment of an absent key", cache.Result{Misses: 1, Err: cache.ErrMiss})
	view.Delete(s.ctx, "none")
	check("Delete of an absent key", cache.Result{Misses: 1, Err: cache.ErrMiss})
	view.DeleteMulti(s.ctx, []string{"a", "b"})
	check("DeleteMulti", cache.Result{Affected: 2})
	if !s.c.Supports(cache.OpCompareAndDeleteMulti) {
		return
	}
	old := []cache.Item{s.item("k")}
	view.CompareAndDeleteMulti(s.ctx, old)
	check("CompareAndDeleteMulti", cache.Result{Affected: 1})
	s.set("k", "1")
	view.CompareAndDeleteMulti(s.ctx, old)
	check("CompareAndDeleteMulti of a changed item", cache.Result{Rejected: 1, Err: cache.ErrConflict})
}
