package cache_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

// nearStub implements local.Near with a value for every key. It keeps that of p:kept.
type nearStub struct{}

func (nearStub) Lookup(key string) ([]byte, bool) { return []byte("kept"), key == "p:kept" }

var errNearPing = errors.New("the ping of the near view")

func (nearStub) Get(_ context.Context, key string) ([]byte, error) { return []byte("near " + key), nil }

func (nearStub) GetMulti(_ context.Context, keys []string) (values [][]byte, errs []error) {
	for _, k := range keys {
		values = append(values, []byte("near "+k))
	}
	return values, nil
}
func (nearStub) Ping(context.Context) error { return errNearPing }
func (nearStub) Stats(context.Context) (driver.Stats, error) {
	return driver.Stats{Hits: 17}, nil
}

// Get, GetMulti, Ping and Stats of a near view call its Near, with the prefix, the hook and the
// namespace of the view. All other operations call the driver.
func TestNearView(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	c, log := watch(t, open(s).WithPrefix("p:"))
	v, err := local.NearView(c, func(d driver.Cache) (local.Near, error) {
		if d != driver.Cache(s) {
			t.Error("another driver")
		}
		return nearStub{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	n := v.(*cache.Cache)
	parts, err := cache.Partitioned("a", map[string]*cache.Cache{"a": n})
	if err != nil {
		t.Fatal(err)
	}
	for name, view := range map[string]*cache.Cache{"the view": n, "a view of it": n.WithKind(cache.Text), "a namespace": namespace(t, parts, "a")} {
		b, err := view.Get(ctx, "k")
		many, err2 := view.GetMulti(ctx, []string{"k", "l"})
		want := map[string][]byte{"k": []byte("near p:k"), "l": []byte("near p:l")}
		kept, err3 := view.Get(ctx, "kept")
		if string(kept) != "kept" || err3 != nil {
			t.Errorf("%s: Get of a key that is kept: %q, %v", name, kept, err3)
		}
		if string(b) != "near p:k" || !reflect.DeepEqual(many, want) || err != nil || err2 != nil {
			t.Errorf("%s: Get %q, GetMulti %q, %v, %v", name, b, many, err, err2)
		}
		if st, err := view.Stats(ctx); st.Hits != 17 || err != nil || !errors.Is(view.Ping(ctx), errNearPing) {
			t.Errorf("%s: statistics %+v, %v", name, st, err)
		}
		for _, part := range view.Partitions() {
			if st, err := part.Stats(ctx); st.Hits != 17 || err != nil {
				t.Errorf("the partition of %s: %+v, %v", name, st, err)
			}
		}
		exact := local.Exact(view).(*cache.Cache)
		if err := errors.Join(view.Set(ctx, "k", []byte("v"), 0), exact.Ping(ctx)); err != nil {
			t.Error(err)
		}
		if b, err := exact.Get(ctx, "k"); string(b) != "v" || err != nil {
			t.Errorf("%s, exact: Get: %q, %v", name, b, err)
		}
	}
	if got := log(); len(got) == 0 {
		t.Error("the hook saw nothing")
	}
	if local.Exact(c).(*cache.Cache) != c {
		t.Error("Exact of a cache that is not a near view returns another cache")
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"k", "kept"} {
		if _, err := n.Get(ctx, key); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Get of %s after Close: %v", key, err)
		}
	}
}
