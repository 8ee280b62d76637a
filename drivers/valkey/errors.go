package valkey

import (
	"context"
	"errors"
	"net"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// unavailable are the codes of error replies that say that the server cannot do its work
// now, whatever the request.
var unavailable = map[string]bool{
	"BUSY":        true, // a script runs for too long
	"CLUSTERDOWN": true,
	"LOADING":     true, // the data is being read from disk
	"MASTERDOWN":  true,
	"MISCONF":     true, // it cannot save to disk and refuses writes
	"NOAUTH":      true, // the password may be changing
	"NOREPLICAS":  true,
	"OOM":         true, // the memory is full and nothing can be evicted
	"READONLY":    true, // it is a replica
	"TRYAGAIN":    true, // a slot is moving
	"WRONGPASS":   true,
	"MOVED":       true, // redirected too often, or see hint
	"ASK":         true,
}

// hints say what to do about an error reply.
var hints = map[string]string{
	"MOVED":    "a node of a cluster needs cluster=true",
	"ASK":      "a node of a cluster needs cluster=true",
	"READONLY": "the server is a replica",
}

// failure converts the error of a request to an error of package driver.
func (s *store) failure(ctx context.Context, op cache.Op, err error) error {
	if s.closed.Load() || errors.Is(err, driver.ErrClosed) {
		return driver.ErrClosed
	}
	var e *driver.Error
	if errors.As(err, &e) {
		return e // it is one already
	}
	server := s.single
	var g *guard.Error
	var n *nodeError
	switch {
	case errors.As(err, &g):
		server = g.Server
	case errors.As(err, &n):
		server, err = n.server, n.err
	}
	var t *trackingError
	if errors.As(err, &t) {
		return &driver.Error{Driver: name, Op: op, Server: t.server, Err: err}
	}
	if done := ctx.Err(); done != nil {
		s.dialer.Count(server, func(f *driver.Failures) { f.Canceled++ })
		return &driver.Error{Driver: name, Op: op, Server: server, Err: done}
	}
	if e, ok := err.(serverError); ok {
		return s.refusal(op, server, e)
	}
	if g != nil {
		s.dialer.Count(server, func(f *driver.Failures) { count(f, g) })
	}
	return driver.Unavailable(name, op, server, err)
}

// A nodeError says on which server something failed.
type nodeError struct {
	server string
	err    error
}

func (n *nodeError) Error() string { return n.err.Error() }
func (n *nodeError) Unwrap() error { return n.err }

func count(f *driver.Failures, g *guard.Error) {
	switch {
	case g.Kind == guard.Dial:
		f.Dial++
	case g.Kind == guard.Timeout:
		f.Timeout++
	case g.Kind == guard.Protocol:
		f.Protocol++
	case g.Kind == guard.Rejected:
		f.Rejected++
	default:
		f.Lost++
	}
}

// refusal is the error for an error reply.
func (s *store) refusal(op cache.Op, server string, e serverError) error {
	code := e.code()
	var err error = e
	if hint := hints[code]; hint != "" && s.single != "" {
		err = &hinted{e, hint}
	}
	if code == "READONLY" && s.single != "" {
		// The name of the server may by now lead to another one.
		s.dialer.Drop(s.single)
	}
	if unavailable[code] || e == "max number of clients reached" {
		return driver.Unavailable(name, op, server, err)
	}
	return &driver.Error{Driver: name, Op: op, Server: server, Err: err}
}

// naming returns err with the key, as ErrUnreadable, if it says that the key holds another type
// than a string.
func naming(key string, err error) error {
	e, ok := err.(*driver.Error)
	if !ok {
		return err
	}
	if refused, ok := e.Err.(serverError); !ok || refused.code() != "WRONGTYPE" {
		return err
	}
	return driver.Unreadable(e.Driver, e.Op, e.Server, key, e.Err)
}

// A hinted error says what to do about it.
type hinted struct {
	error
	hint string
}

func (h *hinted) Error() string { return h.error.Error() + " (" + h.hint + ")" }
func (h *hinted) Unwrap() error { return h.error }

// noScript reports whether the server does not know a script.
func noScript(err error) bool {
	e, ok := err.(serverError)
	return ok && e.code() == "NOSCRIPT"
}

// lostConnection reports whether a connection was closed during the call: by the server,
// or by the library when it learned that another server has taken over.
func lostConnection(err error) bool {
	var g *guard.Error
	if errors.As(err, &g) {
		return g.Kind == guard.Lost
	}
	return stopped(err) || errors.Is(err, net.ErrClosed)
}

// unsent reports whether err is that of an attempt to connect, before any request.
func unsent(err error) bool {
	var g *guard.Error
	return errors.As(err, &g) && g.Unsent()
}

// foreignContext reports whether err is the end of a context, which is not that of the
// caller: the library hands it to all who wait for the same connection.
func foreignContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
