package endpoint

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/health"
)

// A Call is a request to the server and its reply, while it is in progress. It holds the
// context of its caller and no longer than that. It ends with one of Done, Failed,
// NotConnected, Exhausted and Abandoned.
type Call struct {
	Op  driver.Op
	Ctx context.Context

	endpoint *Endpoint
	pass     health.Pass
	began    time.Time
	deadline time.Time
	byCtx    bool // deadline is that of the context
}

var errRejected = errors.New("not tried, because the last calls had no reply")

// Begin begins a call. The error says that the server is known not to reply, or it is that
// of the context.
func (e *Endpoint) Begin(ctx context.Context, op driver.Op) (Call, error) {
	if err := ctx.Err(); err != nil {
		e.counts.add(canceled)
		return Call{}, e.Fail(op, err)
	}
	pass, ok := e.gate.Enter(e.timeout)
	if !ok {
		e.counts.add(rejected)
		return Call{}, e.Unavailable(op, errRejected)
	}
	return Call{Op: op, Ctx: ctx, endpoint: e, pass: pass}, nil
}

// Waited is called when the call has waited for a connection. If the server was found not to
// reply meanwhile, it ends the call and returns its error.
func (c *Call) Waited() error {
	e := c.endpoint
	if c.pass.Alone() || !e.gate.Waits() {
		return nil
	}
	c.Abandoned()
	e.counts.add(rejected)
	return e.Unavailable(c.Op, errRejected)
}

// Start starts the time that the call may take, and returns its end: after the timeout, or
// at the deadline of the context. It may be called again, for another try. A call that ends
// before says nothing of the server.
func (c *Call) Start() time.Time {
	c.began = Now()
	if _, ok := c.Ctx.Deadline(); ok {
		c.began = time.Now() // the deadline may be one on the clock on the wall
	}
	return c.Extend(c.began)
}

// born is the origin of [Now].
var born = time.Now()

// Now returns the time in half the time that time.Now takes, which reads the clock on the wall
// as well. That clock may have been set since the process began, so only differences count.
func Now() time.Time { return born.Add(time.Since(born)) }

// Extend has the call end as if it had been started at now.
func (c *Call) Extend(now time.Time) time.Time {
	c.deadline = now.Add(c.pass.Timeout)
	d, ok := c.Ctx.Deadline()
	if c.byCtx = ok && d.Before(c.deadline); c.byCtx {
		c.deadline = d
	}
	return c.deadline
}

// Deadline returns the end of the call.
func (c *Call) Deadline() time.Time { return c.deadline }

// ByContext reports whether the call ends with its context, before it has had its whole time.
func (c *Call) ByContext() bool { return c.byCtx }

// Began returns when the call was started.
func (c *Call) Began() time.Time { return c.began }

// Done ends a call to which the server has replied, whatever the reply was.
func (c *Call) Done() { c.endpoint.gate.Leave(c.pass, health.Replied) }

// Abandoned ends a call that did not get as far as the server, for a reason that says
// nothing of it.
func (c *Call) Abandoned() { c.endpoint.gate.Leave(c.pass, health.Unknown) }

// Exhausted ends a call that waited for a connection in vain, and returns its error.
func (c *Call) Exhausted(cause error) error {
	c.Abandoned()
	if err := c.ended(cause); err != nil {
		c.endpoint.counts.add(canceled)
		return c.endpoint.Fail(c.Op, err)
	}
	c.endpoint.counts.add(poolTimeout)
	return c.endpoint.Unavailable(c.Op, cause)
}

// NotConnected ends a call for which no connection could be made, and returns its error.
func (c *Call) NotConnected(cause error) error { return c.fail(cause, notConnected) }

// Failed ends a call that failed after it was connected, and returns its error.
func (c *Call) Failed(cause error) error {
	k := protocol
	switch {
	case IsTimeout(cause):
		k = timeout
	case IsLost(cause):
		k = lost
	}
	return c.fail(cause, k)
}

func (c *Call) fail(cause error, k kind) error {
	e := c.endpoint
	if err := c.ended(cause); err != nil {
		e.counts.add(canceled)
		e.gate.Leave(c.pass, c.outcome(err))
		return e.Fail(c.Op, err)
	}
	e.counts.add(k)
	o := health.Replied
	if IsTimeout(cause) {
		o = health.TimedOut
	}
	e.gate.Leave(c.pass, o)
	return e.Unavailable(c.Op, cause)
}

// ended returns the error of the context, if that is why the call failed.
func (c *Call) ended(cause error) error {
	if err := c.Ctx.Err(); err != nil {
		return err
	}
	// The deadline of a context reaches the connection a moment before the context
	// notices it.
	if c.byCtx && IsTimeout(cause) {
		return context.DeadlineExceeded
	}
	return nil
}

// telling is the part of the timeout that a server must have had for the deadline of a
// context to say anything of it. A caller may come with next to no time left.
const telling = 10

// outcome returns the Outcome of a call that its context ended.
func (c *Call) outcome(err error) health.Outcome {
	if err == context.DeadlineExceeded && !c.began.IsZero() && time.Since(c.began) >= c.pass.Timeout/telling {
		return health.TimedOut
	}
	return health.Unknown
}

// IsTimeout reports whether err says that something took too long.
func IsTimeout(err error) bool {
	if err == os.ErrDeadlineExceeded {
		return true
	}
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// IsLost reports whether err is the error of a connection that the server, or its end, has
// closed.
func IsLost(err error) bool {
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) ||
		errors.As(err, &network) && network.Op != "dial" && !network.Timeout()
}
