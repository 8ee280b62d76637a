package main

import (
	"fmt"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/drivers/ketama"
)

func Example_ketama() {
	c, err := cache.Open("ketama://10.0.0.1,10.0.0.2,10.0.0.3:11212?timeout=200ms")
	if err != nil {
		panic(err)
	}
	fmt.Println(c.Driver(), c.Close())
	// Output: ketama <nil>
}
