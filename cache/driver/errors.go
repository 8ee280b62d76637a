package driver

import (
	"errors"
	"strings"
)

// The sentinel errors. Test for them with [errors.Is]. Package cache exports the same
// values.
var (
	// ErrMiss is returned when the key is absent or has expired.
	ErrMiss = errors.New("cache: miss")
	// ErrNotStored is returned when Add finds the key present, or Replace finds it
	// absent.
	ErrNotStored = errors.New("cache: not stored")
	// ErrConflict is returned when an item changed since it was read.
	ErrConflict = errors.New("cache: item changed since it was read")
	// ErrNotNumber is returned by counting operations when the value is not a
	// decimal number of 64 bits.
	ErrNotNumber = errors.New("cache: value is not a decimal number")
	// ErrUnreadable is returned when the value cannot be decoded: another program
	// stored it in a form that the driver does not read.
	ErrUnreadable = errors.New("cache: unreadable value")
	// ErrInvalidKey is returned when the encoded key is not 1 to 250 bytes, or
	// contains a space or a control character.
	ErrInvalidKey = errors.New("cache: invalid key")
	// ErrInvalidTTL is returned when the time to live is negative.
	ErrInvalidTTL = errors.New("cache: invalid TTL")
	// ErrTooLarge is returned when the value is over the limit of the backend.
	ErrTooLarge = errors.New("cache: value too large")
	// ErrUnavailable is returned when a server cannot be reached, does not reply in
	// time or sends an invalid reply, and when no connection to it is free in time.
	// Whether the operation took effect is unknown.
	ErrUnavailable = errors.New("cache: server unavailable")
	// ErrClosed is returned after Close.
	ErrClosed = errors.New("cache: closed")
)

// An Error is a failure of a backend. A driver makes it once, where the failure comes
// out of the client library. It never contains credentials or values, and keys only if
// they are short and printable.
type Error struct {
	Driver string // the name under which the driver is registered
	Op     Op
	Server string // the address of the server; empty if there is none, or more than one
	Err    error  // the cause; errors.Is(Err, ErrUnavailable) reports an outage
}

// Error returns "driver: op: server: cause".
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Driver, e.Op.String(), e.Server} {
		if s != "" {
			b.WriteString(s)
			b.WriteString(": ")
		}
	}
	b.WriteString(e.Err.Error())
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether the cause is a timeout.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Unavailable returns an [Error] that matches both ErrUnavailable and cause.
func Unavailable(driver string, op Op, server string, cause error) *Error {
	return &Error{Driver: driver, Op: op, Server: server, Err: &classified{"server unavailable: ", ErrUnavailable, cause}}
}

// Unreadable returns an [Error] that matches both ErrUnreadable and cause, and names the
// key, shortened.
func Unreadable(driver string, op Op, server, key string, cause error) *Error {
	return &Error{Driver: driver, Op: op, Server: server, Err: &classified{"unreadable value of key " + shortKey(key) + ": ", ErrUnreadable, cause}}
}

// classified adds a sentinel to a cause, in one line of text.
type classified struct {
	prefix   string
	sentinel error
	cause    error
}

func (c *classified) Error() string   { return c.prefix + c.cause.Error() }
func (c *classified) Unwrap() []error { return []error{c.sentinel, c.cause} }
