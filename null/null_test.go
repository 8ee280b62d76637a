package null_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/null"
)

func open(*testing.T) *cache.Cache { return null.New(null.Config{}) }

func TestConformance(t *testing.T) {
	cachetest.Run(t, open, cachetest.Options{Synctest: true})
}

// Without a bubble: the cases that wait have nothing to wait for.
func TestConformanceInRealTime(t *testing.T) {
	cachetest.Run(t, open, cachetest.Options{})
}

func TestAllocs(t *testing.T) {
	cachetest.Allocs(t, open, cachetest.Allocations{})
}

// The table in the package documentation, line by line.
func TestBehaviour(t *testing.T) {
	ctx := t.Context()
	c := null.New(null.Config{})
	for _, stored := range []error{
		c.Set(ctx, "k", []byte("1"), 0), c.Add(ctx, "k", nil, 0), c.Replace(ctx, "k", nil, time.Hour),
		c.SetMulti(ctx, map[string][]byte{"k": nil}, 0), c.DeleteMulti(ctx, []string{"k"}), c.Flush(ctx), c.Ping(ctx),
	} {
		if stored != nil {
			t.Errorf("error %v, want none", stored)
		}
	}
	_, get := c.Get(ctx, "k")
	_, item := c.GetItem(ctx, "k")
	_, up := c.Increment(ctx, "k", 1)
	_, down := c.Decrement(ctx, "k", 1)
	for _, missed := range []error{get, item, up, down, c.Delete(ctx, "k"), c.Touch(ctx, "k", 0)} {
		if missed != cache.ErrMiss {
			t.Errorf("error %v, want a miss", missed)
		}
	}
	for range 2 {
		if n, err := c.IncrementFrom(ctx, "k", 2, 5, 0); n != 7 || err != nil {
			t.Errorf("IncrementFrom: %d and error %v, want 7", n, err)
		}
	}
	many, err := c.GetMulti(ctx, []string{"k"})
	items, errItems := c.GetItemMulti(ctx, []string{"k"})
	if len(many) != 0 || err != nil || len(items) != 0 || errItems != nil {
		t.Errorf("GetMulti and GetItemMulti: %v, %v, %v, %v; want nothing", many, err, items, errItems)
	}
	if _, err := c.Stats(ctx); !errors.Is(err, errors.ErrUnsupported) || c.Supports(cache.OpStats) {
		t.Errorf("Stats: error %v", err)
	}
	if !c.Discards() {
		t.Error("it does not say that it discards")
	}
}

func TestDSN(t *testing.T) {
	c, err := cache.Open("null://")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "k", nil, 0); err != nil {
		t.Error(err)
	}
	for source, part := range map[string]string{
		"null://host": "no address", "null:///path": "no address", "null://?size=1": `"size"`,
		"null://?key_encoding=rot13": `"rot13"`, "null://#x": "fragment", "null://u:p@": "password",
	} {
		if _, err := cache.Open(source); err == nil || !strings.Contains(err.Error(), part) || !strings.HasPrefix(err.Error(), "null: ") {
			t.Errorf("Open(%q): error %v, want one of null with %q", source, err, part)
		}
	}
}

func TestDSNIsTheConfig(t *testing.T) {
	for _, source := range []string{"null://", "null://?key_encoding=safe", "null://?key_encoding=sha1,base64"} {
		c, err := null.ParseDSN(source)
		if got := c.FormatDSN(); err != nil || got != source {
			t.Errorf("%q came back as %q, %v", source, got, err)
		}
	}
	c, err := cache.Open("null://?key_encoding=safe")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "a key with blanks", nil, 0); err != nil {
		t.Errorf("an encoded key: %v", err)
	}
}

func Example() {
	ctx := context.Background()
	c := null.New(null.Config{})
	err := c.Set(ctx, "k", []byte("v"), time.Hour)
	fmt.Println(err)
	_, err = c.Get(ctx, "k")
	fmt.Println(err)
	// Output:
	// <nil>
	// cache: miss
}

func BenchmarkNull(b *testing.B) {
	cachetest.Bench(b, func(*testing.B) *cache.Cache { return null.New(null.Config{}) })
}
