package main

// memoryProgram is the README's kind of program: it must need nothing but the
// core and the standard library.
const memoryProgram = `package main

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/memory"
)

func main() {
	ctx := context.Background()
	c, err := cache.Open("memory://")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	if err := c.Set(ctx, "greeting", []byte("hello"), time.Minute); err != nil {
		log.Fatal(err)
	}
	value, err := c.Get(ctx, "greeting")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(string(value))
}
`

// importProgram imports the packages of a module, in place of IMPORTS.
const importProgram = `package main

import (
	"fmt"

IMPORTS)

func main() { fmt.Println("hello") }
`

// driverProgram opens a cache of one driver, which is only named by its import
// and a string, and uses none of the server. A driver may have other names too.
const driverProgram = `package main

import (
	"fmt"
	"log"
	"slices"

	"github.com/larder-go/larder/cache"
	_ "github.com/larder-go/larder/drivers/DRIVER"
)

func main() {
	fmt.Println(slices.Contains(cache.Drivers(), "DRIVER"))
	c, err := cache.Open("DRIVER://127.0.0.1:11211")
	if err != nil {
		log.Fatal(err)
	}
	if err := c.Close(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("larder")
}
`
