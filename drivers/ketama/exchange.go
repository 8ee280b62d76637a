package ketama

import (
	"context"

	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// askMany exchanges n requests and their replies over the connection of the driver. If that
// turns out to have been closed by the server, which may have been restarted, the requests
// are sent again over a new one if they are idempotent: if they leave the same done twice as
// once. An error ends the call, and means that the requests from the returned number on have
// no reply.
func (c *client) askMany(idempotent bool, n int, request func(i int) wire.Request, reply func(i int, r wire.Reply)) (done int, err error) {
	for done < n {
		if c.server.turns.Closed() {
			return done, c.closed()
		}
		if err := c.call.Ctx.Err(); err != nil {
			return done, c.fail((*endpoint.Call).Failed, err)
		}
		c.start()
		if c.wire == nil {
			if err := c.connect(); err != nil {
				return done, err
			}
		}
		used := c.wire.Used()
		c.wire.Begin(c.call)
		done, _ = c.wire.Exchange(done, n, request, reply) // End returns the error
		arrived := c.wire.Arrived()
		var failure error
		if c.call, failure = c.wire.End(); failure == nil {
			c.wire.Rest()
			continue
		}
		c.hangUp()
		if used && !arrived && endpoint.IsLost(failure) {
			c.lost()
			if idempotent {
				continue // over a new connection, so at most once in a row
			}
		}
		if !used {
			// The server may be at its limit of connections: the client's other one
			// goes too, to make room for a pair.
			c.renewLibrary()
		}
		return done, c.fail((*endpoint.Call).Failed, failure)
	}
	return done, nil
}

// connect makes the connection of the driver. An error ends the call.
func (c *client) connect() error {
	ctx, cancel := context.WithDeadline(c.call.Ctx, c.call.Deadline())
	defer cancel()
	if err := c.dial(ctx); err != nil {
		c.renewLibrary() // as in askMany
		return c.fail((*endpoint.Call).NotConnected, err)
	}
	return nil
}

// ask is askMany for one request.
func (c *client) ask(idempotent bool, request wire.Request) (wire.Reply, error) {
	var reply wire.Reply
	_, err := c.askMany(idempotent, 1,
		func(int) wire.Request { return request },
		func(_ int, r wire.Reply) { reply = r })
	if err == nil {
		err = c.server.refusal(c.call.Op, request.Op, reply.Status)
	}
	return reply, err
}
