package main

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
	_ "github.com/larder-go/larder/memory"
)

type User struct{ Name string }

func Example_load() {
	ctx := context.Background()
	c, err := cache.Open("memory://?max_bytes=64MiB") // or "gomemcache://10.0.0.1:11211"
	if err != nil {
		panic(err)
	}
	defer c.Close()
	users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour})
	if err != nil {
		panic(err)
	}
	u, err := users.Get(ctx, "user:7", func(ctx context.Context, _ *load.Entry[User]) (User, error) {
		return User{Name: "Ann"}, nil // from the database, once for all who wait
	}, "team:3")
	fmt.Println(u.Name, err)
	err = users.Invalidate(ctx, "team:3") // everything with that tag, in every process
	fmt.Println(err)
	// Output:
	// Ann <nil>
	// <nil>
}
