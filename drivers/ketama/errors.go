package ketama

import (
	"context"
	"errors"
	"reflect"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// fail names the operation and the server of an error that is not an outage.
func (s *server) fail(op cache.Op, err error) error {
	return &driver.Error{Driver: scheme, Op: op, Server: s.name, Err: err}
}

func (s *server) unavailable(op cache.Op, err error) error {
	return driver.Unavailable(scheme, op, s.name, err)
}

// refusal is the error for the status of a reply to command.
func (s *server) refusal(op cache.Op, command wire.Op, st wire.Status) error {
	switch {
	case st == wire.OK:
		return nil
	case st == wire.TooLarge:
		return driver.ErrTooLarge
	case st == wire.NotStored,
		st == wire.Exists && command == wire.Add,
		st == wire.NotFound && command == wire.Replace:
		return driver.ErrNotStored
	case st == wire.NotFound:
		return driver.ErrMiss
	case st == wire.Exists:
		return driver.ErrConflict
	}
	return s.unavailable(op, st)
}

// answer returns the error for an error of rainycape, if that is an answer of the
// server.
func (s *server) answer(op cache.Op, err error) (answer error, ok bool) {
	switch err {
	case memcache.ErrCacheMiss:
		return driver.ErrMiss, true
	case memcache.ErrNotStored:
		return driver.ErrNotStored, true
	case memcache.ErrBadIncrDec:
		return driver.ErrNotNumber, true
	}
	if st, ok := statusOf(err); ok {
		return s.refusal(op, 0, st), true
	}
	return nil, false
}

// noAnswer is the error for an exchange that failed with err, with a timeout that was
// limited by the context's deadline or not.
func (s *server) noAnswer(ctx context.Context, op cache.Op, err error, limited bool) error {
	if done := ctx.Err(); done != nil {
		return s.fail(op, done)
	}
	if limited && timedOut(err) {
		return s.fail(op, context.DeadlineExceeded) // the context's timer is a moment late
	}
	return s.unavailable(op, err)
}

// statusOf finds the status in an error of rainycape. Its type is not exported and has
// no text for most statuses, so the number is read by its kind.
func statusOf(err error) (wire.Status, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Uint16 {
		return 0, false
	}
	return wire.Status(v.Uint()), true
}

// keepsConnection reports whether rainycape keeps the connection after err, as it does
// after a whole reply of an expected kind. It closes it after any other.
func keepsConnection(err error) bool {
	switch err {
	case nil, memcache.ErrCacheMiss, memcache.ErrNotStored, memcache.ErrBadIncrDec:
		return true
	}
	return false
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}
