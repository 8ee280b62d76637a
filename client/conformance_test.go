package client_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/cachetest"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/encoding"
)

// layouts are clients in front of caches. The suite tests the default namespace of each.
var layouts = map[string]struct {
	config  client.Config
	options cachetest.Options
}{
	"one cache": {
		client.Config{DSNs: map[string]string{"default": "memory://", "other": "memory://"}},
		cachetest.Options{Namespaces: []string{"default", "other"}},
	},
	"prefixes and encodings": {
		client.Config{
			Default:  "main",
			DSNs:     map[string]string{"main": "memory://?key_encoding=sha1", "other": "memory://?key_encoding=safe"},
			Prefixes: map[string]string{"main": "app:", "other": "other:"},
		},
		cachetest.Options{Namespaces: []string{"main", "other"}, KeyPrefix: "app:", KeyEncoding: mustEncoding("sha1")},
	},
}

func mustEncoding(name string) encoding.Encoding {
	e, err := encoding.ByName(name)
	if err != nil {
		panic(err)
	}
	return e
}

func TestConformance(t *testing.T) {
	for name, l := range layouts {
		t.Run(name, func(t *testing.T) {
			l.options.Synctest = true
			cachetest.Run(t, func(t *testing.T) *cache.Cache {
				c, err := client.New(l.config)
				if err != nil {
					t.Fatal(err)
				}
				return c
			}, l.options)
		})
	}
}

// A client adds no allocation to an operation of the cache behind it.
func TestAllocs(t *testing.T) {
	cachetest.Allocs(t, func(t *testing.T) *cache.Cache {
		c, err := client.New(layouts["one cache"].config)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}, cachetest.Allocations{})
}
