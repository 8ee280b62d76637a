package conn

import (
	"bytes"
	"context"
	"errors"
	"net"
	"time"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// reader is the state of the goroutine that reads: the calls whose replies it reads, and the
// bytes that it has read of them.
type reader struct {
	run  list   // calls that were sent, in order; the reply being read is that of the first
	buf  []byte // buf[from:to] was read and not yet parsed
	from int
	to   int

	// The value in progress, if missing is not 0: its bytes so far, and the number of
	// bytes that are missing, its line end included. The bytes are nil if nobody wants
	// them.
	value   []byte
	missing int

	// The context that ends the read, while the reader's call watches it.
	ctx       context.Context
	stopWatch func() bool

	// The owner of the call that was completed last is woken last, after the role was
	// handed off. The goroutine that was woken last runs first, and the next reader is
	// to come after the others, since it writes the requests that they enqueue.
	wake chan struct{}

	block     func() // before the read blocks
	interrupt func() // ends the read
}

func (c *Conn) initReader() {
	r := &c.reader
	r.buf = make([]byte, readBuffer)
	r.interrupt = func() { _ = c.nc.SetReadDeadline(past) } // fails on a closed connection only
	r.block = func() {
		if r.ctx != nil && r.stopWatch == nil {
			r.stopWatch = context.AfterFunc(r.ctx, r.interrupt)
		}
	}
}

// past is the only read deadline that is ever set. Anybody may set it. Only the reader
// clears it, before it checks its context.
var past = time.Unix(1, 0)

// read reads replies until that of call is there, whose owner is the reader. It returns
// after it handed off the role. If the context ends first the call is gone and the error is that
// of the context.
func (c *Conn) read(ctx context.Context, call *Call) (unsent, left bool, err error) {
	for {
		err := c.parse()
		if err == nil && call.state.Load() == done {
			c.handOffAndWake()
			return false, false, nil
		}
		if err == nil {
			if err := ctx.Err(); err != nil {
				unsent := c.leave(call)
				c.handOffAndWake()
				return unsent, true, err
			}
			err = c.next(ctx, call)
		}
		if err != nil {
			c.fail(err)
			c.failCalls()
			return call.unsent, false, call.err
		}
	}
}

// drain reads the replies that are owed to calls that are gone.
func (c *Conn) drain() {
	for {
		err := c.parse()
		if err == nil {
			c.wakeLast()
			if c.tryHandOff() {
				return
			}
			err = c.next(context.Background(), nil)
		}
		if err != nil {
			c.fail(err)
			c.failCalls()
			return
		}
	}
}

// handOffAndWake hands off the reader's role, and then wakes the owner of the call that was
// completed last.
func (c *Conn) handOffAndWake() {
	wake := c.reader.wake
	c.reader.wake = nil
	c.handOff()
	if wake != nil {
		wake <- struct{}{}
	}
}

// wakeLast wakes the owner of the call that was completed last.
func (c *Conn) wakeLast() {
	if wake := c.reader.wake; wake != nil {
		c.reader.wake = nil
		wake <- struct{}{}
	}
}

// next writes what is gathered, if nobody does, and reads once. The reader's call is nil if
// nobody waits.
func (c *Conn) next(ctx context.Context, call *Call) error {
	c.wakeLast()
	c.mu.Lock()
	for c.claimWriter() {
		taken := c.take()
		c.mu.Unlock()
		c.write(taken)
		c.mu.Lock()
	}
	if c.sweep.due {
		c.sweepCalls()
	}
	r := &c.reader
	c.partial = r.missing > 0 || r.from < r.to
	c.active.Store(false)
	c.mu.Unlock()
	if call != nil && call.sweeps >= maxSweeps {
		r.ctx = ctx
	}
	err := c.fill()
	c.active.Store(true)
	if r.stopWatch != nil {
		r.stopWatch() // one that is too late ends the read of another, which goes on
	}
	r.ctx, r.stopWatch = nil, nil
	return err
}

// fill reads once, as much as there is. It returns nil if the read was interrupted.
func (c *Conn) fill() error {
	r := &c.reader
	target := r.buf[r.to:]
	direct := r.value != nil && r.missing > len(target)
	if direct {
		target = r.room()
	}
	var n int
	var err error
	if c.raw.ok() {
		n, err = c.raw.read(target, r.block)
	} else {
		r.block()
		n, err = c.nc.Read(target)
	}
	if n > 0 {
		c.progress.Add(1)
		if direct {
			r.value = r.value[:len(r.value)+n]
			r.missing -= n
		} else {
			r.to += n
		}
		return nil
	}
	if isTimeout(err) {
		return c.nc.SetReadDeadline(time.Time{})
	}
	if err != nil {
		return lost(err)
	}
	return nil
}

func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout()
}

// firstPart bounds the memory for a value of which nothing has come: a server that
// announces a large one does not get it for the asking.
const firstPart = 1 << 20

// room returns the place for the next bytes of the value in progress, and makes some if
// there is none. It leaves the line end to the buffer.
func (r *reader) room() []byte {
	size := len(r.value) + r.missing - 2
	if len(r.value) == cap(r.value) {
		grown := make([]byte, len(r.value), min(size, 2*cap(r.value)))
		copy(grown, r.value)
		r.value = grown
	}
	return r.value[len(r.value):min(cap(r.value), size)]
}

// parse completes the calls whose replies were read.
func (c *Conn) parse() error {
	replies, err := c.parseAll()
	if replies > 0 {
		c.replied.Add(replies)
		if c.room.n.Load() > 0 {
			c.mu.Lock()
			c.callNext()
			c.mu.Unlock()
		}
	}
	return err
}

// parseAll returns the number of replies that it found.
func (c *Conn) parseAll() (replies uint64, err error) {
	r := &c.reader
	for r.from < r.to {
		call := r.run.head
		if call == nil {
			c.mu.Lock()
			r.run.append(&c.sent)
			c.mu.Unlock()
			if call = r.run.head; call == nil {
				return replies, ErrUnsolicited
			}
		}
		whole, err := r.reply(call)
		if err != nil {
			return replies, err
		}
		if !whole {
			r.compact()
			return replies, nil
		}
		replies++
		if call.got++; int(call.got) == len(call.replies) {
			r.run.pop()
			c.complete(call)
		}
	}
	r.from, r.to = 0, 0
	return replies, nil
}

// complete completes a call. Its owner is woken with the next one, or with wakeLast.
func (c *Conn) complete(call *Call) {
	wake, gone := call.complete()
	if !gone {
		c.completed.Add(1)
	}
	if wake == nil {
		return
	}
	c.wakeLast()
	c.reader.wake = wake
}

// reply reads the next reply of call from the buffer, and reports whether it is whole.
func (r *reader) reply(call *Call) (whole bool, err error) {
	reply := &call.replies[call.got]
	if r.missing > 0 {
		return r.valueOf(reply)
	}
	b := r.buf[r.from:r.to]
	end := bytes.IndexByte(b, '\n')
	if end < 0 {
		if len(b) > protocol.MaxLine {
			return false, &protocol.MalformedError{Text: "the first line of a reply has no end"}
		}
		return false, nil
	}
	if end == 0 || b[end-1] != '\r' {
		return false, &protocol.MalformedError{Text: "a line of a reply does not end in CR LF"}
	}
	size, err := call.verb.Parse(int(call.got), b[:end-1], call.tag+protocol.Tag(call.got), reply)
	if err != nil {
		return false, err
	}
	if size < 0 {
		r.from += end + 1
		return true, nil
	}
	if call.verb.Counts(int(call.got)) {
		data := b[end+1:]
		if len(data) < size+2 {
			return false, nil // the line is read again with the rest
		}
		if data[size] != '\r' || data[size+1] != '\n' {
			return false, errNoEnd
		}
		r.from += end + 1 + size + 2
		return true, reply.Count(data[:size])
	}
	r.from += end + 1
	r.missing = size + 2
	if call.state.Load() != gone {
		r.value = make([]byte, 0, min(size, firstPart))
	}
	return r.valueOf(reply)
}

// errNoEnd is the failure of a server whose value is longer than it said.
var errNoEnd = &protocol.MalformedError{Text: "a value does not end in CR LF"}

// valueOf moves bytes of the value in progress from the buffer to it, and reports whether
// it is whole.
func (r *reader) valueOf(reply *protocol.Reply) (whole bool, err error) {
	for r.missing > 2 && r.from < r.to {
		n := min(r.missing-2, r.to-r.from)
		if r.value != nil {
			room := r.room()
			n = min(n, len(room))
			copy(room, r.buf[r.from:r.from+n])
			r.value = r.value[:len(r.value)+n]
		}
		r.from += n
		r.missing -= n
	}
	if r.missing > 2 || r.to-r.from < r.missing {
		return false, nil
	}
	if r.buf[r.from] != '\r' || r.buf[r.from+1] != '\n' {
		return false, errNoEnd
	}
	r.from += 2
	reply.Value = r.value
	r.value, r.missing = nil, 0
	return true, nil
}

// compact makes room in the buffer for the rest of a reply.
func (r *reader) compact() {
	if r.from > 0 {
		r.to = copy(r.buf, r.buf[r.from:r.to])
		r.from = 0
	}
}
