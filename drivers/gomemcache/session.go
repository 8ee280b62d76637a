package gomemcache

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// cancelCheck is how long a call that waits may go without noticing that its context
// was cancelled. A wait that the library cannot be woken from is cut in pieces of this
// length, which costs nothing where the server answers sooner, and no goroutine.
const cancelCheck = 20 * time.Millisecond

// idleCheck is how long a connection may be unused and still be used again without a
// look at what the server did meanwhile. The look costs a system call, so connections
// that are used all the time go without; no server comes back sooner after a restart.
// Only tests change it.
var idleCheck = time.Millisecond

// errIdle is a connection that was not fit for use before anything was sent on it.
var errIdle = errors.New("the server closed the connection, or sent something, between two calls")

// session is one connection with a client of the library all for itself, which it
// serves as the net.Conn: so it knows which call it is used for. One goroutine uses it
// at a time.
type session struct {
	server *server
	client *memcache.Client
	conn   net.Conn      // nil until the first call connects
	raw    net.Conn      // below TLS; otherwise conn
	item   memcache.Item // to be filled in for a store, which saves making one

	reply reply
	lines lines
	ahead bytes.Buffer // of the reply, for the library to read next

	// Of the call that runs. The library has no place for a context, so it waits
	// here.
	ctx      context.Context
	batch    bool      // the deadline moves on with every value
	reused   bool      // the connection has served a call before
	limit    time.Time // of the call, noted when it connected; zero otherwise
	deadline time.Time // zero until the library sets one
	started  time.Time // about when the deadline was set; from the call before, until then
	applied  time.Time // the deadline for reading that conn has
	failure  error     // the first of the connection

	// limitedByContext says that the deadline is that of the context.
	limitedByContext bool
}

func newSession(s *server) *session {
	c := &session{server: s}
	c.client = memcache.NewFromSelector(&s.address)
	c.client.DialContext = c.dial
	c.client.Timeout = s.timeout
	c.client.MaxIdleConns = 1
	return c
}

// begin prepares for a request.
func (c *session) begin(ctx context.Context, r request) {
	c.ctx = ctx
	c.batch = r.batch
	c.reused = c.conn != nil
	c.limit, c.deadline, c.applied = time.Time{}, time.Time{}, time.Time{}
	c.failure, c.limitedByContext = nil, false
	c.reply.begin(r.want)
}

// end forgets the call.
func (c *session) end() { c.ctx = nil }

// exchange sends requests in one piece and gives f the lines of the replies, of which
// each request has one. An error of f ends it.
func (c *session) exchange(requests []byte, replies int, f func(i int, line []byte) error) error {
	if _, err := c.dial(c.ctx, "", ""); err != nil {
		return err
	}
	if err := c.SetDeadline(time.Now().Add(c.server.timeout)); err != nil {
		return err
	}
	if _, err := c.Write(requests); err != nil {
		return err
	}
	c.lines.begin(replies)
	for !c.lines.finished() {
		n, err := c.receive(c.lines.space())
		if err != nil {
			return err
		}
		c.reply.started = true
		answered := c.lines.next
		if err := c.lines.read(n, f); err != nil {
			return c.fail(err)
		}
		if c.lines.next == answered {
			continue // a part of a line: a server that drips them gets no more time
		}
		if err := c.SetDeadline(time.Now().Add(c.server.timeout)); err != nil {
			return err
		}
	}
	return nil
}

// close closes the connection for good. What an error of it could say was said by the
// call that caused it.
func (c *session) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
}

// dial connects, if that is still to be done. Connecting and the request share one
// timeout; the library would give them one each.
func (c *session) dial(context.Context, string, string) (net.Conn, error) {
	if c.conn != nil {
		return c, nil
	}
	c.limit = c.within(time.Now().Add(c.server.timeout))
	ctx, cancel := context.WithDeadline(c.ctx, c.limit)
	defer cancel()
	if err := c.connect(ctx); err != nil {
		return nil, c.fail(err)
	}
	return c, nil
}

func (c *session) connect(ctx context.Context) error {
	var d net.Dialer
	raw, err := d.DialContext(ctx, c.server.network, c.server.addr)
	if err != nil {
		return err
	}
	if c.server.secure == nil {
		c.conn, c.raw = raw, raw
		return nil
	}
	secure := tls.Client(raw, c.server.secure)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake is what failed
		return err
	}
	c.conn, c.raw = secure, raw
	return nil
}

// fail notes the first failure of the connection during the call.
func (c *session) fail(err error) error {
	if c.failure == nil {
		c.failure = err
	}
	return err
}

// SetDeadline notes the deadline for the next Read and Write. The library sets one
// when a call begins and before every line of a reply.
func (c *session) SetDeadline(t time.Time) error {
	if !c.deadline.IsZero() && !c.batch {
		return nil // one timeout for the whole call
	}
	started := t.Add(-c.server.timeout)
	if c.reused && c.deadline.IsZero() && started.Sub(c.started) > idleCheck {
		closed, bytes := pending(c.raw)
		// Below TLS there may be bytes that are no reply.
		if closed || bytes && c.server.secure == nil {
			_ = c.fail(errIdle) // Write says it
		}
	}
	c.started = started
	if !c.limit.IsZero() {
		t, c.limit = c.limit, time.Time{}
	}
	c.deadline = c.within(t)
	return nil
}

// within returns the earlier of t and the deadline of the context.
func (c *session) within(t time.Time) time.Time {
	d, ok := c.ctx.Deadline()
	c.limitedByContext = ok && !t.Before(d)
	if c.limitedByContext {
		return d
	}
	return t
}

// Write sends a part of a request.
func (c *session) Write(p []byte) (int, error) {
	if c.failure != nil {
		return 0, c.failure
	}
	if c.applied.IsZero() {
		if err := c.conn.SetDeadline(c.deadline); err != nil {
			return 0, c.fail(err)
		}
		c.applied = c.deadline
	}
	n, err := c.conn.Write(p)
	if err != nil {
		err = c.fail(err)
	}
	return n, err
}

// Read receives a part of the reply, for the library.
func (c *session) Read(p []byte) (int, error) {
	if c.ahead.Len() > 0 {
		return c.ahead.Read(p)
	}
	c.ahead = bytes.Buffer{} // lets go of a long value
	n, err := c.receive(p)
	if err != nil {
		return 0, err
	}
	if err := c.reply.read(p[:n]); err != nil {
		return 0, c.fail(err)
	}
	if err := c.readAhead(); err != nil {
		return 0, err
	}
	return n, nil
}

// trusted is how much of a value the library may make room for before it has arrived:
// as much as a server holds unless it was told otherwise (-I).
const trusted = 1 << 20

// readAhead receives a long value before the library reads its length, as it makes room
// for whatever length is claimed.
func (c *session) readAhead() error {
	for c.reply.skip > trusted {
		c.ahead.Grow(trusted)
		b := c.ahead.AvailableBuffer()[:trusted]
		n, err := c.receive(b)
		if err != nil {
			return err
		}
		if err := c.reply.read(b[:n]); err != nil {
			return c.fail(err)
		}
		c.ahead.Write(b[:n])
	}
	return nil
}

// receive reads at least one byte. It looks at the context every so often.
func (c *session) receive(p []byte) (int, error) {
	until := c.deadline
	if c.ctx.Done() != nil {
		until = earlier(c.deadline, c.started.Add(cancelCheck))
	}
	for {
		if !until.Equal(c.applied) {
			if err := c.conn.SetReadDeadline(until); err != nil {
				return 0, c.fail(err)
			}
			c.applied = until
		}
		n, err := c.conn.Read(p)
		if n > 0 {
			return n, nil // an error comes again with the next read
		}
		if err == nil {
			continue
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || until.Equal(c.deadline) || c.ctx.Err() != nil {
			return 0, c.fail(err)
		}
		until = earlier(c.deadline, time.Now().Add(cancelCheck))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// Close is the library giving up the connection after an error.
func (c *session) Close() error { return c.conn.Close() }

// LocalAddr, RemoteAddr, SetReadDeadline and SetWriteDeadline make a session a
// net.Conn. The library does not call them.

func (c *session) LocalAddr() net.Addr                { return c.conn.LocalAddr() }
func (c *session) RemoteAddr() net.Addr               { return c.conn.RemoteAddr() }
func (c *session) SetReadDeadline(t time.Time) error  { return c.SetDeadline(t) }
func (c *session) SetWriteDeadline(t time.Time) error { return c.SetDeadline(t) }
