// The example of README.md.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/memory"
)

func main() {
	ctx := context.Background()
	c, err := cache.Open("memory://?max_bytes=64MiB") // or "gomemcache://10.0.0.1:11211"
	if err != nil {
		panic(err)
	}
	defer c.Close()
	if err := c.Set(ctx, "greeting", []byte("hello"), 10*time.Minute); err != nil {
		panic(err)
	}
	v, err := c.Get(ctx, "greeting") // cache.ErrMiss if it is not there
	fmt.Println(string(v), err)
}
