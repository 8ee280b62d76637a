// Package conn provides a connection to memcached that the client library and the driver share.
//
// The library has a pool of connections, in which a call cannot tell which connection it
// got: so the driver could not end the call with its context, nor name the server in an
// error, nor close a connection that went wrong. Here each connection has a client of the
// library for itself, and is the net.Conn that this client uses: so it knows which call
// each read and write belongs to.
package conn

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"

	"github.com/bradfitz/gomemcache/memcache"

	"github.com/larder-go/larder/drivers/gomemcache/internal/wire"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/stream"
)

// A Conn is a connection. It is used by one goroutine at a time, and for one call at a
// time, between Begin and End.
type Conn struct {
	stream.Stream

	// Client is a client of the library whose only connection this is.
	Client *memcache.Client
	// Item is a place for what is to be stored, which saves making one.
	Item memcache.Item

	reply wire.Reply   // to a request of the library
	ahead bytes.Buffer // of that reply, for the library to read next

	reader *wire.Reader // for the requests of the driver itself; nil until it is needed
}

// New returns a connection over nc, to the server that addr names. With a TLS configuration
// it does the handshake first.
func New(ctx context.Context, nc net.Conn, config *tls.Config, addr net.Addr, number epoch.Number) (*Conn, error) {
	c := &Conn{}
	if err := c.Open(ctx, nc, number, config); err != nil {
		return nil, err
	}
	c.Client = memcache.NewFromSelector(only{addr})
	c.Client.DialContext = func(context.Context, string, string) (net.Conn, error) { return (*library)(c), nil }
	c.Client.MaxIdleConns = 1
	return c, nil
}

// only is a selector of one server.
type only struct{ net.Addr }

func (o only) PickServer(string) (net.Addr, error) { return o.Addr, nil }
func (o only) Each(f func(net.Addr) error) error   { return f(o.Addr) }

// Begin begins a call that was started. For a request of the library, values is the largest
// number of values that the reply may have.
func (c *Conn) Begin(call endpoint.Call, values int) {
	c.Stream.Begin(call)
	c.reply.Begin(values)
}

// End ends the call, and forgets it and what was stored. It returns the call and the first
// failure of the connection during it.
func (c *Conn) End() (endpoint.Call, error) {
	c.Item = memcache.Item{}
	return c.Stream.End()
}

// Reply returns what is known of the reply to a request of the library.
func (c *Conn) Reply() *wire.Reply { return &c.reply }

// Exchange sends requests of the driver itself, in one piece, and calls read to read the
// replies to all of them. An error of read fails the connection.
func (c *Conn) Exchange(requests []byte, read func(r *wire.Reader) error) error {
	if c.reader == nil {
		c.reader = wire.NewReader((*replies)(c))
	}
	if err := c.Send(requests); err != nil {
		return err
	}
	if err := read(c.reader); err != nil {
		return c.Fail(err)
	}
	if !c.reader.Empty() {
		return c.Fail(wire.ErrExcess)
	}
	return nil
}

// replies is a Conn as the io.Reader of its replies.
type replies Conn

func (r *replies) Read(p []byte) (int, error) { return (*Conn)(r).Receive(p) }
