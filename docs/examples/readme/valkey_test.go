package main

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/drivers/valkey"
)

func Example_valkey() {
	c, err := cache.Open("valkey://10.0.0.1:6379?prefix=app:&timeout=200ms")
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Driver(), c.Close())
	// Output: valkey <nil>
}
