package conn

import (
	"bytes"
	"net"
	"time"

	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
)

// library is a Conn as the client library uses it. TestCallsOfTheLibrary lists the calls that
// the library makes, in order.
type library Conn

// Write sends a part of a request.
func (l *library) Write(p []byte) (int, error) {
	if err := (*Conn)(l).Send(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// Read receives a part of the reply.
func (l *library) Read(p []byte) (int, error) {
	c := (*Conn)(l)
	if c.ahead.Len() > 0 {
		n, err := c.ahead.Read(p)
		if c.ahead.Len() == 0 {
			c.ahead = bytes.Buffer{} // lets go of a long value
		}
		return n, err
	}
	n, err := c.Receive(p)
	if err != nil {
		return 0, err
	}
	if err := c.reply.Read(p[:n]); err != nil {
		return 0, c.Fail(err)
	}
	if c.reply.Missing() > wire.Trusted {
		if err := c.readAhead(); err != nil {
			return 0, err
		}
	}
	return n, nil
}

// readAhead receives a long value before the library reads its length, because it makes
// room for whatever length is claimed.
func (c *Conn) readAhead() error {
	for c.reply.Missing() > wire.Trusted {
		c.ahead.Grow(wire.Trusted)
		b := c.ahead.AvailableBuffer()[:wire.Trusted]
		n, err := c.Receive(b)
		if err != nil {
			return err
		}
		if err := c.reply.Read(b[:n]); err != nil {
			return c.Fail(err)
		}
		c.ahead.Write(b[:n])
	}
	return nil
}

// Close is called by the library when it gives the connection up, after an error. That is
// for the driver to decide: the next call gets the connection from DialContext again.
func (l *library) Close() error { return nil }

// SetDeadline is called by the library when a call begins, and before each line of a reply.
// The driver sets deadlines itself, one for a whole call.
func (l *library) SetDeadline(time.Time) error { return nil }

// The library does not call these.

func (l *library) LocalAddr() net.Addr              { return (*Conn)(l).Stream.LocalAddr() }
func (l *library) RemoteAddr() net.Addr             { return (*Conn)(l).Stream.RemoteAddr() }
func (l *library) SetReadDeadline(time.Time) error  { return nil }
func (l *library) SetWriteDeadline(time.Time) error { return nil }
