// The example of README.md.
package main

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
	_ "github.com/larder-go/larder/memory" // and drivers/memcached, for memcached://
)

type User struct{ Name string }

func main() {
	ctx := context.Background()
	c, err := cache.Open("memory://?max_bytes=64MiB") // or "memcached://10.0.0.1,10.0.0.2"
	if err != nil {
		panic(err)
	}
	defer c.Close()
	users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	user, err := users.Get(ctx, "user:7", func(context.Context, *load.Entry[User]) (User, error) {
		return User{Name: "Ann"}, nil // from the database, once for all who wait
	}, "team:3")
	fmt.Println(user.Name, err)

	fmt.Println(users.Invalidate(ctx, "team:3")) // every value with this tag, in every process
}
