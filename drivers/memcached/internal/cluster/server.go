// Package cluster keeps the connections to the servers of a cache: it makes them when they
// are needed, notices servers that are down, and finds out when they are back.
package cluster

import (
	"context"
	"errors"
	"hash/maphash"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/conn"
)

// Config is the configuration of all servers of a cache.
type Config struct {
	Dialer
	Conns        int // connections to each server
	Replays      int // failed deletes that are remembered for each connection
	Distribution string
	Resolver     Resolver // nil if the servers never change
	PollInterval time.Duration
}

// A Server is one memcached. Its methods are safe for concurrent use.
type Server struct {
	memcached.Server
	Name string // in errors

	cfg   *Config
	lanes []*lane

	life context.Context // ends with Close
	end  context.CancelFunc
	wg   sync.WaitGroup // dials and probes

	mu       sync.Mutex
	closed   bool
	down     *down
	failures int // timeouts, and connections that could not be made, in a row

	counters
}

// A lane is one of the connections to a server. A key always takes the same one, so that
// its requests arrive in the order in which they were made.
type lane struct {
	server *Server
	cur    atomic.Pointer[conn.Conn] // nil if there is none

	// Guarded by server.mu.
	dialing *dialing
	replay  replays
}

// dialing is a connection that is being made, for all who wait for it.
type dialing struct {
	done chan struct{} // closed when the fields below are set
	conn *conn.Conn
	err  error
}

// NewServer returns a server to which there is no connection yet.
func NewServer(s memcached.Server, cfg *Config) *Server {
	srv := &Server{Server: s, Name: s.Addr(), cfg: cfg}
	srv.life, srv.end = context.WithCancel(context.Background())
	for range cfg.Conns {
		l := &lane{server: srv}
		l.replay.most = cfg.Replays
		srv.lanes = append(srv.lanes, l)
	}
	return srv
}

// seed makes lanes independent of how keys are distributed over servers.
var seed = maphash.MakeSeed()

// Connect connects to the server, with TLS and the user, beside the connections that calls use.
func (s *Server) Connect(ctx context.Context) (net.Conn, error) { return s.cfg.Connect(ctx, s.Server) }

// Timeout returns the timeout of the configuration.
func (s *Server) Timeout() time.Duration { return s.cfg.Timeout }

// Lanes returns the number of lanes.
func (s *Server) Lanes() int { return len(s.lanes) }

// Lane returns the number of the lane that key takes.
func (s *Server) Lane(key string) int {
	if len(s.lanes) == 1 {
		return 0
	}
	return int(maphash.String(seed, key) % uint64(len(s.lanes)))
}

// get returns the connection of a lane, and makes it if there is none. If force is set, it
// does so even while the server is known to be down.
func (l *lane) get(ctx context.Context, force bool) (*conn.Conn, error) {
	if c := l.cur.Load(); c != nil && !c.Failed() {
		return c, nil
	}
	d, err := l.begin(force)
	if err != nil {
		return nil, err
	}
	select {
	case <-d.done:
		return d.conn, d.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// begin begins to make a connection, or joins those who wait for one.
func (l *lane) begin(force bool) (*dialing, error) {
	s := l.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, driver.ErrClosed
	}
	if c := l.cur.Load(); c != nil && !c.Failed() {
		d := &dialing{done: make(chan struct{}), conn: c}
		close(d.done)
		return d, nil
	}
	if l.dialing != nil {
		return l.dialing, nil
	}
	if s.down != nil && !force {
		if err := s.down.reject(); err != nil {
			return nil, err
		}
	}
	d := &dialing{done: make(chan struct{})}
	l.dialing = d
	s.wg.Go(func() { l.dial(d) })
	return d, nil
}

// dial makes a connection.
func (l *lane) dial(d *dialing) {
	s := l.server
	nc, err := s.cfg.dial(s.life, s.Server)
	var c *conn.Conn
	if err == nil {
		c = conn.New(nc, conn.Config{Timeout: s.cfg.Timeout, Closed: l.lost, Waited: s.waited})
		s.opened.Add(1)
		_, err = l.sendReplays(c)
	}
	s.mu.Lock()
	l.dialing = nil
	switch {
	case s.closed:
		err = driver.ErrClosed
	case err != nil:
		s.failed(err)
	default:
		s.failures = 0
		s.up()
		l.cur.Store(c)
		l.startReplay()
	}
	s.mu.Unlock()
	if err != nil {
		if c != nil {
			c.Close()
			c = nil
		}
	} else {
		s.dropOthers(c, nc.RemoteAddr())
	}
	d.conn, d.err = c, err
	close(d.done)
}

// failed notes that a connection could not be made. The caller holds mu.
func (s *Server) failed(err error) {
	if errors.Is(err, context.Canceled) {
		return // the server is being closed
	}
	s.failures++
	if s.failures >= maxFailures || nobodyListens(err) {
		s.goDown(err)
	}
}

// maxFailures is the number of failures in a row without a reply after which a server is
// down: whole timeouts, or connections that could not be made. One that was refused is
// enough.
const maxFailures = 2

// nobodyListens reports whether err says that there is no server at the address.
func nobodyListens(err error) bool {
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ENOENT)
}

// lost notes that a connection has ended.
func (l *lane) lost(c *conn.Conn, err error) {
	s := l.server
	s.closedConns.Add(1)
	l.cur.CompareAndSwap(c, nil)
	// A server that has ended has lost the others as well.
	for _, other := range s.lanes {
		if c := other.cur.Load(); c != nil {
			c.Check()
		}
	}
	if _, silent := err.(*conn.SilentError); !silent {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures++; s.failures >= maxFailures {
		s.goDown(err)
	}
}

// dropOthers closes connections to another address than that which the name has now, once
// nothing is owed on them.
func (s *Server) dropOthers(latest *conn.Conn, address net.Addr) {
	for _, l := range s.lanes {
		c := l.cur.Load()
		if c == nil || c == latest || c.RemoteAddr() == address.String() {
			continue
		}
		if l.cur.CompareAndSwap(c, nil) {
			c.Retire()
		}
	}
}

// retire closes the connections once nothing is owed on them.
func (s *Server) retire() {
	for _, l := range s.lanes {
		if c := l.cur.Swap(nil); c != nil {
			c.Retire()
		}
	}
}

// Close closes the connections and ends what runs for the server, and waits for that.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	if s.down != nil {
		s.down.timer.Stop()
	}
	s.mu.Unlock()
	s.end()
	for _, l := range s.lanes {
		if c := l.cur.Load(); c != nil {
			c.Close()
		}
	}
	s.wg.Wait()
}

// down is the state of a server that is known to be down. Server.mu guards it.
type down struct {
	err     error
	wait    time.Duration // until the next probe
	timer   *time.Timer
	asked   bool // a call came since the last probe
	resting bool // nobody asks, so nobody probes: the next call tries for itself
}

// The time between probes of a server that is down.
const (
	firstWait = 100 * time.Millisecond
	mostWait  = 5 * time.Second
)

// A DownError says that a server is known to be down: nothing was tried.
type DownError struct{ Err error }

func (e *DownError) Error() string {
	return "not tried, because the last attempt failed: " + e.Err.Error()
}

func (e *DownError) Unwrap() error { return e.Err }

// reject returns the error of a call to a server that is down, or nil if the call is to
// try for itself.
func (d *down) reject() error {
	if d.resting {
		return nil
	}
	d.asked = true
	return &DownError{d.err}
}

// goDown notes that the server is down, for the given reason. One probe at a time finds out
// when it is back. The caller holds mu.
func (s *Server) goDown(err error) {
	if s.closed {
		return
	}
	if s.down == nil {
		s.down = &down{wait: firstWait}
	} else {
		s.down.timer.Stop()
		s.down.wait = min(2*s.down.wait, mostWait)
	}
	d := s.down
	d.err, d.resting = err, false
	d.timer = time.AfterFunc(jitter(d.wait), func() { s.probe(d) })
}

// up notes that the server replies. The caller holds mu.
func (s *Server) up() {
	if s.down != nil {
		s.down.timer.Stop()
		s.down = nil
	}
}

// probe tries to connect to a server that is down, if anybody has asked for it since the
// last time.
func (s *Server) probe(d *down) {
	s.mu.Lock()
	if s.closed || s.down != d {
		s.mu.Unlock()
		return
	}
	if !d.asked {
		d.resting = true
		s.mu.Unlock()
		return
	}
	d.asked = false
	s.mu.Unlock()
	_, _ = s.lanes[0].begin(true) // its end is noted, good or bad
}
