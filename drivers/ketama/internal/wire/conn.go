// Package wire speaks the binary protocol of memcached where the client library falls short:
// many keys in one go, replies that prove which request they belong to, and a few commands.
//
// Requests are sent in windows, and the replies to one window are read before the next is
// sent, so that the two sides never wait for each other. Each request has a reply, which
// names the request by its opaque number, and a Get also by its key: a reply cannot be
// missed, or taken for another.
package wire

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/stream"
)

// The bounds of a window. The requests without their values must fit the buffers of a
// socket: a server that waits for its replies to be read does not read. Values may exceed
// that, because requests with values have short replies.
const (
	windowRequests = 256
	windowKeys     = 16 << 10 // bytes, without values
	windowBytes    = 64 << 10
)

// maxReply is longer than any reply of memcached, whose largest item is 1 GiB.
const maxReply = 1<<30 + 1<<10

// ErrMalformed is returned for a reply that does not belong to the request, or is not one of
// this protocol.
var ErrMalformed = errors.New("malformed reply")

// A Conn is a connection to one server.
type Conn struct {
	stream.Stream
	r      *bufio.Reader
	w      []byte // the window as bytes
	sent   []sent // what its replies must match
	opaque uint32 // of the next request
}

type sent struct {
	op  Op
	key string
}

// New returns a connection over nc.
func New(nc net.Conn, number epoch.Number) *Conn {
	c := &Conn{}
	_ = c.Open(context.Background(), nc, number, nil) // without TLS it cannot fail
	c.r = bufio.NewReaderSize((*receiver)(c), 16<<10)
	return c
}

// receiver is a Conn as the io.Reader of its replies.
type receiver Conn

func (r *receiver) Read(p []byte) (int, error) { return (*Conn)(r).Receive(p) }

// Exchange sends the requests that request returns for from, from+1, ... as long as they fit
// one window and are below to, and calls reply with the reply to each, in order. It returns
// the number of the first request without a reply; that is below to without an error when
// the window was full.
func (c *Conn) Exchange(from, to int, request func(i int) Request, reply func(i int, r Reply)) (int, error) {
	first := c.opaque
	c.fill(from, to, request)
	err := c.Send(c.w)
	if cap(c.w) > 2*windowBytes {
		c.w = nil // it held a long value
	}
	if err != nil {
		return from, err
	}
	for i, sent := range c.sent {
		r, err := c.read(sent, first+uint32(i))
		if err != nil {
			return from + i, c.Fail(err)
		}
		c.Progress()
		reply(from+i, r)
	}
	return from + len(c.sent), nil
}

// fill makes a window of requests.
func (c *Conn) fill(from, to int, request func(i int) Request) {
	c.w, c.sent = c.w[:0], c.sent[:0]
	keys := 0
	for i := from; i < to && len(c.sent) < windowRequests; i++ {
		r := request(i)
		keys += r.size()
		if i > from && (keys > windowKeys || len(c.w)+len(r.Value) > windowBytes) {
			return
		}
		c.w = r.appendTo(c.w, c.opaque)
		c.sent = append(c.sent, sent{r.Op, r.Key})
		c.opaque++
	}
}

// read reads the reply to one request.
func (c *Conn) read(request sent, opaque uint32) (Reply, error) {
	b, err := c.r.Peek(headerLen)
	if err != nil {
		return Reply{}, err
	}
	h := readHeader(b)
	if h.magic != replyMagic {
		b, _ = c.r.Peek(min(c.r.Buffered(), maxQuote)) // it is in the buffer
		return Reply{}, fmt.Errorf("%w: not the binary protocol of memcached: %q", ErrMalformed, printable(b))
	}
	c.r.Discard(headerLen) //nolint:errcheck // it is in the buffer
	if problem := h.check(request, opaque); problem != "" {
		return Reply{}, fmt.Errorf("%w: %s", ErrMalformed, problem)
	}
	r := Reply{Status: h.status, CAS: h.cas}
	if request.op.reads() && h.status == OK {
		err = c.readItem(h, request.key, &r)
	} else {
		_, err = c.r.Discard(int(h.body)) // the text of an error, or nothing
	}
	return r, err
}

// maxQuote bounds in bytes how much of a reply in another protocol an error quotes: enough for
// "ERROR Too many open connections".
const maxQuote = 60

// printable returns b up to the first byte that is not printable ASCII.
func printable(b []byte) []byte {
	end := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r > '~' })
	if end < 0 {
		return b
	}
	return b[:end]
}

// check returns what is wrong with a header other than its first byte.
func (h header) check(request sent, opaque uint32) string {
	switch {
	case h.op != request.op || h.opaque != opaque:
		return "it belongs to another request"
	case h.body > maxReply || uint32(h.extras+h.key) > h.body:
		return "the lengths make no sense"
	case request.op.reads() && h.status == OK && (h.extras != 4 || h.key != len(request.key)):
		return "it is not that of a get of this key"
	}
	return ""
}

// readItem reads the body of the reply to a Get: flags, key, value.
func (c *Conn) readItem(h header, key string, r *Reply) error {
	b, err := c.r.Peek(h.extras + h.key)
	if err != nil {
		return err
	}
	r.Flags = binary.BigEndian.Uint32(b)
	if string(b[h.extras:]) != key {
		return fmt.Errorf("%w: it is that of a get of another key", ErrMalformed)
	}
	c.r.Discard(len(b)) //nolint:errcheck // they are in the buffer
	r.Value, err = c.readValue(int(h.body) - h.extras - h.key)
	return err
}

// readValue reads n bytes. It makes room only for what has come, except for values that any
// server may hold.
func (c *Conn) readValue(n int) ([]byte, error) {
	const trusted = 1 << 20
	if n <= trusted {
		v := make([]byte, n)
		_, err := io.ReadFull(c.r, v)
		return v, err
	}
	var v bytes.Buffer
	_, err := io.CopyN(&v, c.r, int64(n))
	return v.Bytes(), err
}
