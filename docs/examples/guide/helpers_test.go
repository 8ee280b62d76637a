package guide_test

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// run runs a part of the guide on an empty cache, and prints its error.
func run(part func(ctx context.Context, c *cache.Cache) error) {
	c, err := memory.New(memory.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	if err := part(context.Background(), c); err != nil {
		fmt.Println(err)
	}
}

// render represents work that is worth caching.
func render(page string) ([]byte, error) { return []byte("<h1>" + page + "</h1>"), nil }
