package conn

import (
	"context"
	"errors"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// errNoRoom says that a call that may not wait has to come again.
var errNoRoom = errors.New("conn: no room")

// admit returns when a call of that size may be enqueued: at once, or, if it may wait,
// when it is its turn. The caller holds mu, and holds it when admit returns.
func (c *Conn) admit(ctx context.Context, replies, size int, wait bool) error {
	for turn := false; ; turn = true {
		switch {
		case c.err != nil:
			return c.err
		case (turn || c.room.n.Load() == 0) && c.fits(replies, size):
			if c.owed() == 0 {
				return c.checkIdle()
			}
			return nil
		case !wait:
			return errNoRoom
		}
		if err := c.waitForRoom(ctx, replies, size); err != nil {
			return err
		}
	}
}

// checkIdle notices that the server has closed a connection while nothing was owed,
// before anything is sent on it. The caller holds mu.
func (c *Conn) checkIdle() error {
	if err := c.raw.idle(); err != nil {
		c.mu.Unlock()
		c.fail(lost(err))
		c.mu.Lock()
		return c.err
	}
	return nil
}

// enqueue appends the requests of call, whose bytes are from c.out[before:] on, to those
// that wait to be written. The caller holds mu and has been admitted. If claim is set, the
// call waits from now on, and is the reader's if there was none.
//
// If the result is true, the caller is the writer now, and must call write. Otherwise
// somebody else writes: the writer, when it is done with what it has; or the reader, before
// its read blocks.
func (c *Conn) enqueue(call *Call, before int, claim bool) (write bool) {
	call.size = len(c.out) - before
	call.seq = c.seq
	call.conn = c.id
	c.seq++
	c.queued.push(call)
	c.enqueued += uint64(len(call.replies))
	write = !c.writing && !(c.reading && c.active.Load())
	if claim {
		if c.reading {
			call.state.Store(waiting)
		} else {
			c.reading = true
			c.active.Store(true)
			call.state.Store(mine)
		}
	}
	if write {
		c.writing = true
	}
	c.tick.start()
	if claim && call.ctx != nil {
		c.sweep.start()
	}
	if c.room.n.Load() > 0 {
		c.callNext()
	}
	return write
}

// send enqueues one request, and writes if nobody else does.
func (c *Conn) send(ctx context.Context, call *Call, r *protocol.Request) error {
	c.mu.Lock()
	if err := c.admit(ctx, len(call.replies), len(r.Value)+len(r.Key)+64, true); err != nil {
		c.mu.Unlock()
		return err
	}
	call.ctx = mayEnd(ctx)
	call.tag = c.tag
	c.tag += protocol.Tag(len(call.replies))
	before := len(c.out)
	alone := c.owed() == 0
	c.out = r.Append(c.out, call.tag)
	call.second = r.Second()
	write := c.enqueue(call, before, true)
	var taken []byte
	if write && alone {
		taken = c.take()
	}
	c.mu.Unlock()
	if write {
		c.write(taken)
	}
	return nil
}
