package guide_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
)

func Example_getAndSet() {
	run(func(ctx context.Context, c *cache.Cache) error {
		page, err := c.Get(ctx, "page:7")
		if errors.Is(err, cache.ErrMiss) {
			if page, err = render("seven"); err != nil {
				return err
			}
			err = c.Set(ctx, "page:7", page, 10*time.Minute)
		}
		if err != nil {
			return err
		}

		again, err := c.Get(ctx, "page:7")
		fmt.Printf("%s, %s\n", page, again)

		if err := c.Delete(ctx, "page:7"); err != nil && !errors.Is(err, cache.ErrMiss) {
			return err
		}
		return err
	})
	// Output: <h1>seven</h1>, <h1>seven</h1>
}

func Example_readOnly() {
	run(func(ctx context.Context, c *cache.Cache) error {
		if err := c.Set(ctx, "name", []byte("larder"), 0); err != nil {
			return err
		}
		shared, err := c.Get(ctx, "name")
		if err != nil {
			return err
		}
		mine := bytes.Clone(shared) // before writing to it
		mine[0] = 'L'
		fmt.Printf("%s %s\n", shared, mine)
		return nil
	})
	// Output: larder Larder
}

func Example_addAndReplace() {
	run(func(ctx context.Context, c *cache.Cache) error {
		// Of all the workers, one gets the job.
		err := c.Add(ctx, "job:42", []byte("worker-a"), time.Minute)
		if errors.Is(err, cache.ErrNotStored) {
			return nil // another has it
		}
		if err != nil {
			return err
		}
		// Refresh what somebody still wants; do not bring back what was deleted.
		err = c.Replace(ctx, "page:7", []byte("<h1>new</h1>"), time.Minute)
		if errors.Is(err, cache.ErrNotStored) {
			fmt.Println("nobody wants page 7")
			return nil
		}
		return err
	})
	// Output: nobody wants page 7
}

func Example_manyKeys() {
	run(func(ctx context.Context, c *cache.Cache) error {
		err := c.SetMulti(ctx, map[string][]byte{
			"user:1": []byte("ann"),
			"user:2": []byte("bob"),
		}, time.Hour)
		if err != nil {
			return err
		}
		users, err := c.GetMulti(ctx, []string{"user:1", "user:2", "user:3"})
		if err != nil {
			return err // users still holds the values of the other servers
		}
		for _, key := range slices.Sorted(maps.Keys(users)) {
			fmt.Printf("%s is %s\n", key, users[key])
		}
		return c.DeleteMulti(ctx, []string{"user:1", "user:3"}) // absent keys are not an error
	})
	// Output:
	// user:1 is ann
	// user:2 is bob
}

func Example_multiError() {
	run(func(ctx context.Context, c *cache.Cache) error {
		if err := c.Set(ctx, "user:1", []byte("ann"), 0); err != nil {
			return err
		}
		err := c.AddMulti(ctx, map[string][]byte{
			"user:1":   []byte("anna"),
			"user:2":   []byte("bob"),
			"user two": []byte("bob"),
		}, 0)
		var failed *cache.MultiError
		if errors.As(err, &failed) {
			for _, key := range failed.Keys() {
				fmt.Printf("%q: %v\n", key, failed.Errors[key])
			}
		}
		return nil
	})
	// Output:
	// "user two": cache: invalid key: byte 0x20 at 4 after encoding; spaces and control characters need a key encoding such as safe
	// "user:1": cache: not stored
}
