package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

func TestSentinelsAreThoseOfTheDrivers(t *testing.T) {
	for _, pair := range [][2]error{
		{cache.ErrMiss, driver.ErrMiss}, {cache.ErrNotStored, driver.ErrNotStored}, {cache.ErrConflict, driver.ErrConflict},
		{cache.ErrNotNumber, driver.ErrNotNumber}, {cache.ErrInvalidKey, driver.ErrInvalidKey}, {cache.ErrInvalidTTL, driver.ErrInvalidTTL},
		{cache.ErrTooLarge, driver.ErrTooLarge}, {cache.ErrUnreadable, driver.ErrUnreadable}, {cache.ErrUnavailable, driver.ErrUnavailable}, {cache.ErrClosed, driver.ErrClosed},
	} {
		if pair[0] != pair[1] || !strings.HasPrefix(pair[0].Error(), "cache: ") {
			t.Errorf("%q of package cache is not %q of package driver", pair[0], pair[1])
		}
	}
}

func TestMultiError(t *testing.T) {
	outage := driver.Unavailable("stub", cache.OpSet, "10.0.0.1:11211", errors.New("refused"))
	err := error(&cache.MultiError{Op: cache.OpSetMulti, Errors: map[string]error{
		"private-b": cache.ErrTooLarge, "private-a": outage, "private-c": fmt.Errorf("wrapped: %w", cache.ErrNotStored),
	}})
	for _, want := range []error{cache.ErrTooLarge, cache.ErrUnavailable, cache.ErrNotStored} {
		if !errors.Is(err, want) {
			t.Errorf("the error does not match %q", want)
		}
	}
	if errors.Is(err, cache.ErrMiss) {
		t.Error("the error matches ErrMiss")
	}
	var m *cache.MultiError
	if !errors.As(fmt.Errorf("around: %w", err), &m) {
		t.Fatal("errors.As does not find the MultiError")
	}
	if want := []string{"private-a", "private-b", "private-c"}; !slices.Equal(m.Keys(), want) {
		t.Errorf("Keys: %q, want %q", m.Keys(), want)
	}
	var e *cache.Error
	if !errors.As(err, &e) || e.Server != "10.0.0.1:11211" {
		t.Errorf("errors.As finds the failure %v, want the one of the server", e)
	}
	want := "cache: set_multi: 3 keys failed, the first with: stub: set: 10.0.0.1:11211: server unavailable: refused"
	if err.Error() != want {
		t.Errorf("text %q, want %q", err, want)
	}
	one := &cache.MultiError{Op: cache.OpAddMulti, Errors: map[string]error{"private": cache.ErrNotStored}}
	if got, want := one.Error(), "cache: add_multi: 1 key failed: cache: not stored"; got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	tag := &cache.MultiError{Op: cache.OpInvalidate, Errors: map[string]error{"private": outage}}
	if got, want := tag.Error(), "cache: invalidate: 1 tag failed (repeat the call): "+outage.Error(); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	masters := &cache.MultiError{Op: cache.OpDependencyDelete, Errors: map[string]error{"a": outage, "b": outage}}
	if got, want := masters.Error(), "cache: dependency_delete: 2 masters failed (repeat the call), the first with: "+outage.Error(); got != want {
		t.Errorf("text %q, want %q", got, want)
	}
	if unwrapped := m.Unwrap(); len(unwrapped) != 3 || unwrapped[0] != error(outage) {
		t.Errorf("Unwrap: %v, want the reasons in the order of Keys", unwrapped)
	}
}
