package memcached

import (
	"fmt"

	"github.com/larder-go/larder/cache/driver"
)

// LeaveOut sets the error of each entry that is too large to be sent: the server would not
// understand its length.
func LeaveOut(entries []driver.Entry, errs []error) {
	for i := range entries {
		if len(entries[i].Value) > MaxValue {
			errs[i] = driver.ErrTooLarge
		}
	}
}

// A Fail returns the error of op for a failure of the server that holds key.
type Fail func(op driver.Op, key string, cause error) error

// Explain returns err, the error of op, which stored e. In place of ErrTooLarge it returns an
// error with the server and the size of the value.
func Explain(fail Fail, op driver.Op, e *driver.Entry, err error) error {
	if err == driver.ErrTooLarge {
		return fail(op, e.Key, TooLarge(len(e.Value)))
	}
	return err
}

// ExplainMulti is Explain for many entries. It changes and returns errs.
func ExplainMulti(fail Fail, op driver.Op, entries []driver.Entry, errs []error) []error {
	for i, err := range errs {
		errs[i] = Explain(fail, op, &entries[i], err)
	}
	return errs
}

// TooLarge returns the error for a value of n bytes that was not sent because it is longer than
// MaxValue, or that the server refused as too large. Its limit is one for whole items, and is
// not known here.
func TooLarge(n int) error {
	if n > MaxValue {
		return fmt.Errorf("a value of %d bytes is longer than the %d that memcached can be set to hold: %w", n, MaxValue, driver.ErrTooLarge)
	}
	return fmt.Errorf("with a value of %d bytes the item is over the limit of the server (memcached -I, 1 MiB by default): %w", n, driver.ErrTooLarge)
}
