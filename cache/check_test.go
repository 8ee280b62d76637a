package cache_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

// CheckKey returns the error that operations on the key return, with prefix and encoding.
func TestCheckKey(t *testing.T) {
	plain := null.New(null.Config{})
	encoded, err := memory.New(memory.Config{KeyEncoding: encoding.Base64()})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		cache *cache.Cache
		key   string
		valid bool
	}{
		{"valid", plain, "k", true},
		{"empty", plain, "", false},
		{"space", plain, "a b", false},
		{"longest", plain, strings.Repeat("k", 250), true},
		{"too long", plain, strings.Repeat("k", 251), false},
		{"too long with its prefix", plain.WithPrefix("p:"), strings.Repeat("k", 249), false},
		{"empty but for its prefix", plain.WithPrefix("p:"), "", true},
		{"valid when encoded", encoded, "a b", true},
		{"too long when encoded", encoded, strings.Repeat("k", 200), false},
	} {
		err := c.cache.CheckKey(c.key)
		if (err == nil) != c.valid || err != nil && !errors.Is(err, cache.ErrInvalidKey) {
			t.Errorf("%s: CheckKey returned %v, want an error: %v", c.name, err, !c.valid)
		}
		if _, get := c.cache.Get(t.Context(), c.key); errors.Is(get, cache.ErrInvalidKey) == c.valid {
			t.Errorf("%s: Get returned %v, and CheckKey %v", c.name, get, err)
		}
	}
}
