package null_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/null"
)

func open(*testing.T) *cache.Cache { return null.New(null.Config{}) }

func TestConformance(t *testing.T) {
	cachetest.Run(t, open, cachetest.Options{Synctest: true})
}

// Outside a bubble too, the cases that wait have nothing to wait for.
func TestConformanceInRealTime(t *testing.T) {
	cachetest.Run(t, open, cachetest.Options{DriverOnly: true})
}

func TestConformanceEncoded(t *testing.T) {
	cachetest.Run(t, func(*testing.T) *cache.Cache { return null.New(null.Config{KeyEncoding: encoding.Safe()}) },
		cachetest.Options{Synctest: true, KeyEncoding: encoding.Safe()})
}

func TestAllocs(t *testing.T) {
	cachetest.Allocs(t, open, cachetest.Allocations{})
}

// The table in the package comment, line by line.
func TestAbilities(t *testing.T) {
	ctx := t.Context()
	c := null.New(null.Config{})
	values := map[string][]byte{"k": []byte("1"), "j": nil}
	for name, err := range map[string]error{
		"Set":          c.Set(ctx, "k", []byte("1"), 0),
		"Add":          c.Add(ctx, "k", nil, 0),
		"Replace":      c.Replace(ctx, "k", nil, time.Hour),
		"SetMulti":     c.SetMulti(ctx, values, 0),
		"AddMulti":     c.AddMulti(ctx, values, 0),
		"ReplaceMulti": c.ReplaceMulti(ctx, values, 0),
		"DeleteMulti":  c.DeleteMulti(ctx, []string{"k"}),
		"Flush":        c.Flush(ctx),
		"Ping":         c.Ping(ctx),
	} {
		if err != nil {
			t.Errorf("%s: error %v, want none", name, err)
		}
	}
	_, get := c.Get(ctx, "k")
	_, item := c.GetItem(ctx, "k")
	_, touched := c.GetAndTouch(ctx, "k", 0)
	_, up := c.Increment(ctx, "k", 1)
	_, down := c.Decrement(ctx, "k", 1)
	_, added, getOrAdd := c.GetOrAdd(ctx, "k", nil, 0)
	for name, err := range map[string]error{
		"Get": get, "GetItem": item, "GetAndTouch": touched, "Increment": up, "Decrement": down, "GetOrAdd": getOrAdd,
		"Delete": c.Delete(ctx, "k"), "Touch": c.Touch(ctx, "k", 0),
	} {
		if err != cache.ErrMiss {
			t.Errorf("%s: error %v, want ErrMiss", name, err)
		}
	}
	_, set, getOrAddMulti := c.GetOrAddMulti(ctx, values, 0)
	if !added || len(set) != 2 || !errors.Is(getOrAddMulti, cache.ErrMiss) {
		t.Errorf("GetOrAdd and GetOrAddMulti: added %v and %v, error %v; want all added", added, set, getOrAddMulti)
	}
	for range 2 {
		if n, err := c.IncrementFrom(ctx, "k", 2, 5, 0); n != 7 || err != nil {
			t.Errorf("IncrementFrom: %d and error %v, want 7", n, err)
		}
		if n, err := c.DecrementFrom(ctx, "k", 2, 5, 0); n != 3 || err != nil {
			t.Errorf("DecrementFrom: %d and error %v, want 3", n, err)
		}
	}
	many, err := c.GetMulti(ctx, []string{"k"})
	items, errItems := c.GetItemMulti(ctx, []string{"k"})
	if many == nil || len(many) != 0 || err != nil || items == nil || len(items) != 0 || errItems != nil {
		t.Errorf("GetMulti and GetItemMulti: %v, %v, %v and %v; want empty maps", many, err, items, errItems)
	}
	if _, err := c.Stats(ctx); !errors.Is(err, errors.ErrUnsupported) || c.Supports(cache.OpStats) {
		t.Errorf("Stats: error %v, want ErrUnsupported", err)
	}
	if !c.Discards() {
		t.Error("Discards returned false")
	}
}

var dsnTest = cachetest.DSNTest[null.Config]{
	Scheme: "null",
	Parse:  null.ParseDSN,
	Format: null.Config.FormatDSN,
	New:    func(c null.Config) (*cache.Cache, error) { return null.New(c), nil },
	Examples: []null.Config{
		{},
		{KeyEncoding: encoding.Safe()},
		{KeyEncoding: encoding.Compose(encoding.Safe(), encoding.Base64())},
	},
	Invalid: map[string]string{
		"null://host": "no address", "null:///path": "no address", "null://?size=1": `"size"`,
		"null://?key_encoding=rot13": `"rot13"`, "null://#x": "fragment", "null://u:p@": "password",
	},
}

func TestDSN(t *testing.T) { dsnTest.Run(t) }

func FuzzDSN(f *testing.F) { dsnTest.Fuzz(f) }

// The encoding of a DSN is applied to keys.
func TestDSNEncoding(t *testing.T) {
	c, err := cache.Open("null://?key_encoding=safe")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Set(t.Context(), "a key with spaces", nil, 0); err != nil {
		t.Errorf("Set of a key that is valid when it is encoded: %v", err)
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
