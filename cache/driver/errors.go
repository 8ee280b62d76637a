package driver

import (
	"errors"
	"strings"
)

// The sentinel errors, to be tested with errors.Is. Package cache exports the same
// values.
var (
	// ErrMiss: the key is absent, or expired.
	ErrMiss = errors.New("cache: miss")
	// ErrNotStored: Add found the key present, or Replace found it absent.
	ErrNotStored = errors.New("cache: not stored")
	// ErrConflict: the item was changed since it was read.
	ErrConflict = errors.New("cache: item changed since it was read")
	// ErrNotNumber: the value at the key is not a decimal number of 64 bits.
	ErrNotNumber = errors.New("cache: value is not a decimal number")
	// ErrInvalidKey: the key, once encoded, is not 1 to 250 bytes without
	// blanks and control characters.
	ErrInvalidKey = errors.New("cache: invalid key")
	// ErrInvalidTTL: the time to live is negative.
	ErrInvalidTTL = errors.New("cache: invalid TTL")
	// ErrTooLarge: the value is over the limit of the backend.
	ErrTooLarge = errors.New("cache: value too large")
	// ErrUnavailable: a server did not answer as it should: it is down, silent,
	// talks nonsense, or no connection to it was free in time. What the
	// operation did there is unknown.
	ErrUnavailable = errors.New("cache: server unavailable")
	// ErrClosed: the cache was closed.
	ErrClosed = errors.New("cache: closed")
)

// Error is a failure of a backend. A driver makes it once, where the failure comes
// out of the client library. It never holds credentials or values, and keys only
// where they are short and printable.
type Error struct {
	Driver string // the driver's name, as registered
	Op     string // the operation: "get", "set", ...
	Server string // the server's address; empty where there is none, or more than one
	Err    error  // the cause; errors.Is(Err, ErrUnavailable) for an outage
}

// Error returns "driver: op: server: cause".
func (e *Error) Error() string {
	var b strings.Builder
	for _, s := range []string{e.Driver, e.Op, e.Server} {
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

// Timeout reports whether the cause was a time-out.
func (e *Error) Timeout() bool {
	var t interface{ Timeout() bool }
	return errors.As(e.Err, &t) && t.Timeout()
}

// Unavailable returns an [Error] whose cause satisfies both
// errors.Is(err, ErrUnavailable) and errors.Is(err, cause).
func Unavailable(driver, op, server string, cause error) *Error {
	return &Error{Driver: driver, Op: op, Server: server, Err: outage{cause}}
}

// outage joins ErrUnavailable and a cause in one line of text.
type outage struct{ cause error }

func (o outage) Error() string   { return "server unavailable: " + o.cause.Error() }
func (o outage) Unwrap() []error { return []error{ErrUnavailable, o.cause} }
