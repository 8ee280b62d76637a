package guide_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/load"
)

func Example_dependency() {
	run(func(ctx context.Context, c *cache.Cache) error {
		orders, err := dependency.New(c, time.Hour) // at least the TTL of the items
		if err != nil {
			return err
		}

		// Two pages show something of order 100. First the item, then its wire.
		for _, key := range []string{"page:order/100", "page:customer/7"} {
			if err := c.Set(ctx, key, []byte("<h1>...</h1>"), time.Hour); err != nil {
				return err
			}
			if err := orders.Add(ctx, "order:100:", key); err != nil {
				return err
			}
		}

		// The order changes: both pages go, in one operation.
		if err := orders.Delete(ctx, "order:100:"); err != nil {
			return err // some pages may be left: call it again
		}

		left, err := c.GetMulti(ctx, []string{"page:order/100", "page:customer/7"})
		fmt.Println(len(left), "pages are left")
		return err
	})
	// Output: 0 pages are left
}

func Example_dependencyMulti() {
	run(func(ctx context.Context, c *cache.Cache) error {
		orders, err := dependency.New(c, time.Hour)
		if err != nil {
			return err
		}
		if err := orders.AddMulti(ctx, "customer:7:", []string{"page:a", "page:b", "page:c"}); err != nil {
			return err
		}
		keys, err := orders.Keys(ctx, "customer:7:")
		if err != nil {
			return err
		}
		fmt.Println(keys)
		return orders.DeleteMulti(ctx, []string{"customer:7:", "order:100:"})
	})
	// Output: [page:a page:b page:c]
}

func Example_load() {
	run(func(ctx context.Context, c *cache.Cache) error {
		orders, err := dependency.New(c, time.Hour)
		if err != nil {
			return err
		}
		pages, err := load.New(c, load.Config{TTL: time.Hour})
		if err != nil {
			return err
		}

		page, err := pages.Get(ctx, "page:order/100", func(ctx context.Context, wire load.Wire) ([]byte, error) {
			// The wire first, then what the page is made of: a change in between is
			// not overlooked.
			if err := wire(ctx, "order:100:"); err != nil {
				return nil, err
			}
			return render("order 100")
		})
		if err != nil {
			return err
		}
		fmt.Printf("%s\n", page)

		if err := orders.Delete(ctx, "order:100:"); err != nil {
			return err
		}
		if _, err := c.Get(ctx, "page:order/100"); !errors.Is(err, cache.ErrMiss) {
			return fmt.Errorf("the page is still there: %w", err)
		}
		return nil
	})
	// Output: <h1>order 100</h1>
}
