package guard

import "fmt"

// A Kind says what was wrong with a connection.
type Kind uint8

// The kinds.
const (
	Dial     Kind = iota // it could not be established
	Timeout              // the server did not reply in time
	Lost                 // it was closed or reset
	Protocol             // the server sent an invalid reply
	Rejected             // it was not tried, since the server is known to be down
)

// An Error describes why a connection could not be established or has ended.
type Error struct {
	Server  string
	Kind    Kind
	Err     error
	timeout bool
	unsent  bool // the connection was not established
}

// Unsent reports whether a connection could not be established, so that no request was sent, and
// the host or the server has said so. The attempt may have begun before the call did.
func (e *Error) Unsent() bool { return e.unsent && !e.timeout && (e.Kind == Dial || e.Kind == Lost) }

// Error returns the cause; the server is left to the caller.
func (e *Error) Error() string {
	switch e.Kind {
	case Lost:
		return "connection lost: " + e.Err.Error()
	case Protocol:
		return fmt.Sprintf("invalid reply: %v", e.Err)
	}
	return e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Timeout reports whether something took too long.
func (e *Error) Timeout() bool { return e.timeout }
