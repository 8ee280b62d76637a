package memory_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

func ExampleNew() {
	c, err := memory.New(memory.Config{MaxBytes: 64 << 20})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()

	if err := c.Set(ctx, "greeting", []byte("hello"), time.Minute); err != nil {
		log.Fatal(err)
	}
	v, err := c.Get(ctx, "greeting")
	fmt.Printf("%s %v\n", v, err)

	_, err = c.Get(ctx, "farewell")
	fmt.Println(errors.Is(err, cache.ErrMiss))
	// Output:
	// hello <nil>
	// true
}

func Example_open() {
	c, err := cache.Open("memory://?max_bytes=64MiB&key_encoding=safe")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()
	ctx := context.Background()

	if err := c.Set(ctx, "a key with spaces", []byte("1"), 0); err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.Increment(ctx, "a key with spaces", 41))
	// Output: 42 <nil>
}

func ExampleParseDSN() {
	c, err := memory.ParseDSN("memory://?buckets=4&bucket_interval=1m&max_bytes=1MiB")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(c.BucketInterval, c.MaxBytes)
	c.MaxBytes *= 2
	fmt.Println(c.FormatDSN())
	// Output:
	// 1m0s 1048576
	// memory://?bucket_interval=1m0s&buckets=4&max_bytes=2097152
}
