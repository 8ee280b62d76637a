package guide_test

import (
	"context"
	"crypto/sha1"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
)

func Example_invalidKey() {
	run(func(ctx context.Context, c *cache.Cache) error {
		err := c.Set(ctx, "search: red shoes", []byte("..."), time.Minute)
		fmt.Println(errors.Is(err, cache.ErrInvalidKey))
		return nil
	})
	// Output: true
}

func Example_keyEncoding() {
	ctx := context.Background()
	c, err := cache.Open("memory://?key_encoding=safe")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	key := "search: " + strings.Repeat("red shoes ", 100)
	err = c.Set(ctx, key, []byte("..."), time.Minute)
	fmt.Println(err)
	// Output: <nil>
}

func Example_encodingByValue() {
	c, err := memory.New(memory.Config{
		KeyEncoding: encoding.Compose(encoding.Hash("sha1", sha1.New), encoding.Base64()),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Close()
	e, err := encoding.ByName("sha1,base64") // the same
	fmt.Println(e.Encode("my key"), err)
	// Output: RigVwkWdSuGyFu7au08PzUMloU8= <nil>
}
