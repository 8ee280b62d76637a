package gomemcache

import (
	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// refusal ends a call to which the library returned an error that is not one of the usual
// replies. It returns the error of the call, and whether the connection is in order: whether
// the reply was a whole one, and the server read all of the request.
func (s *server) refusal(call *endpoint.Call, c *conn.Conn, libraryErr error) (err error, inOrder bool) {
	reply := c.Reply()
	switch {
	case !reply.Started(): // nothing was sent
		call.Abandoned()
		return s.Fail(call.Op, libraryErr), false
	case !reply.Finished():
		return call.Failed(wire.ErrMalformed), false
	}
	call.Done()
	status := reply.Status()
	switch {
	case wire.IsNotNumber(status):
		return driver.ErrNotNumber, true
	case wire.IsFlushDisabled(status):
		return s.Fail(call.Op, memcached.ErrFlushDisabled), true
	case wire.IsRefusal(status):
		return s.refused(call.Op, status), true
	}
	// The server may have read a part of the request as a command.
	return s.Refused(call.Op, wire.Unexpected(status)), false
}

// refused returns the error for a line that says that the server could not do something.
func (s *server) refused(op cache.Op, line []byte) error {
	if wire.IsTooLarge(line) {
		return driver.ErrTooLarge
	}
	return s.Refused(op, wire.Unexpected(line))
}
