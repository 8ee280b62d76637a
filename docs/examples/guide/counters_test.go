package guide_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

func Example_counters() {
	run(func(ctx context.Context, c *cache.Cache) error {
		visits, err := c.IncrementFrom(ctx, "visits", 1, 0, 24*time.Hour)
		if err != nil {
			return err
		}
		fmt.Println("visit number", visits)

		// At most 3 requests a minute from one address: the TTL is that of the
		// first request, and later ones do not prolong it.
		for range 4 {
			n, err := c.IncrementFrom(ctx, "requests:10.0.0.7", 1, 0, time.Minute)
			if err != nil {
				return err
			}
			if n > 3 {
				fmt.Println("slow down")
			}
		}

		_, err = c.Decrement(ctx, "seats", 1)
		if errors.Is(err, cache.ErrMiss) {
			fmt.Println("nobody counts the seats")
		}
		return nil
	})
	// Output:
	// visit number 1
	// slow down
	// nobody counts the seats
}

func Example_compareAndSwap() {
	run(func(ctx context.Context, c *cache.Cache) error {
		if err := c.Set(ctx, "cart:5", []byte("apple"), 0); err != nil {
			return err
		}
		if err := appendTo(ctx, c, "cart:5", []byte(",pear")); err != nil {
			return err
		}
		cart, err := c.Get(ctx, "cart:5")
		fmt.Printf("%s\n", cart)
		return err
	})
	// Output: apple,pear
}

// appendTo appends to a value that others may be appending to at the same time.
func appendTo(ctx context.Context, c *cache.Cache, key string, more []byte) error {
	for {
		item, err := c.GetItem(ctx, key)
		if err != nil {
			return err // cache.ErrMiss: there is nothing to append to
		}
		value := append(item.Value[:len(item.Value):len(item.Value)], more...) // a copy
		err = c.CompareAndSwap(ctx, item, value, time.Hour)
		if !errors.Is(err, cache.ErrConflict) {
			return err
		}
	}
}
