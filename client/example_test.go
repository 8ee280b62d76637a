package client_test

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/client"
)

// The code names namespaces. The configuration says where they are stored.
func Example() {
	c, err := client.New(client.Config{
		DSNs: map[string]string{
			"default":  "memory://",
			"sessions": "memory://?max_entries=100000",
			"pages":    "memory://",
		},
		Prefixes: map[string]string{"pages": "page:"},
	})
	if err != nil {
		panic(err)
	}
	defer c.Close()

	pages, err := c.Namespace("pages")
	if err != nil {
		panic(err)
	}
	if err := pages.Set(ctx, "/about", []byte("<html>"), time.Hour); err != nil {
		panic(err)
	}
	v, err := pages.Get(ctx, "/about")
	fmt.Println(string(v), err)
	// "pages" shares the cache of the default namespace, but not its keys.
	_, err = c.Get(ctx, "/about")
	fmt.Println(err)
	_, err = c.Namespace("page")
	fmt.Println(err)
	// Output:
	// <html> <nil>
	// cache: miss
	// cache: unknown namespace "page"; known namespaces: "default", "pages", "sessions"
}
