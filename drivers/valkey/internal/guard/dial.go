// Package guard makes the connections of a client library for Redis and Valkey, and
// watches them: it ends those whose server is silent or sends what it should not, keeps
// one caller's deadline from failing what others wait for, and counts.
package guard

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

const (
	// downAfter is how many times in a row a server must fail to reply in time to be
	// considered down. Calls are then rejected, until a probe finds that it replies.
	downAfter = 2
	// probeWait is how long a call waits for the probe, so that the first one after the
	// recovery of a server works, if the server is near.
	probeWait = 25 * time.Millisecond
)

// A Dialer makes connections.
type Dialer struct {
	timeout  time.Duration
	tls      *tls.Config
	maxReply int64

	slow atomic.Int32 // connections being established, and congested ones

	ctx    context.Context // of what is done for no caller; it ends with the Dialer
	cancel context.CancelFunc

	mu      sync.Mutex
	servers map[string]*server
}

// New returns a Dialer. The timeout is for making a connection, and for the progress of a
// server that owes a reply. TLS is used unless config is nil. maxReply is the length of
// the longest string that is accepted in a reply.
func New(timeout time.Duration, config *tls.Config, maxReply int64) *Dialer {
	d := &Dialer{timeout: timeout, tls: config, maxReply: maxReply, servers: map[string]*server{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Configure notes a server, so that it has statistics before the first connection.
func (d *Dialer) Configure(addr string) { _, _ = d.server(addr, false) }

// Slow reports whether a call to the client library may wait without looking at its
// context: because a connection is being established, or has very many requests.
func (d *Dialer) Slow() bool { return d.slow.Load() > 0 }

// Dial connects to addr, "host:port" or the path of a unix socket. The connection is
// made regardless of ctx, which only ends the wait for it: if the caller leaves, the
// next one gets it. With loose, the connection is one to a Sentinel.
func (d *Dialer) Dial(ctx context.Context, addr string, loose bool) (net.Conn, error) {
	s, err := d.server(addr, loose)
	if err != nil {
		return nil, err
	}
	d.slow.Add(1) // until the handshake is over
	c, err := s.connect(ctx, loose)
	if err != nil {
		d.slow.Add(-1)
		return nil, err
	}
	return c, nil
}

// server returns the state of a server. Sentinels have their own.
func (d *Dialer) server(addr string, loose bool) (*server, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return nil, net.ErrClosed
	}
	name := addr
	if loose {
		name = "sentinel " + addr
	}
	s := d.servers[name]
	if s == nil {
		s = &server{dialer: d, addr: addr, loose: loose, conns: map[*Conn]struct{}{}}
		d.servers[name] = s
	}
	return s, nil
}

// Close closes the connections that are left and keeps new ones from being made.
func (d *Dialer) Close() {
	d.mu.Lock()
	d.cancel()
	servers := d.all()
	d.mu.Unlock()
	for _, s := range servers {
		s.close()
	}
}

// Drop closes the connections to addr, so that the name is resolved again.
func (d *Dialer) Drop(addr string) {
	d.mu.Lock()
	s := d.servers[addr]
	d.mu.Unlock()
	if s != nil {
		s.drop()
	}
}

// Count counts a call that failed.
func (d *Dialer) Count(addr string, count func(*driver.Failures)) {
	d.mu.Lock()
	s := d.servers[addr]
	d.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		count(&s.failures)
		s.mu.Unlock()
	}
}

// Stats returns the statistics of the servers of data, ordered by address.
func (d *Dialer) Stats() []driver.ServerStats {
	d.mu.Lock()
	servers := d.all()
	d.mu.Unlock()
	stats := []driver.ServerStats{}
	for _, s := range servers {
		if !s.loose {
			stats = append(stats, s.stats())
		}
	}
	slices.SortFunc(stats, func(a, b driver.ServerStats) int { return strings.Compare(a.Server, b.Server) })
	return stats
}

// all returns the servers. It is called under the lock.
func (d *Dialer) all() []*server {
	servers := make([]*server, 0, len(d.servers))
	for _, s := range d.servers {
		servers = append(servers, s)
	}
	return servers
}

// A server is what is known of one address.
type server struct {
	dialer *Dialer
	addr   string
	loose  bool

	silences atomic.Int32 // how often in a row it did not reply in time

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	spare    net.Conn      // was made for nobody, or for a caller that had left
	probing  chan struct{} // closed when the probe under way is over; nil if there is none
	dropped  time.Time     // when its connections were last dropped
	opened   uint64
	closed   uint64
	failures driver.Failures
}

// connect returns a connection whose handshake is still to come.
func (s *server) connect(ctx context.Context, loose bool) (*Conn, error) {
	end := time.Now().Add(s.dialer.timeout)
	if c := s.takeSpare(); c != nil {
		return s.add(c, loose, end), nil
	}
	if s.silences.Load() >= downAfter {
		return s.afterProbe(ctx, loose)
	}
	type attempt struct {
		conn net.Conn
		err  error
	}
	made := make(chan attempt, 1)
	go func() {
		c, err := s.open(end)
		made <- attempt{c, err}
	}()
	select {
	case a := <-made:
		if a.err != nil {
			return nil, s.dialError(a.err)
		}
		return s.add(a.conn, loose, end), nil
	case <-ctx.Done():
		go func() {
			if a := <-made; a.err == nil {
				s.keepSpare(a.conn)
			} else {
				_ = s.dialError(a.err) // for what it notes: the caller has left
			}
		}()
		return nil, ctx.Err()
	}
}

// dialError returns the error for a connection that could not be made.
func (s *server) dialError(err error) *Error {
	e := &Error{Server: s.addr, Kind: Dial, Err: err, timeout: timedOut(err)}
	if e.timeout {
		s.silenced()
	} else {
		s.silences.Store(0) // the host has replied
	}
	return e
}

// afterProbe returns the connection of a probe, if that finds soon enough that the server
// replies.
func (s *server) afterProbe(ctx context.Context, loose bool) (*Conn, error) {
	timer := time.NewTimer(probeWait)
	defer timer.Stop()
	select {
	case <-s.probe():
		if c := s.takeSpare(); c != nil {
			return s.add(c, loose, time.Now().Add(s.dialer.timeout)), nil
		}
	case <-timer.C:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return nil, &Error{Server: s.addr, Kind: Rejected, Err: errDown}
}

var errDown = errors.New("not tried, since the server did not reply in time before")

// probe asks the server whether it replies, unless that is under way. The channel is closed
// when it is over.
func (s *server) probe() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probing != nil {
		return s.probing
	}
	done := make(chan struct{})
	s.probing = done
	go func() {
		c, err := s.hear(time.Now().Add(s.dialer.timeout))
		if err == nil {
			s.keepSpare(c)
		}
		if err == nil || !timedOut(err) {
			s.silences.Store(0)
		}
		s.mu.Lock()
		s.probing = nil
		s.mu.Unlock()
		close(done)
	}()
	return done
}

// hear connects and waits for a line from the server, whatever it says: a server may reply
// to a PING that it needs a password.
func (s *server) hear(end time.Time) (net.Conn, error) {
	c, err := s.open(end)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(c.SetDeadline(end), ping(c), c.SetDeadline(time.Time{})); err != nil {
		_ = c.Close() // the error says what is wrong
		return nil, err
	}
	return c, nil
}

func ping(c net.Conn) error {
	if _, err := c.Write([]byte("PING\r\n")); err != nil {
		return err
	}
	for b := make([]byte, 1); b[0] != '\n'; {
		if _, err := c.Read(b); err != nil {
			return err
		}
	}
	return nil
}

// open connects, with TLS if it is configured.
func (s *server) open(end time.Time) (net.Conn, error) {
	ctx, cancel := context.WithDeadline(s.dialer.ctx, end)
	defer cancel()
	network := "tcp"
	if strings.HasPrefix(s.addr, "/") {
		network = "unix"
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, network, s.addr)
	if err != nil || s.dialer.tls == nil {
		return c, err
	}
	config := s.dialer.tls
	if config.ServerName == "" {
		config = config.Clone()
		if config.ServerName, _, err = net.SplitHostPort(s.addr); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	secure := tls.Client(c, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = c.Close() // the handshake says what is wrong
		return nil, err
	}
	return secure, nil
}

// silenced notes that the server did not reply in time.
func (s *server) silenced() { s.silences.Add(1) }

// replied notes that it did.
func (s *server) replied() {
	if s.silences.Load() != 0 {
		s.silences.Store(0)
	}
}

// add makes a Conn of a connection.
func (s *server) add(c net.Conn, loose bool, handshake time.Time) *Conn {
	conn := newConn(c, s, loose, handshake)
	s.mu.Lock()
	s.conns[conn] = struct{}{}
	s.opened++
	s.mu.Unlock()
	return conn
}

func (s *server) remove(c *Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	s.closed++
}

// keepSpare keeps a connection for the next caller, for a while.
func (s *server) keepSpare(c net.Conn) {
	s.mu.Lock()
	old := s.spare
	s.spare = c
	if s.dialer.ctx.Err() != nil {
		s.spare, old = nil, c
	}
	s.mu.Unlock()
	if old != nil {
		_ = old.Close() // nothing was sent
	}
	time.AfterFunc(s.dialer.timeout, func() {
		s.mu.Lock()
		unused := s.spare == c
		if unused {
			s.spare = nil
		}
		s.mu.Unlock()
		if unused {
			_ = c.Close() // nothing was sent
		}
	})
}

func (s *server) takeSpare() net.Conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.spare
	s.spare = nil
	return c
}

// drop closes the connections, at most once a second.
func (s *server) drop() {
	now := time.Now()
	s.mu.Lock()
	if now.Sub(s.dropped) < time.Second {
		s.mu.Unlock()
		return
	}
	s.dropped = now
	s.mu.Unlock()
	s.closeAll()
}

func (s *server) close() {
	if c := s.takeSpare(); c != nil {
		_ = c.Close() // nothing was sent
	}
	s.closeAll()
}

func (s *server) closeAll() {
	s.mu.Lock()
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		_ = c.Close() // the calls that wait get the error
	}
}

func (s *server) stats() driver.ServerStats {
	s.mu.Lock()
	st := driver.ServerStats{
		Server: s.addr, Open: len(s.conns), Opened: s.opened, Closed: s.closed, Failures: s.failures,
	}
	conns := make([]*Conn, 0, len(s.conns))
	for c := range s.conns {
		conns = append(conns, c)
	}
	s.mu.Unlock()
	for _, c := range conns {
		if c.owes() {
			st.InUse++
		}
	}
	st.Idle = st.Open - st.InUse
	return st
}

func timedOut(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, context.DeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
