package gomemcache_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load"
)

// parts is a hook that keeps the operations that are parts of others.
type parts struct {
	mu  sync.Mutex
	ops []cache.Op
}

func (*parts) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (p *parts) End(_ context.Context, call cache.Call, _ cache.Result) {
	if call.Within != 0 {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ops = append(p.ops, call.Op)
	}
}

func (p *parts) take() []cache.Op {
	p.mu.Lock()
	defer p.mu.Unlock()
	ops := p.ops
	p.ops = nil
	return ops
}

// A hit with known tags is one operation, a miss is three beside the load, and an
// invalidation is one, however many values have the tag.
func TestLoadOperations(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	var seen parts
	c := open(t, gomemcache.Config{Servers: memcachedtest.Addrs(memcachedtest.StartN(t, 1, "unix"))})
	l, err := load.New(c.WithHook(&seen), load.Config[[]byte]{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	get := func(key string) {
		t.Helper()
		if _, err := l.Get(ctx, key, func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("v"), nil }, "a", "b"); err != nil {
			t.Fatal(err)
		}
	}
	is := func(what string, want ...cache.Op) {
		t.Helper()
		if got := seen.take(); !slices.Equal(got, want) {
			t.Errorf("%s: operations %v, want %v", what, got, want)
		}
	}
	get("k")
	is("a miss", cache.OpGetMulti, cache.OpGetOrAddMulti, cache.OpCompareAndSwapMulti)
	get("k")
	is("a hit with known tags", cache.OpGetMulti)
	for _, n := range []int{1, 1000} {
		for i := range n {
			get(fmt.Sprint("k", i))
		}
		seen.take()
		if err := l.Invalidate(ctx, "a"); err != nil {
			t.Fatal(err)
		}
		is(fmt.Sprint("an invalidation of ", n), cache.OpDeleteMulti)
	}
}
