package ketama

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"os"
	"reflect"
	"runtime"
	"slices"
	"time"

	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// library has f exchange one request and its reply through rainycape, and turns what comes
// of it into the errors of package driver. It treats lost connections as askMany does.
func (c *client) library(idempotent bool, f func(*memcache.Client) error) error {
	for {
		c.start()
		if c.connected && !idempotent {
			c.lookAtLibrary()
		}
		if !c.connected && c.server.network == "tcp" {
			if err := c.locate(); err != nil {
				return err
			}
		}
		if !c.limit() {
			return c.fail((*endpoint.Call).Failed, os.ErrDeadlineExceeded)
		}
		used := c.connected
		err := c.exchange(f)
		if err == nil {
			return nil
		}
		if reply, ok := c.server.replied(c.call.Op, err); ok {
			return reply
		}
		if used && endpoint.IsLost(err) {
			c.lost()
			if idempotent && c.call.Ctx.Err() == nil {
				continue // over a new connection, so at most once
			}
		}
		if isDial(err) {
			return c.fail((*endpoint.Call).NotConnected, err)
		}
		if !used {
			c.drop() // as in askMany
		}
		return c.fail((*endpoint.Call).Failed, err)
	}
}

// spare is the part of the timeout by which an exchange of rainycape may last longer, so that
// not every exchange has to set the deadline of the connection. That takes two readings of the
// clock, and moves a timer.
const spare = 16

// limit bounds the time of the next exchange of rainycape, unless none is left. A deadline of
// the context is kept as it is.
func (c *client) limit() bool {
	now := c.call.Began()
	least := c.call.Deadline().Sub(now)
	if least <= 0 {
		return false // rainycape would wait without end
	}
	most := least
	if longer := least + least/spare; !c.call.ByContext() && longer > least { // no overflow
		most = longer
	}
	if left := c.deadline.Sub(now); c.connected && least <= left && left <= most {
		c.mc.SetTimeout(-1) // the connection keeps the deadline that it has
		return true
	}
	c.mc.SetTimeout(most)
	c.deadline = now.Add(most)
	return true
}

// A server may close rainycape's connection while it is idle (memcached -o idle_timeout),
// which cannot be seen before the connection is used.
const (
	// libraryCheck is the time for which it may be idle before the driver's connection is
	// checked, which was lost as well if the server was restarted. The time is that since
	// the last call began. The check is a system call: where there are calls all the time,
	// even slow ones, there is none.
	libraryCheck = 20 * time.Millisecond

	// libraryRest is the time for which it may be idle and still be used for a request that
	// must not be sent twice. A new one is certain to be open.
	libraryRest = 500 * time.Millisecond
)

// lookAtLibrary drops rainycape's connection if it may be lost.
func (c *client) lookAtLibrary() {
	switch rest := c.call.Began().Sub(c.lastCall); {
	case rest > libraryRest:
		c.renewLibrary()
	case rest > libraryCheck:
		c.look()
	}
}

// exchange calls f, and counts the connection that rainycape makes or closes meanwhile.
// Rainycape panics on a reply with fewer bytes than its kind has, which comes from something
// that is not memcached, and has put the connection back by then.
func (c *client) exchange(f func(*memcache.Client) error) (err error) {
	used := c.connected
	defer func() {
		p := recover()
		if p != nil {
			if _, ok := p.(runtime.Error); !ok {
				panic(p)
			}
			err = wire.ErrMalformed
		}
		if !used && !isDial(err) {
			c.countOpened()
			c.connected = true
		}
		if p != nil {
			c.renewLibrary()
		}
		if c.connected && !keepsConnection(err) {
			c.connected = false
			c.countClosed()
		}
		c.lastCall = c.call.Began() // not the end, which would take a reading of the clock
	}()
	return f(c.mc)
}

// locate finds the address that rainycape connects to. It resolves the name of the server, as
// rainycape would, and notices when its address has changed. If the name has several addresses,
// the driver connects first, and finds one that accepts connections. An error ends the call.
func (c *client) locate() error {
	ctx, cancel := context.WithDeadline(c.call.Ctx, c.call.Deadline())
	defer cancel()
	addrs, err := c.server.Dialer().Resolve(ctx)
	if err != nil {
		return c.fail((*endpoint.Call).NotConnected, err)
	}
	var at netip.Addr
	switch len(addrs) {
	case 0:
		return nil // it is configured by its address
	case 1:
		at = addrs[0]
	default:
		if c.wire == nil || !slices.Contains(addrs, remote(c.wire)) {
			c.hangUp()
			if err := c.connect(); err != nil {
				return err
			}
		}
		at = remote(c.wire)
	}
	to := c.server.Dialer().Address(at)
	if _, moved := c.server.Clock.Made(to); moved {
		c.moved()
		c.hangUp()
	}
	c.addr = memcache.NewAddr(address{c.server.network, to})
	return nil
}

// remote returns the address that a connection leads to.
func remote(w *wire.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(w.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap()
}

// replied returns the error for an error of rainycape, if that is a reply of the server.
func (s *server) replied(op driver.Op, err error) (reply error, ok bool) {
	switch err {
	case memcache.ErrCacheMiss:
		return driver.ErrMiss, true
	case memcache.ErrNotStored:
		return driver.ErrNotStored, true
	case memcache.ErrBadIncrDec:
		return driver.ErrNotNumber, true
	}
	if st, ok := statusOf(err); ok {
		return s.refusal(op, 0, st), true
	}
	return nil, false
}

// statusOf finds the status in an error of rainycape. Its type is not exported and has no
// text for most statuses, so the number is read by its kind.
func statusOf(err error) (wire.Status, bool) {
	v := reflect.ValueOf(err)
	if v.Kind() != reflect.Uint16 {
		return 0, false
	}
	return wire.Status(v.Uint()), true
}

// keepsConnection reports whether rainycape keeps the connection after err, as it does after
// a whole reply of an expected kind. It closes it after any other.
func keepsConnection(err error) bool {
	switch err {
	case nil, memcache.ErrCacheMiss, memcache.ErrNotStored, memcache.ErrBadIncrDec:
		return true
	}
	return false
}

// isDial reports whether rainycape could not connect.
func isDial(err error) bool {
	if keepsConnection(err) {
		return false // the usual case, spared an allocation
	}
	var timeout *memcache.ConnectTimeoutError
	var op *net.OpError
	return errors.As(err, &timeout) || errors.As(err, &op) && op.Op == "dial"
}
