package cluster

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// A Failure describes why a request has no reply.
type Failure struct {
	Err    error
	Unsent bool // the request has not reached the server
	Ended  bool // Err is that of the context
}

func (f *Failure) Error() string { return f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// maxTries bounds how often a request is sent: once more when the connection was lost.
const maxTries = 3

// again reports whether a request may be sent again on another connection, when one has
// failed with err: if nothing of it has been sent, or if that makes no difference.
func again(err error, unsent, idempotent bool) bool {
	if errors.Is(err, driver.ErrClosed) {
		return false
	}
	if unsent {
		return true
	}
	var lost *conn.LostError
	return idempotent && errors.As(err, &lost)
}

// Do sends one request on the connection of its key. It returns the call, for the caller to
// read its replies and to free.
func (s *Server) Do(ctx context.Context, r *protocol.Request) (*conn.Call, *Failure) {
	return s.do(ctx, s.lanes[s.Lane(r.Key)], r, false)
}

// DoKeyless is Do for a request without a key. If force is set, it is tried even while the
// server is known to be down.
func (s *Server) DoKeyless(ctx context.Context, verb protocol.Verb, force bool) (*conn.Call, *Failure) {
	return s.do(ctx, s.lanes[0], &protocol.Request{Verb: verb}, force)
}

func (s *Server) do(ctx context.Context, l *lane, r *protocol.Request, force bool) (*conn.Call, *Failure) {
	for try := 1; ; try++ {
		c, err := l.get(ctx, force)
		if err != nil {
			return nil, s.failure(ctx, err, true)
		}
		call, unsent, err := c.Do(ctx, r)
		if err == nil {
			return call, nil
		}
		if ctx.Err() != nil || try == maxTries || !again(err, unsent, r.Verb.Idempotent()) {
			return nil, s.failure(ctx, err, unsent)
		}
	}
}

// DoOn is Do on the connection with that ID. Without an error the call is nil if there is no
// such connection any more: then nothing was sent.
func (s *Server) DoOn(ctx context.Context, id uint64, r *protocol.Request) (*conn.Call, *Failure) {
	c := s.lanes[s.Lane(r.Key)].cur.Load()
	if c == nil || c.ID() != id {
		return nil, nil
	}
	call, unsent, err := c.Do(ctx, r)
	switch {
	case err == nil:
		return call, nil
	case unsent && ctx.Err() == nil && c.Failed():
		return nil, nil
	}
	return nil, s.failure(ctx, err, unsent)
}

// A Batch is many requests of one verb for one lane of a server.
type Batch struct {
	conn.Batch
	Lane int

	// On is the ID of the connection that must be used, if it is not 0.
	On uint64

	// Failed is called for each request, in order, that has no result.
	Failed func(i int, f *Failure)

	// ID is that of the connection, for Result.
	ID uint64
}

// errGone is the failure of requests whose connection is not there any more.
var errGone = errors.New("the connection is gone")

// IsGone reports whether the connection of a Batch with On is not there any more. Nothing
// was sent then.
func (f *Failure) IsGone() bool { return f.Err == errGone }

// DoMany sends the requests of b. If a connection is lost, it sends those that had not been
// sent, and the idempotent ones without a reply, on another one.
func (s *Server) DoMany(ctx context.Context, b *Batch) {
	l := s.lanes[b.Lane]
	from := 0
	for try := 1; from < b.N; try++ {
		var c *conn.Conn
		var err error
		if b.On != 0 {
			if c = l.cur.Load(); c == nil || c.ID() != b.On {
				b.fail(from, b.N, &Failure{Err: errGone, Unsent: true})
				return
			}
		} else if c, err = l.get(ctx, false); err != nil {
			b.fail(from, b.N, s.failure(ctx, err, true))
			return
		}
		b.ID = c.ID()
		replied, unsent, err := c.DoMany(ctx, b.from(from))
		if err == nil {
			return
		}
		replied, unsent = from+replied, from+unsent
		if ctx.Err() != nil || try == maxTries || !again(err, true, false) {
			b.fail(replied, unsent, s.failure(ctx, err, false))
			b.fail(unsent, b.N, s.failure(ctx, err, true))
			return
		}
		if from = replied; !again(err, false, b.Verb.Idempotent()) {
			b.fail(replied, unsent, s.failure(ctx, err, false))
			from = unsent
		}
	}
}

func (b *Batch) fail(from, to int, f *Failure) {
	for i := from; i < to; i++ {
		b.Failed(i, f)
	}
}

// from returns the part of b from request number n on.
func (b *Batch) from(n int) *conn.Batch {
	if n == 0 {
		return &b.Batch
	}
	return &conn.Batch{
		Verb: b.Verb, N: b.N - n,
		Request: func(i int, r *protocol.Request) { b.Request(n+i, r) },
		Result:  func(i int, replies []protocol.Reply) { b.Result(n+i, replies) },
	}
}
