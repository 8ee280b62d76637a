// Package wire speaks the binary protocol of memcached where the client library falls
// short: many keys in one go, replies that prove whose they are, and a few commands.
//
// Requests are sent in windows and the replies to one window are read before the next
// is sent, so that the two sides never wait for each other. Each request has a reply,
// which names the request by its opaque number, and a Get also by its key: an answer
// cannot be missed or taken for another.
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
	"sync/atomic"
	"time"
)

// The bounds of a window. The requests without their values must fit the buffers of a
// socket: a server that waits for its replies to be read does not read. Values may go
// over, since requests with values have short replies.
const (
	windowRequests = 256
	windowKeys     = 16 << 10 // bytes, without values
	windowBytes    = 64 << 10
)

// maxReply is more than any reply of memcached, the items of which end at 1 GiB.
const maxReply = 1<<30 + 1<<10

// ErrMalformed is the cause of the error for a reply that does not answer the request
// or is not one of this protocol.
var ErrMalformed = errors.New("malformed reply")

// Conn is a connection to one server, for one goroutine at a time, save Interrupt.
// After an error or an interrupt it must be closed: replies may be under way.
type Conn struct {
	nc     net.Conn
	halt   atomic.Bool
	r      *bufio.Reader
	w      []byte // the window as bytes
	sent   []sent // and what its replies must match
	opaque uint32 // of the next request
}

type sent struct {
	op  Op
	key string
}

// Dial connects.
func Dial(ctx context.Context, network, address string, timeout time.Duration) (*Conn, error) {
	dialer := net.Dialer{Timeout: timeout}
	nc, err := dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return newConn(nc), nil
}

func newConn(nc net.Conn) *Conn { return &Conn{nc: nc, r: bufio.NewReaderSize(nc, 16<<10)} }

// Close closes the connection.
func (c *Conn) Close() error { return c.nc.Close() }

// Interrupt ends an Exchange that is under way, or begins later, with a time-out.
func (c *Conn) Interrupt() {
	c.halt.Store(true)
	c.nc.SetDeadline(past) //nolint:errcheck // it fails on a closed connection, which is as good
}

// past is a deadline that is over.
var past = time.Unix(1, 0)

// deadline is when timeout is over, unless there was an interrupt: a later deadline
// must not undo that.
func (c *Conn) deadline(timeout time.Duration, set func(time.Time) error) error {
	if err := set(time.Now().Add(timeout)); err != nil {
		return err
	}
	if c.halt.Load() {
		return set(past)
	}
	return nil
}

// Exchange sends the requests that request returns for from, from+1, ... as long as
// they fit one window and are below to, and calls reply with the answer to each, in
// order. It returns the number of the first request without an answer; that is below
// to without an error when the window was full. The timeout bounds the sending and
// then, anew, each reply.
func (c *Conn) Exchange(timeout time.Duration, from, to int, request func(i int) Request, reply func(i int, r Reply)) (int, error) {
	first := c.opaque
	c.fill(from, to, request)
	if err := c.deadline(timeout, c.nc.SetWriteDeadline); err != nil {
		return from, err
	}
	_, err := c.nc.Write(c.w)
	if cap(c.w) > 2*windowBytes {
		c.w = nil // it held a long value
	}
	if err != nil {
		return from, err
	}
	for i, sent := range c.sent {
		r, err := c.read(timeout, sent, first+uint32(i))
		if err != nil {
			return from + i, err
		}
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
func (c *Conn) read(timeout time.Duration, request sent, opaque uint32) (Reply, error) {
	if err := c.await(timeout, headerLen); err != nil {
		return Reply{}, err
	}
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
	if err := c.await(timeout, int(h.body)); err != nil {
		return Reply{}, err
	}
	r := Reply{Status: h.status, CAS: h.cas}
	if request.op.reads() && h.status == OK {
		err = c.readItem(h, request.key, &r)
	} else {
		_, err = c.r.Discard(int(h.body)) // the text of an error, or nothing
	}
	return r, err
}

// maxQuote is how much of a reply in another protocol is quoted in the error: enough
// for "ERROR Too many open connections".
const maxQuote = 60

// printable returns b up to the first byte that is not printable ASCII.
func printable(b []byte) []byte {
	end := bytes.IndexFunc(b, func(r rune) bool { return r < ' ' || r > '~' })
	if end < 0 {
		return b
	}
	return b[:end]
}

// check returns what is wrong with a header but for its first byte.
func (h header) check(request sent, opaque uint32) string {
	switch {
	case h.op != request.op || h.opaque != opaque:
		return "it answers another request"
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

// readValue reads n bytes. What does not prove to come is not made room for.
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

// await sets a new deadline if fewer than n bytes are here already.
func (c *Conn) await(timeout time.Duration, n int) error {
	if c.r.Buffered() >= n {
		return nil
	}
	return c.deadline(timeout, c.nc.SetReadDeadline)
}
