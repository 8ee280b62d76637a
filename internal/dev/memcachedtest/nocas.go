//go:build unix

package memcachedtest

import (
	"errors"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

// WithoutCAS tests a server without compare-and-swap (memcached -C): it serves the rest, and the
// errors of operations that need it say what it lacks.
func WithoutCAS(t *testing.T, driver string, open func(t *testing.T, server string) *cache.Cache) {
	s := Start(t, "tcp", "-C")
	c, ctx := open(t, s.Addr()), t.Context()
	if err := c.Set(ctx, "k", []byte("v"), 0); err != nil {
		t.Fatal(err)
	}
	if v, err := c.Get(ctx, "k"); err != nil || string(v) != "v" {
		t.Errorf("Get: %q, %v", v, err)
	}
	_, err := c.GetItem(ctx, "k")
	if !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "-C") {
		t.Errorf("GetItem: %v, want ErrUnsupported", err)
	}
	IsNamed(t, err, driver, cache.OpGetItem, s.Addr())
	_, err = c.GetItemMulti(ctx, []string{"k"})
	if !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("GetItemMulti: %v, want ErrUnsupported", err)
	}
	IsNamed(t, err, driver, cache.OpGetItemMulti, s.Addr())
	d, err := dependency.New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	// Not only the Delete, which could never work.
	if err := d.Add(ctx, "master:", "k"); !errors.Is(err, errors.ErrUnsupported) || !strings.Contains(err.Error(), "-C") {
		t.Errorf("dependency.Add: %v, want ErrUnsupported", err)
	}
}
