package load_test

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

// A page is rendered when it is asked for, and again after what it shows has changed.
func Example() {
	ctx := context.Background()
	c, err := memory.New(memory.Config{})
	if err != nil {
		panic(err)
	}
	defer c.Close()
	pages, err := load.New(c, load.Config{TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	changes, err := dependency.New(c, time.Hour)
	if err != nil {
		panic(err)
	}

	status := "ordered"
	render := func(ctx context.Context, wire load.Wire) ([]byte, error) {
		if err := wire(ctx, "order:100:"); err != nil { // before it is read
			return nil, err
		}
		fmt.Println("rendering")
		return []byte("order 100: " + status), nil
	}
	show := func() {
		page, err := pages.Get(ctx, "page:order/100", render)
		fmt.Println(string(page), err)
	}

	show()
	show()
	status = "sent"
	if err := changes.Delete(ctx, "order:100:"); err != nil {
		panic(err)
	}
	show()
	// Output:
	// rendering
	// order 100: ordered <nil>
	// order 100: ordered <nil>
	// rendering
	// order 100: sent <nil>
}
