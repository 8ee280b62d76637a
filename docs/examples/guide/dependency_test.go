package guide_test

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
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
