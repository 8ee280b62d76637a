package dependency_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/memory"
)

// Two pages are made from order 100. When it changes, one call drops both.
func Example() {
	ctx := context.Background()
	c, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	orders, err := dependency.New(c, time.Hour)
	if err != nil {
		log.Fatal(err)
	}

	for _, page := range []string{"page:summary", "page:invoice"} {
		// First the item, then its wire; no longer-lived than the wire.
		if err := c.Set(ctx, page, []byte("<html>..."), time.Hour); err != nil {
			log.Fatal(err)
		}
		if err := orders.Add(ctx, "order:100:", page); err != nil {
			// The wire may not hold: do not keep the item.
			log.Print(err, c.Delete(ctx, page))
		}
	}

	if err := orders.Delete(ctx, "order:100:"); err != nil {
		log.Fatal(err) // something may be left: try again
	}
	_, err = c.Get(ctx, "page:invoice")
	fmt.Println(errors.Is(err, cache.ErrMiss))
	// Output: true
}

// Many pages need package io, some of them package os: whichever changes, its pages go.
func ExampleDependency_AddMulti() {
	ctx := context.Background()
	c, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	imports, err := dependency.New(c, 0)
	if err != nil {
		log.Fatal(err)
	}
	for _, page := range []string{"bufio", "os", "net"} {
		if err := c.Set(ctx, page, []byte("doc of "+page), 0); err != nil {
			log.Fatal(err)
		}
	}
	if err := imports.AddMulti(ctx, "imports-io:", []string{"bufio", "os", "net"}); err != nil {
		log.Fatal(err)
	}
	if err := imports.AddMulti(ctx, "imports-os:", []string{"net"}); err != nil {
		log.Fatal(err)
	}

	if err := imports.DeleteMulti(ctx, []string{"imports-os:"}); err != nil {
		log.Fatal(err)
	}
	left, err := c.GetMulti(ctx, []string{"bufio", "os", "net"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(left), "left")
	// Output: 2 left
}

// Which keys are wired, for a look at what an invalidation will drop.
func ExampleDependency_Keys() {
	ctx := context.Background()
	c, err := memory.New(memory.Config{})
	if err != nil {
		log.Fatal(err)
	}
	orders, err := dependency.New(c, time.Hour)
	if err != nil {
		log.Fatal(err)
	}
	if err := orders.AddMulti(ctx, "order:100:", []string{"page:summary", "page:invoice"}); err != nil {
		log.Fatal(err)
	}
	keys, err := orders.Keys(ctx, "order:100:")
	fmt.Println(keys, err)
	// Output: [page:summary page:invoice] <nil>
}
