package guide_test

import (
	"context"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/client"
)

// remember is code of an application: it knows namespaces, and not where they live.
func remember(ctx context.Context, c *cache.Cache, session string, data []byte) error {
	sessions, err := c.Namespace("sessions")
	if err != nil {
		return err
	}
	return sessions.Set(ctx, session, data, time.Hour)
}

func Example_namespaces() {
	ctx := context.Background()
	c, err := client.New(client.Config{
		DSNs: map[string]string{
			"default":  "memory://?max_bytes=64MiB",
			"sessions": "memory://?max_bytes=16MiB", // later: memcached://10.0.0.2:11211
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close() // closes all of them

	err = remember(ctx, c, "s1", []byte("ann"))
	fmt.Println(err)
	_, err = c.Get(ctx, "s1") // asks the default namespace
	fmt.Println(err)
	_, err = c.Namespace("session")
	fmt.Println(err)
	// Output:
	// <nil>
	// cache: miss
	// cache: unknown namespace "session"; known namespaces: "default", "sessions"
}

func Example_prefixes() {
	ctx := context.Background()
	c, err := client.New(client.Config{
		DSNs: map[string]string{
			"default":  "memory://",
			"sessions": "memory://", // the same string: the same cache
		},
		Prefixes: map[string]string{"sessions": "s/"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	if err := remember(ctx, c, "s1", []byte("ann")); err != nil {
		fmt.Println(err)
	}
	v, err := c.Get(ctx, "s/s1")
	fmt.Printf("%s %v\n", v, err)
	// Output: ann <nil>
}

func Example_withPrefix() {
	run(func(ctx context.Context, c *cache.Cache) error {
		tenant := c.WithPrefix("tenant-7/")
		if err := tenant.Set(ctx, "logo", []byte("png"), 0); err != nil {
			return err
		}
		v, err := c.Get(ctx, "tenant-7/logo")
		fmt.Printf("%s\n", v)
		return err
	})
	// Output: png
}
