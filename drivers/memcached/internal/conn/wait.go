package conn

import (
	"context"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// Do sends one request and returns the call when its replies are in, for the caller to read
// and to free. It returns an error if ctx ends before that, or the connection fails; unsent
// then says that nothing of the request has reached the server.
func (c *Conn) Do(ctx context.Context, r *protocol.Request) (call *Call, unsent bool, err error) {
	call = newCall(r.Verb)
	if err := c.send(ctx, call, r); err != nil {
		call.Free()
		return nil, true, err
	}
	unsent, left, err := c.await(ctx, call)
	if err == nil {
		return call, false, nil
	}
	if !left {
		call.Free()
	}
	return nil, unsent, err
}

// await waits until call, which is waiting or mine, is done. If the context ends first, the
// caller has left the call: it must not touch it any more.
func (c *Conn) await(ctx context.Context, call *Call) (unsent, left bool, err error) {
	if call.state.Load() == mine {
		return c.read(ctx, call)
	}
	<-call.wake
	if call.state.Load() == notified {
		if unsent, ok := c.checkContext(ctx, call); ok {
			return unsent, true, ctx.Err()
		}
	}
	if call.state.Load() == offered {
		call.state.Store(mine)
		return c.read(ctx, call)
	}
	return call.unsent, false, call.err
}

// checkContext is called by the owner of a call that was notified. If the context has ended, the
// owner leaves the call, and ok is true. Otherwise it waits for the call to be done or offered, or
// for the context to end.
func (c *Conn) checkContext(ctx context.Context, call *Call) (unsent, ok bool) {
	if ctx.Err() != nil {
		return c.abandon(call, notified)
	}
	if !call.state.CompareAndSwap(notified, waiting) {
		return false, false // done or offered, without another message
	}
	select {
	case <-call.wake:
	case <-ctx.Done():
		if unsent, ok = c.abandon(call, waiting); !ok {
			<-call.wake // it was too late to leave: this message is on its way
		}
	}
	return unsent, ok
}

// abandon leaves a call if it is still in that state, and not done or offered the reader's role
// meanwhile.
func (c *Conn) abandon(call *Call, state uint32) (unsent, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	seq := call.seq // once it is gone, the call may be another's
	if !call.state.CompareAndSwap(state, gone) {
		return false, false
	}
	return c.noteGone(seq), true
}

// leave leaves a call whose owner is the reader.
func (c *Conn) leave(call *Call) (unsent bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	unsent = c.noteGone(call.seq)
	call.state.Store(gone)
	return unsent
}

// noteGone reports whether the call with that seq, which is gone, is still in the queue.
// The caller holds mu.
func (c *Conn) noteGone(seq uint64) (unsent bool) {
	c.left++
	unsent = seq >= c.sentSeq
	if unsent {
		c.abandoned++
	}
	return unsent
}

// complete says that the replies of call are in, or its err is set. The caller is the
// reader, and has taken call out of the list that it was in. If complete returns a channel, the
// caller must send the message that wakes the owner; an owner that was notified has one already.
// If the call was gone, it is freed.
func (call *Call) complete() (wake chan struct{}, wasGone bool) {
	for {
		switch state := call.state.Load(); state {
		case waiting:
			wake := call.wake
			if call.state.CompareAndSwap(waiting, done) {
				return wake, false
			}
		case pending, notified:
			if call.state.CompareAndSwap(state, done) {
				return nil, false
			}
		case mine:
			call.state.Store(done)
			return nil, false
		default:
			call.Free()
			return nil, true
		}
	}
}

// handOff gives the reader's role to the next call that needs it.
func (c *Conn) handOff() {
	if !c.tryHandOff() && !c.spawn(c.drain) {
		c.drain() // which reads from a socket that is closed, and completes the calls
	}
}

// tryHandOff hands the reader's role to the first call that waits. If none does, it is free
// for the owner of the next call that is enqueued or waited for. The result is false, and
// the role still the caller's, if replies are owed and nobody will ever wait for them.
func (c *Conn) tryHandOff() bool {
	if offeredTo, _ := c.reader.run.offer(); offeredTo {
		return true
	}
	c.mu.Lock()
	// Calls begin to wait, and leave, with mu held: now the result is final.
	expected := false
	for _, l := range [...]*list{&c.reader.run, &c.sent, &c.queued} {
		offeredTo, more := l.offer()
		if offeredTo {
			c.mu.Unlock()
			return true
		}
		expected = expected || more
	}
	if !expected && (c.reader.run.head != nil || c.sent.head != nil) {
		c.mu.Unlock()
		return false
	}
	c.reading = false
	write := c.claimWriter()
	c.mu.Unlock()
	if write {
		c.write(nil)
	}
	return true
}

// claimWriter makes the caller the writer if there is something to write and nobody who
// does. The caller holds mu.
func (c *Conn) claimWriter() bool {
	if len(c.out) == 0 || c.writing || c.err != nil {
		return false
	}
	c.writing = true
	return true
}

// offer offers the reader's role to the first call of l that waits. Otherwise it reports
// whether the owner of one is going to wait for it. An owner that was notified has a message
// already, and finds the role when it checks its context.
func (l *list) offer() (offeredTo, expected bool) {
	for call := l.head; call != nil; {
		switch state := call.state.Load(); state {
		case waiting, notified:
			if !call.state.CompareAndSwap(state, offered) {
				continue // its owner has checked its context, or has left
			}
			if state == waiting {
				call.wake <- struct{}{}
			}
			return true, false
		case pending:
			expected = true
		}
		call = call.next
	}
	return false, expected
}
