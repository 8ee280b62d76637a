package memcachedtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// IsOutage checks that err is an outage and names driver, operation and server.
func IsOutage(t testing.TB, err error, driver string, op cache.Op, server string) {
	t.Helper()
	if !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("%v: error %v, want ErrUnavailable", op, err)
		return
	}
	IsNamed(t, err, driver, op, server)
}

// IsNamed checks that err names driver, operation and server.
func IsNamed(t testing.TB, err error, driver string, op cache.Op, server string) {
	t.Helper()
	var e *cache.Error
	if !errors.As(err, &e) || e.Driver != driver || e.Op != op || e.Server != server {
		t.Errorf("%v: error %v does not name %s, %v and %s", op, err, driver, op, server)
		return
	}
	for _, part := range []string{e.Driver, e.Op.String(), e.Server} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: the text %q lacks %s", op, err, part)
		}
	}
}

// FailedWith checks that err, of a batch, is for exactly these keys and reasons.
func FailedWith(t testing.TB, what string, err error, want map[string]error) {
	t.Helper()
	var m *cache.MultiError
	if err != nil && !errors.As(err, &m) {
		t.Errorf("%s: %v, want a *MultiError", what, err)
		return
	}
	if m == nil {
		m = &cache.MultiError{}
	}
	for k, reason := range want {
		if !errors.Is(m.Errors[k], reason) {
			t.Errorf("%s: %s: %v, want %v", what, k, m.Errors[k], reason)
		}
	}
	if len(m.Errors) != len(want) {
		t.Errorf("%s: failed keys %q, want %d", what, m.Keys(), len(want))
	}
}

// Bounded checks that a call that began at start took no longer than its timeout and a
// margin for a busy machine.
func Bounded(t testing.TB, start time.Time, timeout time.Duration) {
	t.Helper()
	const margin = 10 * time.Second
	if d := time.Since(start); d > timeout+margin {
		t.Errorf("the call took %v, with a timeout of %v", d, timeout)
	}
}
