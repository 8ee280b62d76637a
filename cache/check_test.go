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

// CheckKey says what an operation would say, prefix and encoding included.
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
		legal bool
	}{
		{"legal", plain, "k", true},
		{"empty", plain, "", false},
		{"blank", plain, "a b", false},
		{"longest", plain, strings.Repeat("k", 250), true},
		{"too long", plain, strings.Repeat("k", 251), false},
		{"too long with its prefix", plain.WithPrefix("p:"), strings.Repeat("k", 249), false},
		{"empty but for its prefix", plain.WithPrefix("p:"), "", true},
		{"legal when encoded", encoded, "a b", true},
		{"too long when encoded", encoded, strings.Repeat("k", 200), false},
	} {
		err := c.cache.CheckKey(c.key)
		if (err == nil) != c.legal || err != nil && !errors.Is(err, cache.ErrInvalidKey) {
			t.Errorf("%s: CheckKey gave %v, want legal: %v", c.name, err, c.legal)
		}
		if _, get := c.cache.Get(t.Context(), c.key); errors.Is(get, cache.ErrInvalidKey) == c.legal {
			t.Errorf("%s: Get gave %v, which is not what CheckKey said: %v", c.name, get, err)
		}
	}
}
