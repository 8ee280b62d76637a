package sloghook_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/sloghook"
	_ "github.com/larder-go/larder/memory"
)

func Example() {
	ctx := context.Background()
	c, err := cache.Open("memory://")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()

	hook := sloghook.New(sloghook.Config{Logger: logger(), Slow: 100 * time.Millisecond})
	defer hook.Flush()
	c = c.WithHook(hook) // pass this one on to the program

	c.Get(ctx, "not a key")
	c.Get(ctx, "nor this one")
	// Output:
	// level=ERROR msg="cache operation failed" driver=memory op=get outcome=invalid error="cache: invalid key: byte 0x20 at 3 after encoding; spaces and control characters need a key encoding such as safe"
	// level=ERROR msg="more cache operations failed" driver=memory op=get outcome=invalid count=1 error="cache: invalid key: byte 0x20 at 3 after encoding; spaces and control characters need a key encoding such as safe"
}

// logger leaves out what differs from run to run.
func logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey || a.Key == "duration" {
				return slog.Attr{}
			}
			return a
		},
	}))
}
