package guide_test

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

func openCache(ctx context.Context) (*cache.Cache, error) {
	dsn := os.Getenv("CACHE") // "memory://?max_bytes=64MiB", "memcached://10.0.0.1:11211", ...
	if dsn == "" {
		dsn = "memory://?max_bytes=64MiB"
	}
	c, err := cache.Open(dsn)
	if err != nil {
		return nil, err // the string is wrong, or its driver is not imported
	}
	if err := c.Ping(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "starting without a cache for now:", err)
	}
	return c, nil
}

func Example_open() {
	c, err := openCache(context.Background())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	_, err = cache.Open("memroy://")
	fmt.Println(err)
	_, err = cache.Open("memory://?max_byte=64MiB")
	fmt.Println(err)
	// Output:
	// cache: unknown driver "memroy" (forgotten import?); registered: gomemcache, ketama, memcached, memory, null, redis, rediss, valkey, valkeys
	// memory: dsn: unknown parameter "max_byte"; known parameters: bucket_interval, buckets, key_encoding, max_bytes, max_entries
}

func newCache() (*cache.Cache, error) {
	return memory.New(memory.Config{
		MaxBytes:       64 << 20,
		BucketInterval: 30 * time.Second,
	})
}

func Example_new() {
	c, err := newCache()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	fmt.Println(memory.Config{MaxBytes: 64 << 20, BucketInterval: 30 * time.Second}.FormatDSN())
	// Output: memory://?bucket_interval=30s&max_bytes=67108864
}
