package guide_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
)

// pageOf returns a page whatever the cache does.
func pageOf(ctx context.Context, c *cache.Cache, name string) ([]byte, error) {
	page, err := c.Get(ctx, name)
	switch {
	case err == nil:
		return page, nil
	case errors.Is(err, cache.ErrMiss):
		// Not there. Make it, and keep it for the next one.
		page, err = render(name)
		if err != nil {
			return nil, err
		}
		if err := c.Set(ctx, name, page, time.Minute); err != nil {
			fmt.Println("not cached:", err)
		}
		return page, nil
	case errors.Is(err, cache.ErrUnavailable):
		// The server does not reply. Do without the cache.
		var e *cache.Error
		if errors.As(err, &e) {
			fmt.Println("unavailable:", e.Driver, e.Op, e.Server)
		}
		return render(name)
	default:
		// The context is done, or the call has a mistake, such as an invalid key.
		return nil, err
	}
}

func Example_outage() {
	// Nobody listens there. New does not connect, so it returns no error.
	c, err := gomemcache.New(gomemcache.Config{
		Servers: []string{"127.0.0.1:1"},
		Timeout: 200 * time.Millisecond,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	page, err := pageOf(context.Background(), c, "seven")
	fmt.Printf("%s %v\n", page, err)
	// Output:
	// unavailable: gomemcache get 127.0.0.1:1
	// <h1>seven</h1> <nil>
}

func Example_abilities() {
	run(func(ctx context.Context, c *cache.Cache) error {
		if !c.Supports(cache.OpTouch) {
			return errors.New("this program needs a cache that can touch")
		}
		err := c.Touch(ctx, "session:5", time.Hour)
		fmt.Println(errors.Is(err, errors.ErrUnsupported), errors.Is(err, cache.ErrMiss))
		return nil
	})
	// Output: false true
}
