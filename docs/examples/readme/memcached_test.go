package main

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/drivers/memcached"
)

func Example_memcached() {
	c, err := cache.Open("memcached://10.0.0.1:11211,10.0.0.2:11211?timeout=200ms")
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Driver(), c.Close())
	// Output: memcached <nil>
}
