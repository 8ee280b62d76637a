package cache_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

func TestItem(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	c := cache.New(a, cache.Options{Name: "stub", KeyEncoding: encoding.Base64()})
	if err := c.Set(ctx, "my key", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	it, err := c.GetItem(ctx, "my key")
	if err != nil || it.Key != "my key" || string(it.Value) != "1" {
		t.Fatalf("GetItem: %+v and error %v", it, err)
	}
	a.calls()
	// The key is sent as it was encoded when it was read.
	if err := c.CompareAndSwap(ctx, it, []byte("2"), 0); err != nil {
		t.Error(err)
	}
	if err := c.CompareAndSwap(ctx, it, []byte("3"), 0); err != cache.ErrConflict {
		t.Errorf("CompareAndSwap of a changed item: %v", err)
	}
	if err := c.CompareAndDelete(ctx, it); err != cache.ErrConflict {
		t.Errorf("CompareAndDelete of a changed item: %v", err)
	}
	if got, want := a.calls(), "swap bXkga2V5, swap bXkga2V5, swap-delete bXkga2V5"; got != want {
		t.Errorf("the driver did %q, want %q", got, want)
	}
}

// An item of another cache, or of none, has no state to compare with. It is rejected before
// anything is sent.
func TestForeignItems(t *testing.T) {
	ctx := t.Context()
	other := open(&able{stub: newStub()})
	if err := other.Set(ctx, "k", []byte("1"), 0); err != nil {
		t.Fatal(err)
	}
	foreign, err := other.GetItem(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	a := &able{stub: newStub()}
	a.items["k"] = "1"
	c := open(a)
	for name, it := range map[string]cache.Item{"foreign": foreign, "zero": {}, "made up": {Key: "k", Value: []byte("1")}} {
		err := c.CompareAndSwap(ctx, it, []byte("2"), 0)
		if err == nil || !strings.Contains(err.Error(), "not read from this cache") {
			t.Errorf("CompareAndSwap of a %s item: %v", name, err)
		}
		if err := c.CompareAndDelete(ctx, it); err == nil {
			t.Errorf("CompareAndDelete of a %s item: no error", name)
		}
	}
	if got := a.calls(); got != "" {
		t.Errorf("the driver did %q, want nothing", got)
	}
	// An item may be used in every view of its cache.
	it, err := c.GetItem(ctx, "k")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.WithPrefix("p:").WithKind(cache.Text).CompareAndSwap(ctx, it, []byte("2"), 0); err != nil || a.items["k"] != "2" {
		t.Errorf("CompareAndSwap in a view: %v, and the value is %q", err, a.items["k"])
	}
}

func TestCompareAndSwapChecksTheTTL(t *testing.T) {
	a := &able{stub: newStub()}
	a.items["k"] = "1"
	c := open(a)
	it, err := c.GetItem(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	a.calls()
	if err := c.CompareAndSwap(t.Context(), it, nil, -time.Second); !errors.Is(err, cache.ErrInvalidTTL) {
		t.Errorf("a negative TTL: %v", err)
	}
	if got := a.calls(); got != "" {
		t.Errorf("the driver did %q, want nothing", got)
	}
}

// A swap keeps the kind of the item, unless the view has one.
func TestSwapKeepsTheKind(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	c := open(a)
	for _, v := range []struct{ stored, view, want cache.Kind }{
		{cache.Bytes, cache.Bytes, cache.Bytes},
		{cache.Number, cache.Bytes, cache.Number},
		{cache.Number, cache.Text, cache.Text},
		{cache.Bytes, cache.Number, cache.Number},
	} {
		if err := c.WithKind(v.stored).Set(ctx, "k", []byte("1"), 0); err != nil {
			t.Fatal(err)
		}
		it, err := c.GetItem(ctx, "k")
		if err != nil || it.Kind != v.stored {
			t.Fatalf("GetItem: kind %v and error %v, want %v", it.Kind, err, v.stored)
		}
		if err := c.WithKind(v.view).CompareAndSwap(ctx, it, []byte("2"), 0); err != nil {
			t.Fatal(err)
		}
		if a.kinds["k"] != v.want {
			t.Errorf("%v swapped in a view of %v: %v, want %v", v.stored, v.view, a.kinds["k"], v.want)
		}
	}
}

// The error of an unsupported operation names driver and operation.
func TestUnsupported(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	s.items["k"] = "1"
	c := open(s)
	for op, err := range map[cache.Op]error{
		cache.OpGetItem:               last(c.GetItem(ctx, "k")),
		cache.OpGetItemMulti:          last(c.GetItemMulti(ctx, []string{"k"})),
		cache.OpCompareAndSwap:        c.CompareAndSwap(ctx, cache.Item{}, nil, 0),
		cache.OpCompareAndDelete:      c.CompareAndDelete(ctx, cache.Item{}),
		cache.OpCompareAndDeleteMulti: c.CompareAndDeleteMulti(ctx, []cache.Item{{}}),
		cache.OpTouch:                 c.Touch(ctx, "k", 0),
		cache.OpStats:                 last(c.Stats(ctx)),
	} {
		var e *cache.Error
		if !errors.Is(err, errors.ErrUnsupported) || !errors.As(err, &e) || e.Driver != "stub" || e.Op != op {
			t.Errorf("%v: error %v, want ErrUnsupported with driver and operation", op, err)
		}
	}
	if got := s.calls(); got != "" {
		t.Errorf("the driver did %q, want nothing", got)
	}
}

// last returns the error of a call with a result.
func last[T any](_ T, err error) error { return err }

func TestSupports(t *testing.T) {
	required, all := open(newStub()), open(&able{stub: newStub()})
	optional := map[cache.Op]bool{
		cache.OpGetItem: true, cache.OpGetItemMulti: true, cache.OpGetOrAdd: true, cache.OpGetOrAddMulti: true,
		cache.OpCompareAndSwap: true, cache.OpCompareAndSwapMulti: true, cache.OpCompareAndDelete: true, cache.OpCompareAndDeleteMulti: true,
		cache.OpTouch: true, cache.OpGetAndTouch: true, cache.OpStats: true,
		cache.OpDependencyKeys: true, cache.OpDependencyAdd: true, cache.OpDependencyDelete: true,
		cache.OpLoad: true, cache.OpLoadMulti: true, cache.OpRefresh: true, cache.OpInvalidate: true,
	}
	for _, op := range driver.Ops() {
		if required.Supports(op) == optional[op] || !all.Supports(op) {
			t.Errorf("%v: %v with the required operations, %v with all", op, required.Supports(op), all.Supports(op))
		}
		if op.String() == "unknown" || op.String() == "" {
			t.Errorf("operation %d has no name", op)
		}
	}
	if beyond := cache.OpInvalidate + 1; all.Supports(beyond) || beyond.String() != "unknown" {
		t.Errorf("an operation after the last has the name %v", beyond)
	}
	if none := cache.Op(0); all.Supports(none) || none.String() != "" {
		t.Errorf("the zero Op has the name %q, and Supports is %v", none, all.Supports(none))
	}
}

// swapper is a driver that can swap and has no batches.
type swapper struct {
	driver.Cache
	driver.Swapper
}

// Without a BatchSwapper, GetItemMulti calls GetItem for each key.
func TestGetItemMultiFallsBack(t *testing.T) {
	a := &able{stub: newStub()}
	a.items["a"] = "1"
	a.fail["b"] = errDown
	c := open(swapper{a, a})
	items, err := c.GetItemMulti(t.Context(), []string{"a", "absent", "b"})
	failures(t, err, cache.OpGetItemMulti, map[string]error{"b": cache.ErrUnavailable})
	if len(items) != 1 || items["a"].Key != "a" || string(items["a"].Value) != "1" {
		t.Errorf("items: %v, want a", items)
	}
	if got, want := a.calls(), "get-item a, get-item absent, get-item b"; got != want {
		t.Errorf("the driver did %q, want %q", got, want)
	}
	if err := c.CompareAndSwap(t.Context(), items["a"], []byte("2"), 0); err != nil || a.items["a"] != "2" {
		t.Errorf("CompareAndSwap: %v, and the value is %q", err, a.items["a"])
	}
}
