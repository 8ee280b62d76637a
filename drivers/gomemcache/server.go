package gomemcache

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/gomemcache/internal/conn"
	"github.com/larder-go/larder/drivers/gomemcache/internal/pool"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// server is one memcached and the connections to it.
type server struct {
	*endpoint.Endpoint
	pool   *pool.Pool[*conn.Conn]
	name   net.Addr    // for the library
	secure *tls.Config // nil: plain
}

// address is a net.Addr as it was configured.
type address struct{ network, addr string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.addr }

func newServer(m memcached.Server, c Config, secure *tls.Config) *server {
	s := &server{
		Endpoint: endpoint.New(name, m.Network(), m.Addr(), c.Timeout),
		pool:     pool.New[*conn.Conn](c.MaxIdleConns),
		name:     address{m.Network(), m.Addr()},
	}
	if secure != nil {
		s.secure = secure.Clone()
		if s.secure.ServerName == "" {
			s.secure.ServerName = m.Host
		}
	}
	return s
}

// do sends r and receives the reply. It returns nil, a sentinel of package driver, or a
// *driver.Error.
func (s *server) do(ctx context.Context, r *request) error {
	call, err := s.Begin(ctx, r.op)
	if err != nil {
		return err
	}
	call.Start()
	c, err := s.acquire(&call, r)
	for err == nil {
		r.epoch = s.Clock.Read(c.Number) // before the request is sent
		c.Begin(call, r.verb.values())
		reply := r.send(c)
		lost := c.Used() && !c.Arrived()
		var failure error
		if call, failure = c.End(); failure == nil {
			return s.finish(&call, r, c, reply)
		}
		s.pool.Discard(c)
		if lost = lost && endpoint.IsLost(failure); lost {
			// The server was restarted, perhaps: the others are no better.
			s.pool.DiscardIdle()
		}
		if !lost || !r.idempotent {
			return call.Failed(failure)
		}
		call.Start()
		c, err = s.connect(&call)
	}
	return err
}

// finish ends a call during which the connection did not fail.
func (s *server) finish(call *endpoint.Call, r *request, c *conn.Conn, reply error) error {
	switch reply {
	case nil, driver.ErrMiss, driver.ErrNotStored, driver.ErrConflict: // see request.send
		call.Done()
		s.release(c)
		return reply
	}
	err, inOrder := s.refusal(call, c, reply)
	if inOrder {
		s.release(c)
	} else {
		s.pool.Discard(c)
	}
	return err
}

// idleCheck is the time for which a connection may be unused and still be used again without
// a check that the server has not closed it. The check is a system call, so connections that
// are used all the time go without. No server restarts in less time. Only tests change it.
var idleCheck = time.Millisecond

// acquire returns a connection for r. An error ends the call.
func (s *server) acquire(call *endpoint.Call, r *request) (*conn.Conn, error) {
	if r.token.Epoch != 0 {
		return s.acquireFor(call, r.token.Epoch)
	}
	for {
		c, ok := s.pool.Get()
		if !ok {
			return s.connect(call)
		}
		if s.fit(call, c) {
			return c, nil
		}
	}
}

// fit reports whether an idle connection can be used. If the server has closed it, which it
// may have done with all, it closes the idle ones.
func (s *server) fit(call *endpoint.Call, c *conn.Conn) bool {
	if !c.Rested(call.Began(), idleCheck) || !c.Stale() {
		return true
	}
	s.pool.Discard(c)
	s.pool.DiscardIdle()
	return false
}

// errNoOldConnection is returned by do for a swap if there is no connection over which its
// token may be used.
var errNoOldConnection = errors.New("there is no connection as old as the token")

// acquireFor returns a connection over which a token of epoch e may be used. It waits for
// one that is in use. An error ends the call.
func (s *server) acquireFor(call *endpoint.Call, e epoch.Number) (*conn.Conn, error) {
	c, err := s.pool.GetThat(call.Ctx, call.Deadline(), func(c *conn.Conn) bool { return s.Clock.Allows(e, c.Number) })
	switch {
	case err == pool.ErrNone, err == nil && !s.fit(call, c):
		call.Abandoned()
		return nil, errNoOldConnection
	case err != nil:
		return nil, call.Exhausted(errWaited)
	}
	return c, nil
}

// errWaited is the cause of an outage. It is a timeout.
var errWaited error = waited{}

type waited struct{}

func (waited) Error() string {
	return "no connection that leads to the server of the token was free in time"
}
func (waited) Timeout() bool { return true }

// connect makes a connection. An error ends the call.
func (s *server) connect(call *endpoint.Call) (*conn.Conn, error) {
	if s.pool.Closed() {
		call.Abandoned()
		return nil, driver.ErrClosed
	}
	ctx, cancel := context.WithDeadline(call.Ctx, call.Deadline())
	defer cancel()
	nc, number, moved, err := s.Dial(ctx)
	if err != nil {
		return nil, call.NotConnected(err)
	}
	if moved {
		s.pool.DiscardIdle()
	}
	c, err := conn.New(ctx, nc, s.secure, s.name, number)
	if err != nil {
		return nil, call.NotConnected(err)
	}
	s.pool.Opened(c)
	return c, nil
}

// release gives back a connection that is in order.
func (s *server) release(c *conn.Conn) {
	if s.Clock.Old(c.Number) {
		s.pool.Discard(c)
		return
	}
	c.Rest()
	s.pool.Put(c)
}

// stats returns the statistics of the connections.
func (s *server) stats() driver.ServerStats {
	n := s.pool.Counts()
	return driver.ServerStats{
		Server: s.Addr(),
		Open:   n.InUse + n.Idle, InUse: n.InUse, Idle: n.Idle,
		Opened: n.Opened, Closed: n.Closed,
		WaitCount: n.WaitCount, WaitDuration: n.WaitDuration,
		Failures: s.Failures(),
	}
}
