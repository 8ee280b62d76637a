package guard

import (
	"errors"
	"net"
	"os"
	"sync"
	"time"
)

const (
	// A reply that arrives in pieces of this size counts as one that arrives.
	progress = 64 << 10
	// A deadline is extended while at least this many bytes a second are sent.
	sendRate = 8 << 20
)

// A Conn is a connection that the client library reads and writes. It follows both
// streams, so that it knows how many replies the server owes:
//
//   - A server that owes a reply and sends nothing for the timeout loses the connection,
//     and with it every call that waits. A server that sends is given the time it takes.
//   - A reply that is malformed, announces too much or was not asked for ends the
//     connection. The library would panic, in a goroutine that nobody can recover.
type Conn struct {
	net.Conn
	server *server
	loose  bool // of a Sentinel: subscriptions do not follow the rule of one reply a request

	mu       sync.Mutex
	requests scanner
	replies  scanner
	owed     int       // requests without a reply
	since    time.Time // the last progress of the server while it owes something
	sent     int       // bytes sent after that
	partial  int       // bytes of the reply that is arriving
	warned   bool      // the timeout has passed, and was extended a little
	limit    time.Time // the deadline of the library
	begun    time.Time // the end of the time for the handshake; zero when it is over
	deadline time.Time // what the connection was told; zero if it was not
	closed   bool
}

func newConn(c net.Conn, s *server, loose bool, handshake time.Time) *Conn {
	return &Conn{
		Conn: c, server: s, loose: loose, begun: handshake,
		requests: scanner{maxString: 1 << 62}, replies: scanner{maxString: s.dialer.maxReply},
	}
}

// Write sends requests.
func (c *Conn) Write(p []byte) (int, error) {
	if err := c.sends(p); err != nil {
		return 0, c.failure(Protocol, err)
	}
	n, err := c.Conn.Write(p)
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = c.failure(Lost, err)
	}
	return n, err
}

// sends notes the requests before they are sent: a reply may come at once.
func (c *Conn) sends(p []byte) error {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil // writing fails
	}
	n := 1
	if !c.loose {
		var err error
		if n, err = c.requests.scan(p); err != nil {
			return err
		}
	}
	if c.owed == 0 {
		c.renew(now)
	}
	c.sent += len(p)
	c.owed += n
	if c.deadline.IsZero() {
		c.arm(c.end())
	}
	return nil
}

// Read receives replies.
func (c *Conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if n > 0 {
			if err := c.received(p[:n]); err != nil {
				return 0, c.failure(Protocol, err)
			}
			return n, nil // an error comes again
		}
		if err == nil {
			return 0, nil
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return 0, c.failure(Lost, err)
		}
		switch c.expired(time.Now()) {
		case waiting:
		case late:
			return 0, err // the library knows whose deadline it was
		case silent:
			return 0, c.failure(Timeout, noReply(c.server.dialer.timeout))
		}
	}
}

func (c *Conn) received(p []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	if c.loose {
		c.renew(time.Now())
		c.owed = 0
		c.established()
		return nil
	}
	n, err := c.replies.scan(p)
	if err != nil {
		return err
	}
	if n > c.owed {
		return errors.New("it belongs to no request")
	}
	c.owed -= n
	if c.partial += len(p); n > 0 || c.partial >= progress {
		c.renew(time.Now())
	}
	if n > 0 {
		c.established()
	}
	return nil
}

// established ends the handshake: the server has replied.
func (c *Conn) established() {
	if !c.begun.IsZero() {
		c.begun = time.Time{}
		c.server.dialer.slow.Add(-1)
	}
	c.server.replied()
}

// renew notes that the server makes progress.
func (c *Conn) renew(now time.Time) {
	c.since, c.sent, c.partial, c.warned = now, 0, 0, false
}

// end returns when the connection fails unless something happens before, or zero.
func (c *Conn) end() time.Time {
	end := c.limit
	if c.owed > 0 {
		wait := c.server.dialer.timeout + time.Duration(c.sent)*time.Second/sendRate
		end = earlier(end, c.since.Add(wait))
	}
	return earlier(end, c.begun)
}

// arm makes reading end at t. It is called only when the deadline has passed or there is
// none: a later end is found out when it passes, which costs less than to move it with
// every request.
func (c *Conn) arm(t time.Time) {
	c.deadline = t
	_ = c.Conn.SetReadDeadline(t) // fails only on a closed connection, as reading does
}

// A verdict is the consequence of a deadline that has passed.
type verdict uint8

const (
	waiting verdict = iota // nothing: it was not the end
	late                   // the deadline of the library
	silent                 // the server has not replied in time
)

func (c *Conn) expired(now time.Time) verdict {
	c.mu.Lock()
	defer c.mu.Unlock()
	end := c.end()
	switch {
	case end.IsZero() || now.Before(end):
		c.arm(end)
		return waiting
	case !c.begun.IsZero() && !now.Before(c.begun):
	case !c.limit.IsZero() && !now.Before(c.limit):
		return late
	case !c.warned:
		// It may be this process that was stopped or starved of time, with the reply
		// already here.
		c.warned = true
		c.arm(now.Add(c.server.dialer.timeout / 16))
		return waiting
	}
	c.server.silences.Add(1)
	return silent
}

// SetDeadline is called by the library for the handshake, with the deadline of the caller that
// needs the connection first. It is ignored during the handshake, for which others wait as
// well: begun bounds that.
func (c *Conn) SetDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.limit = t; !c.begun.IsZero() {
		c.limit = time.Time{}
	}
	c.arm(c.end())
	return c.Conn.SetWriteDeadline(c.end())
}

// Close closes the connection.
func (c *Conn) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	if first {
		c.owed = 0
		if !c.begun.IsZero() { // the handshake fails
			c.begun = time.Time{}
			c.server.dialer.slow.Add(-1)
		}
	}
	c.mu.Unlock()
	if first {
		c.server.remove(c)
	}
	return c.Conn.Close()
}

// owes reports whether the server owes a reply.
func (c *Conn) owes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed > 0
}

func (c *Conn) failure(kind Kind, err error) *Error { return c.server.failure(kind, err) }

// earlier returns the earlier of two times. The zero time means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
