package ketama

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime"
	"time"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// do has f exchange one request and its reply through rainycape, and turns what comes
// of it into the errors of package driver. If the connection turns out to be lost,
// since the server was restarted while it was idle, f is tried once more on a new one
// if it is repeatable: if to have it twice is the same as to have it once.
func (c *client) do(ctx context.Context, op cache.Op, repeatable bool, f func(*memcache.Client) error) error {
	c.begin()
	limited, err := c.limit(ctx)
	if err != nil {
		return c.server.fail(op, err)
	}
	used := c.connected
	err = c.exchange(f)
	if used && connectionLost(err) {
		c.restarted()
		if repeatable {
			if limited, err = c.limit(ctx); err != nil {
				return c.server.fail(op, err)
			}
			err = c.exchange(f)
		}
	}
	if err == nil {
		return nil
	}
	if answer, ok := c.server.answer(op, err); ok {
		return answer
	}
	if !used {
		c.renew() // as in doMany
	}
	return c.server.noAnswer(ctx, op, err, limited)
}

// limit makes the timeout of rainycape no longer than the context has.
func (c *client) limit(ctx context.Context) (limited bool, err error) {
	timeout, limited, err := c.server.limit(ctx)
	if err != nil {
		return false, err
	}
	if limited || c.limited {
		c.mc.SetTimeout(timeout)
		c.limited = limited
	}
	return limited, nil
}

// exchange calls f. Rainycape panics on a reply with fewer bytes than its kind has,
// which comes from something that is not memcached, and has put the connection back
// by then.
func (c *client) exchange(f func(*memcache.Client) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if _, ok := p.(runtime.Error); !ok {
				panic(p)
			}
			c.renew()
			err = wire.ErrMalformed
		}
		c.connected = keepsConnection(err)
	}()
	return f(c.mc)
}

// doMany exchanges n requests and their replies, and has the same care for lost
// connections as do. An error means that the requests from the returned number on
// have no answer.
func (c *client) doMany(ctx context.Context, op cache.Op, repeatable bool, n int, request func(i int) wire.Request, reply func(i int, r wire.Reply)) (int, error) {
	c.begin()
	done := 0
	for done < n {
		if c.server.closed.Load() {
			return done, driver.ErrClosed
		}
		timeout, limited, err := c.server.limit(ctx)
		if err != nil {
			return done, c.server.fail(op, err)
		}
		used := c.wire != nil
		done, err = c.window(ctx, timeout, done, n, request, reply)
		if err == nil {
			continue
		}
		c.hangUp()
		if used && connectionLost(err) {
			c.restarted()
			if repeatable {
				continue // on a new connection, so at most once in a row
			}
		}
		if !used {
			// The server may be at its limit of connections: the client's other
			// one, for what rainycape does, goes too, to make room for a pair.
			c.renew()
		}
		return done, c.server.noAnswer(ctx, op, err, limited)
	}
	return done, nil
}

// window exchanges as much as goes at once, on a new connection if there is none.
func (c *client) window(ctx context.Context, timeout time.Duration, from, to int, request func(i int) wire.Request, reply func(i int, r wire.Reply)) (int, error) {
	if c.wire == nil {
		var err error
		if c.wire, err = wire.Dial(ctx, c.server.addr.Network(), c.server.name, timeout); err != nil {
			return from, err
		}
	}
	if ctx.Done() == nil {
		return c.wire.Exchange(timeout, from, to, request, reply)
	}
	stop := context.AfterFunc(ctx, c.wire.Interrupt)
	done, err := c.wire.Exchange(timeout, from, to, request, reply)
	if !stop() {
		c.hangUp() // the interrupt may come too late for this exchange
	}
	return done, err
}

// ask is doMany for one request.
func (c *client) ask(ctx context.Context, op cache.Op, repeatable bool, request wire.Request) (wire.Reply, error) {
	var reply wire.Reply
	_, err := c.doMany(ctx, op, repeatable, 1,
		func(int) wire.Request { return request },
		func(_ int, r wire.Reply) { reply = r })
	if err == nil {
		err = c.server.refusal(op, request.Op, reply.Status)
	}
	return reply, err
}

// connectionLost reports whether err is what a connection gives that the server, or
// its end, has closed.
func connectionLost(err error) bool {
	if keepsConnection(err) {
		return false // the usual case, spared an allocation
	}
	var network *net.OpError
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network) && !network.Timeout()
}
