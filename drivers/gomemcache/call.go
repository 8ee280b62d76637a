package gomemcache

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"syscall"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// request is what is said of one request to a server beside its contents.
type request struct {
	op    cache.Op
	want  int  // values in the reply, at most
	batch bool // the timeout is for each value, or answer, and not for the whole

	// again allows a second try where an idle connection turns out to have been
	// closed by the server. It may have carried out the first before that, so this
	// is for requests that are as good twice as once.
	again bool
}

// do runs f with a connection to s. F answers nil, a sentinel of package driver, or
// whatever error the library gave; do answers nil, a bare sentinel or a *driver.Error.
func (s *server) do(ctx context.Context, r request, f func(*session) error) error {
	end, err := s.acquire().run(ctx, r, f)
	if end == fine {
		return err
	}
	if end != failed {
		s.dropIdle()
	}
	if end == unsent || end == stale && r.again {
		_, err = newSession(s).run(ctx, r, f)
	}
	return err
}

// ending is how a try ended.
type ending uint8

const (
	fine   ending = iota // with an answer
	failed               // the connection, the server or the context failed
	stale                // the server closed the connection, perhaps before the request
	unsent               // it certainly did: the request was not sent
)

// run makes one try. Afterwards the connection waits for the next call, or is closed.
func (c *session) run(ctx context.Context, r request, f func(*session) error) (end ending, err error) {
	c.begin(ctx, r)
	answer := f(c)
	if c.failure == nil && inOrder(answer) {
		c.end()
		c.server.release(c)
		return fine, answer
	}
	err = c.explain(r.op, answer)
	switch {
	case c.failure == errIdle:
		end = unsent
	case c.reused && !c.reply.started && isClosed(c.failure):
		end = stale
	default:
		end = failed
	}
	c.end()
	c.close()
	return end, err
}

// inOrder reports whether err is an answer after which the connection goes on.
func inOrder(err error) bool {
	return err == nil || err == driver.ErrMiss || err == driver.ErrNotStored || err == driver.ErrConflict
}

// isClosed reports whether err says that the server has closed the connection.
func isClosed(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE)
}

var (
	tooLarge  = []byte("SERVER_ERROR object too large for cache")
	notNumber = []byte("CLIENT_ERROR cannot increment or decrement non-numeric value")
)

// explain makes the error of a request that failed: for a failure of the connection,
// or else for a reply that is not one of those that f has a name for.
func (c *session) explain(op cache.Op, answer error) error {
	if c.failure != nil {
		if err := c.ctx.Err(); err != nil {
			return c.server.error(op, err)
		}
		// The deadline of a context reaches the connection a moment before the
		// context itself has passed it.
		var timeout net.Error
		if c.limitedByContext && errors.As(c.failure, &timeout) && timeout.Timeout() {
			return c.server.error(op, context.DeadlineExceeded)
		}
		return driver.Unavailable(driverName, op, c.server.addr, c.failure)
	}
	switch {
	case !c.reply.started: // the library did not get as far as sending something
		return c.server.error(op, answer)
	case !c.reply.finished:
		return driver.Unavailable(driverName, op, c.server.addr, errMalformed)
	case bytes.HasPrefix(c.reply.status, tooLarge):
		return driver.ErrTooLarge
	case bytes.HasPrefix(c.reply.status, notNumber):
		return driver.ErrNotNumber
	}
	return driver.Unavailable(driverName, op, c.server.addr, unexpected(c.reply.status))
}

// error is a failure that does not mean an outage.
func (s *server) error(op cache.Op, cause error) error {
	return &driver.Error{Driver: driverName, Op: op, Server: s.addr, Err: cause}
}
