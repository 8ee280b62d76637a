package load_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

// recorder is a hook that keeps what the program itself called.
type recorder struct {
	mu      sync.Mutex
	calls   []cache.Call
	results []cache.Result
}

func (r *recorder) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (r *recorder) End(_ context.Context, call cache.Call, result cache.Result) {
	if call.Within != 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls, r.results = append(r.calls, call), append(r.results, result)
}

// last returns the last call, and forgets all of them.
func (r *recorder) last(t *testing.T, want int) (cache.Call, cache.Result) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.calls) != want {
		t.Fatalf("a hook sees %d calls, want %d: %+v", len(r.calls), want, r.calls)
	}
	call, result := r.calls[want-1], r.results[want-1]
	r.calls, r.results = nil, nil
	return call, result
}

// A hook sees one call for each Get, refresh and invalidation, with what became of it.
func TestHook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		var hook recorder
		l := newLoader(t, newMemory(t).WithHook(&hook), load.Config[[]byte]{TTL: time.Hour, RefreshAfter: time.Minute})
		broken := errors.New("broken")
		var fail error
		get := func() error {
			_, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				time.Sleep(time.Second)
				return []byte("v"), fail
			}, "tag")
			return err
		}
		fail = broken
		if err := get(); !errors.Is(err, broken) {
			t.Fatalf("Get: %v, want the error of the load", err)
		}
		call, r := hook.last(t, 1)
		if call.Op != cache.OpLoad || call.Key != "k" || r.Failed != 1 || !errors.Is(r.Err, broken) {
			t.Errorf("a load that failed: %+v, %+v", call, r)
		}
		fail = nil
		for _, want := range []cache.Result{{Misses: 1, Loaded: 1, LoadTime: time.Second}, {Affected: 1}} {
			if err := get(); err != nil {
				t.Fatal(err)
			}
			call, r = hook.last(t, 1)
			if call.Op != cache.OpLoad || r.Misses != want.Misses || r.Loaded != want.Loaded || r.LoadTime != want.LoadTime || r.Affected != want.Affected {
				t.Errorf("the hook saw %+v and %+v; want %+v", call, r, want)
			}
		}
		time.Sleep(2 * time.Minute)
		if err := get(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		call, r = hook.last(t, 2)
		if call.Op != cache.OpRefresh || call.Key != "k" || r.Affected != 1 || r.Loaded != 1 || r.LoadTime != time.Second || r.Err != nil {
			t.Errorf("a refresh: %+v, %+v", call, r)
		}
		if err := l.Invalidate(ctx, "tag"); err != nil {
			t.Fatal(err)
		}
		call, r = hook.last(t, 1)
		if call.Op != cache.OpInvalidate || call.Key != "tag" || r.Affected != 1 {
			t.Errorf("an invalidation: %+v, %+v", call, r)
		}
	})
}
