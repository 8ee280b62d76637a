package cache_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/memory"
)

// example opens the cache of the examples.
func example() *cache.Cache {
	c, err := cache.Open("memory://")
	if err != nil {
		panic(err)
	}
	return c
}

// Open a cache from a string, and use it the same way wherever the data lives.
func Example() {
	ctx := context.Background()
	c, err := cache.Open("memory://")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	if err := c.Set(ctx, "user:1", []byte("Ada"), 10*time.Minute); err != nil {
		fmt.Println(err)
	}
	name, err := c.Get(ctx, "user:1")
	fmt.Printf("%s %v\n", name, err)

	_, err = c.Get(ctx, "user:2")
	fmt.Println(errors.Is(err, cache.ErrMiss))
	// Output:
	// Ada <nil>
	// true
}

func ExampleOpen() {
	_, err := cache.Open("memory://?buckets=many")
	fmt.Println(err)
	c, err := cache.Open("memory://?key_encoding=safe")
	fmt.Println(c != nil, err)
	// Output:
	// memory: dsn: parameter buckets: "many" must be a whole number of 1 or more
	// true <nil>
}

func ExampleCache_GetMulti() {
	ctx := context.Background()
	c := example()
	defer c.Close()
	if err := c.SetMulti(ctx, map[string][]byte{"a": []byte("1"), "b": []byte("2")}, time.Hour); err != nil {
		fmt.Println(err)
	}
	values, err := c.GetMulti(ctx, []string{"a", "b", "absent"})
	for _, k := range slices.Sorted(maps.Keys(values)) {
		fmt.Printf("%s=%s\n", k, values[k])
	}
	fmt.Println(err)
	// Output:
	// a=1
	// b=2
	// <nil>
}

// A batch does what it can. A MultiError names the other keys.
func ExampleMultiError() {
	ctx := context.Background()
	c := example()
	defer c.Close()
	err := c.AddMulti(ctx, map[string][]byte{"a": []byte("1")}, 0)
	fmt.Println(err)
	err = c.AddMulti(ctx, map[string][]byte{"a": []byte("2"), "b": []byte("3"), "not valid": nil}, 0)
	var m *cache.MultiError
	if errors.As(err, &m) {
		for _, key := range m.Keys() {
			fmt.Println(key, errors.Is(m.Errors[key], cache.ErrNotStored), errors.Is(m.Errors[key], cache.ErrInvalidKey))
		}
	}
	// Output:
	// <nil>
	// a true false
	// not valid false true
}

func ExampleCache_IncrementFrom() {
	ctx := context.Background()
	c := example()
	defer c.Close()
	for range 3 {
		n, err := c.IncrementFrom(ctx, "visits", 1, 0, 24*time.Hour)
		fmt.Println(n, err)
	}
	v, _ := c.Get(ctx, "visits")
	fmt.Printf("%s\n", v)
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 3 <nil>
	// 3
}

// Change a value if it has not changed since it was read.
func ExampleCache_CompareAndSwap() {
	ctx := context.Background()
	c := example()
	defer c.Close()
	if err := c.Set(ctx, "cart", []byte("apple"), 0); err != nil {
		fmt.Println(err)
	}
	for {
		item, err := c.GetItem(ctx, "cart")
		if err != nil {
			fmt.Println(err)
			return
		}
		longer := append(slices.Clone(item.Value), ", pear"...)
		err = c.CompareAndSwap(ctx, item, longer, 0)
		if errors.Is(err, cache.ErrConflict) {
			continue // read it again
		}
		fmt.Println(string(longer), err)
		return
	}
	// Output: apple, pear <nil>
}

func ExampleCache_WithPrefix() {
	ctx := context.Background()
	c := example()
	defer c.Close()
	users := c.WithPrefix("user:")
	if err := users.Set(ctx, "1", []byte("Ada"), 0); err != nil {
		fmt.Println(err)
	}
	v, _ := c.Get(ctx, "user:1")
	fmt.Printf("%s\n", v)
	// Output: Ada
}

// hitRatio is a hook that counts the hits and misses of reads.
type hitRatio struct{ hits, misses atomic.Int64 }

func (*hitRatio) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }

func (h *hitRatio) End(_ context.Context, call cache.Call, r cache.Result) {
	if call.Within != 0 {
		return // a part of a load, which is reported as a whole
	}
	switch call.Op {
	case cache.OpGet, cache.OpGetMulti, cache.OpGetItem, cache.OpGetItemMulti, cache.OpGetAndTouch, cache.OpLoad, cache.OpLoadMulti:
		h.hits.Add(int64(r.Affected))
		h.misses.Add(int64(r.Misses))
	}
}

func ExampleHook() {
	ctx := context.Background()
	watched := &hitRatio{}
	c := example().WithHook(watched)
	defer c.Close()
	c.Set(ctx, "a", []byte("1"), 0)
	c.GetMulti(ctx, []string{"a", "b", "c"})
	fmt.Println(watched.hits.Load(), "hits,", watched.misses.Load(), "misses")
	// Output: 1 hits, 2 misses
}

// The program names namespaces and does not know how many caches there are.
func ExamplePartitioned() {
	ctx := context.Background()
	c, err := cache.Partitioned("default", map[string]*cache.Cache{"default": example(), "users": example()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	users, err := c.Namespace("users")
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := users.Set(ctx, "1", []byte("Ada"), 0); err != nil {
		fmt.Println(err)
	}
	_, err = c.Get(ctx, "1")
	fmt.Println(err)
	_, err = c.Namespace("sessions")
	fmt.Println(err)
	// Output:
	// cache: miss
	// cache: unknown namespace "sessions"; known namespaces: "default", "users"
}
