package wire

import "bytes"

var (
	serverError   = []byte("SERVER_ERROR ")
	tooLarge      = []byte("SERVER_ERROR object too large")
	notNumber     = []byte("CLIENT_ERROR cannot increment or decrement non-numeric value")
	flushDisabled = []byte("CLIENT_ERROR flush_all not allowed")
)

// IsRefusal reports whether line says that the server could not do what was asked. It is
// the reply to one request, and the replies to others follow.
func IsRefusal(line []byte) bool { return bytes.HasPrefix(line, serverError) }

// IsTooLarge reports whether line says that a value is over the limit.
func IsTooLarge(line []byte) bool { return bytes.HasPrefix(line, tooLarge) }

// IsNotNumber reports whether line says that a value cannot be counted.
func IsNotNumber(line []byte) bool { return bytes.HasPrefix(line, notNumber) }

// IsFlushDisabled reports whether line says that the server was told not to flush.
func IsFlushDisabled(line []byte) bool { return bytes.HasPrefix(line, flushDisabled) }
