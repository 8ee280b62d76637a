package cache_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// BenchmarkHookShape compares the shape of Hook, whose End is passed the call and the
// context of Start ("context"), with the alternative, whose Start returns the function that
// ends the call ("function"). The hooks count, or put a span into the context, or are one
// of each. A hook that counts can make its functions beforehand ("prepared"), if they need
// to know nothing of the call.
func BenchmarkHookShape(b *testing.B) {
	ctx := context.Background()
	plain := open(&weightless{[]byte("value")})
	count, trace := &counting{}, tracing{}
	prepared := &prepared{}
	prepared.end = func(r cache.Result) { prepared.count(cache.OpGet, &r) }
	function := func(h endHook) func(context.Context, string) ([]byte, error) {
		return (&endHooked{plain, h}).Get
	}
	for _, bench := range []struct {
		name string
		get  func(context.Context, string) ([]byte, error)
	}{
		{"none", plain.Get},
		{"count/context", plain.WithHook(count).Get},
		{"count/function", function(count)},
		{"count/prepared", function(prepared)},
		{"trace/context", plain.WithHook(trace).Get},
		{"trace/function", function(trace)},
		{"both/context", plain.WithHook(trace).WithHook(count).Get},
		{"both/function", function(endHooks{count, trace})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.get(ctx, "k")
			}
		})
	}
}

// endHook is the alternative to Hook.
type endHook interface {
	StartEnd(ctx context.Context, call cache.Call) (context.Context, func(cache.Result))
}

// endHooked calls an endHook as Cache.Get calls a Hook.
type endHooked struct {
	bare *cache.Cache
	hook endHook
}

type endHookWithin struct{}

var endHookEpoch = time.Now()

func (c *endHooked) Get(ctx context.Context, key string) ([]byte, error) {
	call := cache.Call{Op: cache.OpGet, Key: key, Keys: 1, Driver: c.bare.Driver()}
	call.Within, _ = ctx.Value(endHookWithin{}).(cache.Op)
	ctx, end := c.hook.StartEnd(ctx, call)
	began := time.Since(endHookEpoch)
	v, err := c.bare.Get(ctx, key)
	r := cache.Result{Bytes: len(v), Err: err}
	switch {
	case err == nil:
		r.Affected++
	case errors.Is(err, cache.ErrMiss):
		r.Misses++
	default:
		r.Failed++
	}
	r.Duration = time.Since(endHookEpoch) - began
	end(r)
	return v, err
}

// endHooks joins two hooks.
type endHooks struct{ outer, inner endHook }

func (p endHooks) StartEnd(ctx context.Context, call cache.Call) (context.Context, func(cache.Result)) {
	ctx, outer := p.outer.StartEnd(ctx, call)
	ctx, inner := p.inner.StartEnd(ctx, call)
	return ctx, func(r cache.Result) {
		inner(r)
		outer(r)
	}
}

// counting counts by operation.
type counting struct {
	keys, nanos [64]atomic.Int64
}

func (h *counting) count(op cache.Op, r *cache.Result) {
	h.keys[op].Add(int64(r.Affected))
	h.nanos[op].Add(int64(r.Duration))
}

func (h *counting) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (h *counting) End(_ context.Context, call cache.Call, r cache.Result) { h.count(call.Op, &r) }

func (h *counting) StartEnd(ctx context.Context, call cache.Call) (context.Context, func(cache.Result)) {
	op := call.Op
	return ctx, func(r cache.Result) { h.count(op, &r) }
}

// prepared counts with a function that was made beforehand.
type prepared struct {
	counting
	end func(cache.Result)
}

func (h *prepared) StartEnd(ctx context.Context, _ cache.Call) (context.Context, func(cache.Result)) {
	return ctx, h.end
}

// tracing puts a span into the context, where the operations of the driver find it.
type tracing struct{}

type benchSpan struct {
	op    cache.Op
	found int
}

type benchSpanKey struct{}

func (tracing) Start(ctx context.Context, call cache.Call) context.Context {
	return context.WithValue(ctx, benchSpanKey{}, &benchSpan{op: call.Op})
}

func (tracing) End(ctx context.Context, _ cache.Call, r cache.Result) {
	ctx.Value(benchSpanKey{}).(*benchSpan).found = r.Affected
}

func (tracing) StartEnd(ctx context.Context, call cache.Call) (context.Context, func(cache.Result)) {
	s := &benchSpan{op: call.Op}
	return context.WithValue(ctx, benchSpanKey{}, s), func(r cache.Result) { s.found = r.Affected }
}
