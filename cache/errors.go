package cache

import (
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache/driver"
)

// Errors to test for with errors.Is. They are the values of package driver.
var (
	// ErrMiss: the key is absent, or expired.
	ErrMiss = driver.ErrMiss
	// ErrNotStored: Add found the key present, or Replace found it absent.
	ErrNotStored = driver.ErrNotStored
	// ErrConflict: the item was changed since it was read.
	ErrConflict = driver.ErrConflict
	// ErrNotNumber: the value to count is not a decimal number of 64 bits.
	ErrNotNumber = driver.ErrNotNumber
	// ErrInvalidKey: the encoded key is not 1 to 250 bytes without blanks and
	// control characters. Choose a key encoding, or check what users type.
	ErrInvalidKey = driver.ErrInvalidKey
	// ErrInvalidTTL: the TTL is negative.
	ErrInvalidTTL = driver.ErrInvalidTTL
	// ErrTooLarge: the value is over the limit of the backend.
	ErrTooLarge = driver.ErrTooLarge
	// ErrUnavailable: a server did not answer as it should, so the outcome of the
	// operation there is unknown.
	ErrUnavailable = driver.ErrUnavailable
	// ErrClosed: the cache was closed.
	ErrClosed = driver.ErrClosed
)

// Error is a failure of a backend: driver, operation, server, cause. Find it with
// errors.As.
type Error = driver.Error

// MultiError says for which keys an operation on many failed. It unwraps to the
// reasons, so that errors.Is(err, ErrNotStored) tells whether one of them is that.
type MultiError struct {
	Op     Op
	Errors map[string]error // by key, as the caller gave it; never empty
}

// Keys returns the keys that failed, sorted.
func (e *MultiError) Keys() []string { return slices.Sorted(maps.Keys(e.Errors)) }

// Error tells how many keys failed and the reason of the first. Keys are left out:
// they may be long, binary or private.
func (e *MultiError) Error() string {
	keys := e.Keys()
	if len(keys) == 1 {
		return fmt.Sprintf("cache: %s: 1 key failed: %v", e.Op, e.Errors[keys[0]])
	}
	return fmt.Sprintf("cache: %s: %d keys failed, the first with: %v", e.Op, len(keys), e.Errors[keys[0]])
}

// Unwrap returns the reasons, in the order of Keys.
func (e *MultiError) Unwrap() []error {
	keys := e.Keys()
	errs := make([]error, len(keys))
	for i, k := range keys {
		errs[i] = e.Errors[k]
	}
	return errs
}
