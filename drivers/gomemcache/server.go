package gomemcache

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// server is one memcached and the connections to it that wait for the next call.
//
// The connections are not left to the library's own pool: there, a call cannot tell
// which connection it got, so that a deadline, a server's name in an error, or the end
// of a connection that went wrong could not be had.
type server struct {
	address
	timeout time.Duration
	maxIdle int
	secure  *tls.Config // nil: plain

	mu     sync.Mutex // guards what follows
	idle   []*session // last in, first out: the rest grow old and are not needed
	closed bool
}

// address is a server's net.Addr for the library, and its only selector.
type address struct{ network, addr string }

func (a *address) Network() string { return a.network }

// String returns the address as it was configured.
func (a *address) String() string { return a.addr }

func (a *address) PickServer(string) (net.Addr, error) { return a, nil }

func (a *address) Each(f func(net.Addr) error) error { return f(a) }

func newServer(configured memcached.Server, c Config, secure *tls.Config) *server {
	s := &server{
		address: address{configured.Network(), configured.Addr()},
		timeout: c.Timeout,
		maxIdle: c.MaxIdleConns,
	}
	if secure != nil {
		s.secure = secure.Clone()
		if s.secure.ServerName == "" {
			s.secure.ServerName = configured.Host
		}
	}
	return s
}

// acquire returns an idle connection, or a new one that is not connected yet.
func (s *server) acquire() *session {
	s.mu.Lock()
	if n := len(s.idle); n > 0 {
		c := s.idle[n-1]
		s.idle[n-1] = nil
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		return c
	}
	s.mu.Unlock()
	return newSession(s)
}

// release takes back a connection that is in order.
func (s *server) release(c *session) {
	s.mu.Lock()
	if !s.closed && len(s.idle) < s.maxIdle {
		s.idle = append(s.idle, c)
		s.mu.Unlock()
		return
	}
	s.mu.Unlock()
	c.close()
}

// dropIdle closes the idle connections. When one turns out to have been closed by the
// server, which was restarted perhaps, the others are no better.
func (s *server) dropIdle() {
	s.mu.Lock()
	idle := s.idle
	s.idle = nil
	s.mu.Unlock()
	for _, c := range idle {
		c.close()
	}
}

// close closes the idle connections now and the others when their calls end.
func (s *server) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.dropIdle()
}
