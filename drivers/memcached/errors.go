package memcached

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// NotSent reports whether err, the error of a change of one key, says that the change had no
// effect because no part of the request has reached the server. The change can be repeated
// safely. For a batch, call it with the error of a key in the [cache.MultiError].
func NotSent(err error) bool {
	var o *outcome
	return errors.As(err, &o) && !o.ambiguous
}

// outcome adds to the failure of an operation that changes something whether it may have
// taken effect.
type outcome struct {
	err       error
	ambiguous bool
}

func (o *outcome) Error() string {
	if o.ambiguous {
		return o.err.Error() + " (the operation may have taken effect)"
	}
	return o.err.Error() + " (not sent)"
}

func (o *outcome) Unwrap() error { return o.err }

// changes reports whether op changes what a server holds.
func changes(op cache.Op) bool {
	switch op {
	case cache.OpGet, cache.OpGetMulti, cache.OpGetItem, cache.OpGetItemMulti, cache.OpPing, cache.OpStats:
		return false
	}
	return true
}

// failed returns the error of an operation whose request has no reply.
func (d *driverCache) failed(op cache.Op, s *cluster.Server, key string, f *cluster.Failure) error {
	if errors.Is(f.Err, driver.ErrClosed) {
		return driver.ErrClosed
	}
	err := f.Err
	if changes(op) {
		err = &outcome{err, !f.Unsent}
		if key != "" && d.onWriteFailure != nil {
			d.onWriteFailure(key, op, !f.Unsent)
		}
	}
	if f.Ended {
		return fail(op, s, err)
	}
	return driver.Unavailable(name, op, s.Name, err)
}

// fail names the operation and the server of an error that is not an outage.
func fail(op cache.Op, s *cluster.Server, err error) error {
	return &driver.Error{Driver: name, Op: op, Server: s.Name, Err: err}
}

// unresolved returns the error of an operation on these keys without a list of servers.
func (d *driverCache) unresolved(ctx context.Context, op cache.Op, err error, keys ...string) error {
	if errors.Is(err, driver.ErrClosed) {
		return driver.ErrClosed
	}
	if changes(op) {
		err = &outcome{err, false}
		for _, key := range keys {
			if d.onWriteFailure != nil {
				d.onWriteFailure(key, op, false)
			}
		}
	}
	switch {
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return &driver.Error{Driver: name, Op: op, Err: err}
	}
	return driver.Unavailable(name, op, "", err)
}

// refused returns the error for a reply that says that the server did not do it.
func refused(op cache.Op, s *cluster.Server, r *protocol.Reply) error {
	switch r.Status {
	case protocol.OK, protocol.Found:
		return nil
	case protocol.Miss:
		return driver.ErrMiss
	case protocol.NotStored:
		return driver.ErrNotStored
	case protocol.Exists:
		return driver.ErrConflict
	case protocol.NotNumber:
		return driver.ErrNotNumber
	case protocol.TooLarge:
		return driver.ErrTooLarge
	}
	return driver.Unavailable(name, op, s.Name, errors.New("the server failed: "+r.Text()))
}

// notStored is refused for the reply to a store of a value of n bytes.
func notStored(op cache.Op, s *cluster.Server, r *protocol.Reply, n int) error {
	err := refused(op, s, r)
	if err == driver.ErrTooLarge {
		return fail(op, s, memcached.TooLarge(n))
	}
	return err
}

// tooLong returns the error for a value that is too long to be sent.
func tooLong(op cache.Op, value []byte) error {
	return &driver.Error{Driver: name, Op: op, Err: memcached.TooLarge(len(value))}
}

// remember notes a delete that failed with err, to be done when the server is back.
func (d *driverCache) remember(s *cluster.Server, key string, err error) {
	if s != nil && err != driver.ErrClosed {
		s.Remember(key)
	}
}
