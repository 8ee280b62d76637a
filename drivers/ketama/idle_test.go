package ketama_test

import (
	"errors"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A connection that the server closed because it was idle is noticed before a request that
// must not be sent twice.
func TestIdleTimeout(t *testing.T) {
	t.Parallel()
	s := memcachedtest.Start(t, "tcp", "-o", "idle_timeout=1")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	d, err := dependency.New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := c.Set(ctx, "n", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		name string
		do   func() error
		want error
	}{
		{"Increment", func() error { _, err := c.Increment(ctx, "n", 1); return err }, nil},
		{"Add", func() error { return c.Add(ctx, "n", []byte("1"), 0) }, cache.ErrNotStored},
		{"dependency.Add", func() error { return d.Add(ctx, "master:", "n") }, nil},
	} {
		memcachedtest.Eventually(t, "the server closes idle connections", func() bool { return s.Connections() == 0 })
		if err := call.do(); !errors.Is(err, call.want) {
			t.Errorf("%s: %v, want %v", call.name, err, call.want)
		}
	}
}
