//go:build unix

package production_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/load"
)

// An Order is an order in the database, which a page shows.
type Order struct {
	ID    int
	State string
}

// newOrders takes the cache without a prefix. The values have a version. The tags have
// none, so that an invalidation reaches the values of every version.
func newOrders(c *cache.Cache) (*load.Loader[Order], error) {
	return load.New(c.WithPrefix("v2/"), load.Config[Order]{
		Codec:    codec.JSON[Order](),
		TTL:      time.Hour,
		TagCache: c.WithPrefix("tags/"),
	})
}

// get reads an order whose state in the database is the given one.
func get(ctx context.Context, orders *load.Loader[Order], id int, state string) (Order, error) {
	f := func(context.Context, *load.Entry[Order]) (Order, error) { return Order{id, state}, nil }
	return orders.Get(ctx, fmt.Sprintf("order:%d", id), f, fmt.Sprintf("order:%d", id))
}

// An invalidation reaches values of two versions.
func TestTagsOfTwoVersions(t *testing.T) {
	ctx := t.Context()
	c := drivers["gomemcache"](t, []string{memcachedtest.Start(t, "tcp").Addr()})
	current, err := newOrders(c)
	if err != nil {
		t.Fatal(err)
	}
	before, err := load.New(c.WithPrefix("v1/"), load.Config[string]{
		Codec: codec.Text[string](), TagCache: c.WithPrefix("tags/"),
	})
	if err != nil {
		t.Fatal(err)
	}
	read := func(state string) (string, error) {
		return before.Get(ctx, "order:7",
			func(context.Context, *load.Entry[string]) (string, error) { return state, nil }, "order:7")
	}
	for _, state := range []string{"new", "paid", "sent"} {
		for range 2 {
			if o, err := get(ctx, current, 7, state); err != nil || o.State != state {
				t.Fatalf("v2: %v, %v, want %s", o, err, state)
			}
			if got, err := read(state); err != nil || got != state {
				t.Fatalf("v1: %q, %v, want %s", got, err, state)
			}
		}
		if err := current.Invalidate(ctx, "order:7"); err != nil {
			t.Fatal(err)
		}
	}
}

// A server that was restarted has forgotten tags whose items are on another server: those
// items are loaded again. Compare TestRestartForgetsWires.
func TestRestartInvalidatesTags(t *testing.T) {
	ctx := t.Context()
	servers := memcachedtest.StartN(t, 2, "tcp")
	orders, err := newOrders(drivers["gomemcache"](t, memcachedtest.Addrs(servers)))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := get(ctx, orders, i, "new"); err != nil {
			t.Fatal(err)
		}
	}
	servers[1].Restart()
	for i := range 20 {
		err := orders.Invalidate(ctx, fmt.Sprintf("order:%d", i))
		for errors.Is(err, cache.ErrUnavailable) { // a connection from before the restart
			err = orders.Invalidate(ctx, fmt.Sprintf("order:%d", i))
		}
		if err != nil {
			t.Fatal(err)
		}
		if o, err := get(ctx, orders, i, "paid"); err != nil || o.State != "paid" {
			t.Errorf("order %v, error %v; want the state paid", o, err)
		}
	}
}

// While programs move from one list of servers to another, AlsoInvalidate removes from both.
// The generation keeps out what a server held before.
func TestTagsOnChangedLists(t *testing.T) {
	ctx := t.Context()
	addrs := memcachedtest.Addrs(memcachedtest.StartN(t, 2, "tcp"))
	both, one := drivers["gomemcache"](t, addrs), drivers["gomemcache"](t, addrs[:1])
	loader := func(c, other *cache.Cache, generation uint64) *load.Loader[Order] {
		l, err := load.New(c, load.Config[Order]{
			Codec: codec.JSON[Order](), TTL: time.Hour,
			AlsoInvalidate: []*cache.Cache{other}, Generation: generation,
		})
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	before, after := loader(both, one, 1), loader(one, both, 1)
	for i := range 20 {
		for _, state := range []string{"new", "paid"} {
			for _, orders := range []*load.Loader[Order]{before, after} {
				if o, err := get(ctx, orders, i, state); err != nil || o.State != state {
					t.Fatalf("order %v, error %v; want the state %s", o, err, state)
				}
			}
			if err := after.Invalidate(ctx, fmt.Sprintf("order:%d", i)); err != nil {
				t.Fatal(err)
			}
		}
		if o, err := get(ctx, before, i, "old"); err != nil || o.State != "old" {
			t.Fatalf("order %v, error %v; want the state old", o, err)
		}
	}

	back := loader(both, one, 2)
	for i := range 20 {
		if o, err := get(ctx, back, i, "sent"); err != nil || o.State != "sent" {
			t.Errorf("of generation 2: %v, %v", o, err)
		}
	}
}

// calls is a hook that counts the calls of a driver.
type calls struct{ n atomic.Int64 }

func (c *calls) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (c *calls) End(_ context.Context, call cache.Call, _ cache.Result) {
	if call.Within == cache.OpLoad {
		c.n.Add(1)
	}
}

// A hit takes the round trips that the table on tags lists.
func TestRoundTripsOfHit(t *testing.T) {
	ctx := t.Context()
	server := drivers["gomemcache"](t, []string{memcachedtest.Start(t, "tcp").Addr()})
	for _, tt := range []struct {
		name     string
		own      bool // whether the tags have a cache by themselves
		known    []string
		found    string // a tag that the load function adds
		expected int64
	}{
		{name: "no tag", expected: 1},
		{name: "tags of the caller", known: []string{"a", "b"}, expected: 1},
		{name: "a tag found by the load", found: "a", expected: 2},
		{name: "tags elsewhere", own: true, known: []string{"a"}, expected: 2},
	} {
		var count calls
		c := server.WithPrefix(strings.ReplaceAll(tt.name, " ", "-") + "/").WithHook(&count)
		config := load.Config[[]byte]{TTL: time.Hour}
		if tt.own {
			config.TagCache = c.WithPrefix("tags/")
		}
		pages, err := load.New(c, config)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			count.n.Store(0)
			_, err := pages.Get(ctx, "page", func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
				if tt.found != "" {
					return nil, e.Tag(ctx, tt.found)
				}
				return nil, nil
			}, tt.known...)
			if err != nil {
				t.Fatal(err)
			}
			if got := count.n.Load(); i > 0 && got != tt.expected {
				t.Errorf("%s: a hit took %d round trips, want %d", tt.name, got, tt.expected)
			}
		}
	}
}

// A value that does not decode is loaded again.
func TestLoaderAfterUpgrade(t *testing.T) {
	ctx := t.Context()
	c := drivers["gomemcache"](t, []string{memcachedtest.Start(t, "tcp").Addr()})
	old, err := load.New(c, load.Config[string]{Codec: codec.Text[string](), TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, err = old.Get(ctx, "order:7", func(context.Context, *load.Entry[string]) (string, error) { return "7 new", nil })
	if err != nil {
		t.Fatal(err)
	}
	orders, err := load.New(c, load.Config[Order]{Codec: codec.JSON[Order](), TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	want := Order{7, "new"}
	got, err := orders.Get(ctx, "order:7", func(context.Context, *load.Entry[Order]) (Order, error) { return want, nil })
	if err != nil || got != want {
		t.Errorf("order %v, error %v; want the one that was loaded", got, err)
	}
	if n := orders.Stats().Undecodable; n != 1 {
		t.Errorf("%d undecodable values were counted, want 1", n)
	}
}
