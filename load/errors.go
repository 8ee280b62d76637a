package load

import (
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

var (
	// ErrNotFound is returned by a load function if the value does not exist, and then
	// by Get. It is treated as a value: it has tags, and it is cached for
	// [Config.NotFoundTTL].
	ErrNotFound = errors.New("load: not found")

	// ErrNotModified is returned by a load function if the value that [Entry.Old]
	// returned is still current. That value is then stored as if it had been loaded.
	ErrNotModified = errors.New("load: not modified")

	errGoexit  = errors.New("load: the load function called runtime.Goexit")
	errSelf    = errors.New("load: a load function called Get with the key that it loads")
	errLate    = errors.New("load: the load of this Entry is over; use it only in its load function")
	errNothing = errors.New("load: the load function returned ErrNotModified, and there is no old value")
)

// A PanicError is a panic of a load function or of a codec. The Get that provided the
// function panics with it; others that wait for the value return it.
type PanicError struct {
	Value any    // of the panic
	Stack []byte // of the goroutine that panicked
}

// Error returns the value and the stack.
func (e *PanicError) Error() string {
	return fmt.Sprintf("load: panic while loading: %v\n\n%s", e.Value, e.Stack)
}

// Unwrap returns the value of the panic, if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// recoverInto turns a panic into the error of all outcomes. It must be deferred.
func recoverInto(outcomes []outcome) {
	if v := recover(); v != nil {
		err := &PanicError{v, debug.Stack()}
		for i := range outcomes {
			outcomes[i] = outcome{err: err, panic: err}
		}
	}
}

// leaseError is the error of a load that was canceled at the end of its lease.
type leaseError struct {
	lease time.Duration
	err   error
}

func (e *leaseError) Error() string {
	return fmt.Sprintf("load: the load took longer than its lease of %v: %v", e.lease, e.err)
}

func (e *leaseError) Unwrap() error { return e.err }
