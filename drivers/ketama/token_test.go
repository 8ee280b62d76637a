package ketama

import (
	"errors"
	"testing"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// TestForeignTokens: a token that is not a CAS id of a server must not become a delete or a
// store without a condition.
func TestForeignTokens(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	d, err := newCluster(Config{Servers: []string{s.Addr()}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	ctx := t.Context()
	for _, k := range []string{"k", "own"} {
		if err := d.Store(ctx, driver.Set, driver.Entry{Key: k, Value: []byte("v")}); err != nil {
			t.Fatal(err)
		}
	}
	own, err := d.GetItem(ctx, "own")
	if err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []any{nil, memcached.Token{}, own.Token.(memcached.Token).CAS, "1"} {
		if err := d.CompareAndSwap(ctx, foreign, driver.Entry{Key: "k"}); !errors.Is(err, memcached.ErrForeignToken) {
			t.Errorf("CompareAndSwap with %#v: %v", foreign, err)
		}
		if err := d.CompareAndDelete(ctx, "k", foreign); !errors.Is(err, memcached.ErrForeignToken) {
			t.Errorf("CompareAndDelete with %#v: %v", foreign, err)
		}
		errs := d.CompareAndDeleteMulti(ctx, []string{"k", "k2"}, []any{foreign, foreign})
		if len(errs) != 2 || !errors.Is(errs[0], memcached.ErrForeignToken) || !errors.Is(errs[1], memcached.ErrForeignToken) {
			t.Errorf("CompareAndDeleteMulti with %#v: %v", foreign, errs)
		}
	}
	errs := d.CompareAndDeleteMulti(ctx, []string{"k", "own"}, []any{memcached.Token{}, own.Token})
	if len(errs) != 2 || !errors.Is(errs[0], memcached.ErrForeignToken) || errs[1] != nil {
		t.Errorf("CompareAndDeleteMulti with a foreign token: %v", errs)
	}
	if v, err := d.Get(ctx, "k"); err != nil || string(v) != "v" {
		t.Errorf("the item is %q, %v; want it as it was", v, err)
	}
	if _, err := d.Get(ctx, "own"); err != driver.ErrMiss {
		t.Errorf("the item beside it: %v, want a miss", err)
	}
}
