package memcached

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// unresolvable is a resolver that fails.
type unresolvable struct{}

var errUnresolvable = errors.New("no list of servers")

func (unresolvable) Resolve(context.Context) ([]string, error) { return nil, errUnresolvable }

// A key of a batch that is refused before anything is sent has that error when there is no list
// of servers too, and is not reported as a write that failed. Such a value is larger than what
// a test can store, so that the test begins where it was refused.
func TestRefusedKeysWithoutServers(t *testing.T) {
	for name, send := range map[string]func(d *driverCache, b *batch) []error{
		"stores": func(d *driverCache, b *batch) []error { return d.run(t.Context(), b) },
		"swaps": func(d *driverCache, b *batch) []error {
			return d.swapMulti(t.Context(), b, []any{token{1, 1}, token{1, 2}, token{1, 3}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			var reported []string
			d, err := newDriver(Config{
				Resolver:       unresolvable{},
				OnWriteFailure: func(key string, _ cache.Op, _ bool) { reported = append(reported, key) },
			})
			if err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			keys := []string{"a", "large", "b"}
			errs := send(d, &batch{
				op: cache.OpSetMulti, key: func(i int) string { return keys[i] },
				errs: []error{nil, driver.ErrTooLarge, nil},
			})
			if len(errs) != 3 || errs[1] != driver.ErrTooLarge {
				t.Fatalf("errors %v; want that of key 1 to be %v", errs, driver.ErrTooLarge)
			}
			for _, i := range []int{0, 2} {
				if !errors.Is(errs[i], cache.ErrUnavailable) || !errors.Is(errs[i], errUnresolvable) {
					t.Errorf("key %d: %v, want the outage", i, errs[i])
				}
			}
			if want := []string{"a", "b"}; !slices.Equal(reported, want) {
				t.Errorf("OnWriteFailure was told %q, want %q", reported, want)
			}
		})
	}
}
