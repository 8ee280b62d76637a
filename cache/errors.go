package cache

import (
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache/driver"
)

// The sentinel errors. Test for them with [errors.Is].
var (
	// ErrMiss is returned when the key is absent or has expired.
	ErrMiss = driver.ErrMiss
	// ErrNotStored is returned when Add finds the key present, or Replace finds it
	// absent.
	ErrNotStored = driver.ErrNotStored
	// ErrConflict is returned when an item changed since it was read.
	ErrConflict = driver.ErrConflict
	// ErrNotNumber is returned by counting operations when the value is not a
	// decimal number of 64 bits.
	ErrNotNumber = driver.ErrNotNumber
	// ErrUnreadable is returned when the value cannot be decoded: another program
	// stored it in a form that the driver does not read.
	ErrUnreadable = driver.ErrUnreadable
	// ErrInvalidKey is returned when the encoded key is not 1 to 250 bytes, or
	// contains a space or a control character. Choose a key encoding, or check what
	// users type.
	ErrInvalidKey = driver.ErrInvalidKey
	// ErrInvalidTTL is returned when the TTL is negative.
	ErrInvalidTTL = driver.ErrInvalidTTL
	// ErrTooLarge is returned when the value is over the limit of the backend.
	ErrTooLarge = driver.ErrTooLarge
	// ErrUnavailable is returned when a server cannot be reached or does not reply as
	// it should. Whether the operation took effect is unknown.
	ErrUnavailable = driver.ErrUnavailable
	// ErrClosed is returned after Close.
	ErrClosed = driver.ErrClosed
)

// An Error is a failure of a backend, with driver, operation, server and cause. Find it
// with [errors.As].
type Error = driver.Error

// A MultiError reports for which keys an operation on many failed. For OpInvalidate the
// keys are tags, and for OpDependencyDelete masters. It unwraps to the reasons, so
// errors.Is(err, ErrNotStored) reports whether one of them is ErrNotStored.
type MultiError struct {
	Op     Op
	Errors map[string]error // by key, as the caller gave it; never empty
}

// Keys returns the keys that failed, sorted.
func (e *MultiError) Keys() []string { return slices.Sorted(maps.Keys(e.Errors)) }

// Error returns how many keys failed and the reason of the first. It does not name keys:
// they may be long, binary or private.
func (e *MultiError) Error() string {
	noun, advice := "key", ""
	switch e.Op {
	case OpInvalidate:
		noun, advice = "tag", " (repeat the call)"
	case OpDependencyDelete:
		noun, advice = "master", " (repeat the call)"
	}
	keys := e.Keys()
	if len(keys) == 1 {
		return fmt.Sprintf("cache: %s: 1 %s failed%s: %v", e.Op, noun, advice, e.Errors[keys[0]])
	}
	return fmt.Sprintf("cache: %s: %d %ss failed%s, the first with: %v", e.Op, len(keys), noun, advice, e.Errors[keys[0]])
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
