package conn

import (
	"context"
	"sync"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// A batch goes out in chunks. Beside other callers they are small, so that a single call
// has not many replies before its own; a batch that is alone has larger ones, which take
// fewer system calls.
const (
	window = 4 // chunks in flight

	chunkSize     = 8 << 10
	chunkRequests = 64

	largeSize     = 64 << 10
	largeRequests = 512
)

// A Batch is many requests of one verb.
type Batch struct {
	Verb protocol.Verb
	N    int

	// Request fills in request i, apart from its verb.
	Request func(i int, r *protocol.Request)

	// Result gets the replies to request i, one for each of its commands. It must not
	// keep them.
	Result func(i int, replies []protocol.Reply)
}

// chunk is a part of a batch that is in flight.
type chunk struct {
	call *Call
	n    int
}

// scratch is memory for the requests of a chunk.
type scratch struct{ b []byte }

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// DoMany sends the requests of b, and calls b.Result for each in order, until all are done,
// or ctx ends, or the connection fails. It returns how many requests have their result. If
// that is not all, those from number unsent on have not reached the server.
func (c *Conn) DoMany(ctx context.Context, b *Batch) (replied, unsent int, err error) {
	s := scratches.Get().(*scratch)
	defer func() {
		if cap(s.b) <= keepBuffer {
			scratches.Put(s)
		}
	}()
	var flight [window]chunk // a ring, from the oldest on
	oldest, inFlight := 0, 0
	next := 0       // the first request that is in no chunk
	var built chunk // one that there was no room for
	owed := 0       // replies to this batch
	for replied < b.N {
		for inFlight < window && (built.call != nil || next < b.N) {
			if built.call == nil {
				built = c.build(s, b, next, c.alone(owed))
			}
			// A caller waits only if it has nothing in flight: the replies that are
			// owed must be read, perhaps by this caller.
			err := c.sendChunk(ctx, built.call, s.b, inFlight == 0)
			if err == errNoRoom {
				break
			}
			if err != nil {
				built.call.Free()
				return replied, replied + c.abandonAll(flight[:], oldest, inFlight), err
			}
			flight[(oldest+inFlight)%window] = built
			inFlight++
			next += built.n
			owed += len(built.call.replies)
			built = chunk{}
		}
		ch := flight[oldest]
		notSent, left, err := c.awaitChunk(ctx, ch.call)
		oldest = (oldest + 1) % window
		inFlight--
		if err != nil {
			if !left {
				ch.call.Free()
			}
			if built.call != nil {
				built.call.Free()
			}
			sent := c.abandonAll(flight[:], oldest, inFlight)
			if !notSent {
				sent += ch.n
			}
			return replied, replied + sent, err
		}
		each := b.Verb.Replies()
		for i := range ch.n {
			b.Result(replied+i, ch.call.replies[i*each:(i+1)*each])
		}
		owed -= len(ch.call.replies)
		replied += ch.n
		ch.call.Free()
	}
	return replied, b.N, nil
}

// alone reports whether no replies are owed but those of the caller.
func (c *Conn) alone(own int) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed() <= own
}

// build writes the requests of the next chunk, from number from on, into s.
func (c *Conn) build(s *scratch, b *Batch, from int, alone bool) chunk {
	size, requests := chunkSize, chunkRequests
	if alone {
		size, requests = largeSize, largeRequests
	}
	if c.tls {
		size = chunkSize // a record of TLS holds it
	}
	each := b.Verb.Replies()
	tags := protocol.Tag(requests*each + 1) // not a multiple of the number of different tokens
	c.mu.Lock()
	first := c.tag
	c.tag += tags
	c.mu.Unlock()
	n := 0
	s.b = s.b[:0]
	var r protocol.Request
	for n < requests && from+n < b.N && len(s.b) < size {
		r = protocol.Request{Verb: b.Verb}
		b.Request(from+n, &r)
		if grown := len(s.b) + len(r.Key) + len(r.Value) + 64; n > 0 && grown > size {
			break // a large value goes alone
		}
		s.b = r.Append(s.b, first+protocol.Tag(n*each))
		n++
	}
	call := newChunk(b.Verb, n)
	call.tag, call.second = first, 0
	if n == 1 {
		call.second = r.Second()
	}
	return chunk{call, n}
}

// sendChunk enqueues a chunk, and writes if nobody else does.
func (c *Conn) sendChunk(ctx context.Context, call *Call, requests []byte, wait bool) error {
	c.mu.Lock()
	if err := c.admit(ctx, len(call.replies), len(requests), wait); err != nil {
		c.mu.Unlock()
		return err
	}
	before := len(c.out)
	alone := c.owed() == 0
	c.out = append(c.out, requests...)
	var taken []byte
	call.state.Store(pending)
	write := c.enqueue(call, before, false)
	if write && alone {
		taken = c.take()
	}
	c.mu.Unlock()
	if write {
		c.write(taken)
	}
	return nil
}

// awaitChunk waits for a chunk that is in flight, as the reader if there is none.
func (c *Conn) awaitChunk(ctx context.Context, call *Call) (unsent, left bool, err error) {
	c.mu.Lock()
	call.ctx = mayEnd(ctx)
	if !call.state.CompareAndSwap(pending, waiting) {
		c.mu.Unlock()
		return call.unsent, false, call.err // done
	}
	if call.ctx != nil {
		c.sweep.start()
	}
	if !c.reading && !c.failing { // if it fails, a message is on its way
		c.reading = true
		c.active.Store(true)
		call.state.Store(mine)
	}
	c.mu.Unlock()
	return c.await(ctx, call)
}

// abandonAll leaves the chunks that are in flight. It returns the number of their requests
// that may have reached the server.
func (c *Conn) abandonAll(flight []chunk, oldest, n int) (sent int) {
	c.mu.Lock()
	unsent := false
	for i := range n {
		ch := flight[(oldest+i)%len(flight)]
		seq := ch.call.seq
		if !ch.call.state.CompareAndSwap(pending, gone) {
			unsent = unsent || ch.call.unsent
			if !unsent {
				sent += ch.n
			}
			ch.call.Free() // done
			continue
		}
		if c.noteGone(seq) {
			unsent = true
		}
		if !unsent {
			sent += ch.n
		}
	}
	drain := !c.reading && (c.reader.run.head != nil || c.sent.head != nil)
	if drain {
		c.reading = true
		c.active.Store(true)
	}
	c.mu.Unlock()
	if drain {
		c.handOff()
	}
	return sent
}
