package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/keyrule"
)

// localStub is a stub in the process, as package memory is: a local.Cache.
type localStub struct{ *stub }

func (c localStub) Lookup(k string) ([]byte, error) {
	v, err := c.stub.Get(context.Background(), k)
	if err == driver.ErrMiss && !keyrule.Valid(k) {
		return nil, driver.ErrInvalidKey
	}
	return v, err
}

func (c localStub) Has(key string) bool {
	_ = c.did(context.Background(), "has", key)
	_, ok := c.items[key]
	return ok
}

// A Get of an invalid key reaches a cache that checks keys itself, and its error is that of
// any other cache.
func TestGetOfALocalCache(t *testing.T) {
	for _, k := range []string{"a b", "", strings.Repeat("x", 251)} {
		s := newStub()
		_, want := open(s).Get(t.Context(), k)
		_, err := cache.New(localStub{s}, cache.Options{Name: "stub"}).Get(t.Context(), k)
		if !errors.Is(err, cache.ErrInvalidKey) || err.Error() != want.Error() {
			t.Errorf("%q: error %v, want %v", k, err, want)
		}
		if call := s.calls(); call != "get "+k && call != "get" {
			t.Errorf("%q: the driver saw %q, want one get", k, call)
		}
	}
}

// An Add of a present key calls nothing but Has. The other stores do not call Has.
func TestAddToALocalCache(t *testing.T) {
	s := newStub()
	s.items["k"] = "v"
	c := cache.New(localStub{s}, cache.Options{})
	add := func(key string, ttl time.Duration) error { return c.Add(t.Context(), key, nil, ttl) }
	for name, test := range map[string]struct {
		err  error
		want error
		log  string
	}{
		"a present key":                {add("k", 0), cache.ErrNotStored, s.calls()},
		"an absent key":                {add("new", 0), nil, s.calls()},
		"a present key, wrong TTL":     {add("k", -1), cache.ErrInvalidTTL, s.calls()},
		"an invalid key":               {add("a b", 0), cache.ErrInvalidKey, s.calls()},
		"an invalid key and wrong TTL": {add("a b", -1), cache.ErrInvalidKey, s.calls()},
		"set":                          {c.Set(t.Context(), "k", nil, 0), nil, s.calls()},
		"replace":                      {c.Replace(t.Context(), "k", nil, 0), nil, s.calls()},
	} {
		if !errors.Is(test.err, test.want) {
			t.Errorf("%s: error %v, want %v", name, test.err, test.want)
		}
		want := map[string]string{
			"a present key": "has k", "an absent key": "has new, add new", "an invalid key": "has a b",
			"set": "set k", "replace": "replace k",
		}[name]
		if test.log != want {
			t.Errorf("%s: the driver saw %q, want %q", name, test.log, want)
		}
	}
}
