package guard

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

const (
	// downAfter is the number of timeouts in a row after which a server counts as down.
	// Calls are then rejected, until it has replied.
	downAfter = 2
	// downWait is the time for which a call waits for a server that is down, so that the
	// first one after its recovery works, if the server is near.
	downWait = 25 * time.Millisecond
)

// A server is the state of one address.
type server struct {
	dialer *Dialer
	addr   string
	loose  bool

	silences atomic.Int32 // how often in a row it did not reply in time

	mu       sync.Mutex
	conns    map[*Conn]struct{}
	spare    net.Conn  // one that nobody has taken yet
	attempt  *attempt  // under way; nil if there is none
	dropped  time.Time // when its connections were last dropped
	opened   uint64
	closed   uint64
	failures driver.Failures
}

// An attempt makes a connection, which it leaves as the spare one.
type attempt struct {
	done chan struct{}
	err  *Error
}

// connect returns a connection whose handshake is still to come.
func (s *server) connect(ctx context.Context, loose bool) (*Conn, error) {
	var enough <-chan time.Time // an attempt ends by itself
	if s.silences.Load() >= downAfter {
		timer := time.NewTimer(downWait)
		defer timer.Stop()
		enough = timer.C
	}
	for {
		if c := s.takeSpare(); c != nil {
			return s.add(c, loose), nil
		}
		a := s.try()
		select {
		case <-a.done:
			if a.err != nil {
				return nil, a.err
			}
		case <-enough:
			return nil, s.failure(Rejected, errDown)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

var errDown = errors.New("not tried, because the last calls had no reply")

// try begins an attempt, unless one is under way.
func (s *server) try() *attempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.attempt != nil {
		return s.attempt
	}
	a := &attempt{done: make(chan struct{})}
	s.attempt = a
	go func() {
		ctx, cancel := context.WithTimeout(s.dialer.ctx, s.dialer.timeout)
		defer cancel()
		c, err := s.open(ctx)
		if err == nil {
			s.keepSpare(c)
		}
		if err != nil {
			err.unsent = true
		}
		if a.err = err; err != nil && err.timeout {
			s.silences.Add(1)
		} else {
			s.silences.Store(0) // it has replied, or its host has
		}
		s.mu.Lock()
		s.attempt = nil
		s.mu.Unlock()
		close(a.done)
	}()
	return a
}

// open connects, and waits for the server to reply: one that is frozen takes connections.
func (s *server) open(ctx context.Context) (net.Conn, *Error) {
	c, err := s.dial(ctx)
	if err != nil {
		return nil, s.failure(Dial, err)
	}
	end, _ := ctx.Deadline()
	kind, err := Lost, c.SetDeadline(end)
	if err == nil {
		kind, err = greet(c)
	}
	if err == nil {
		err = c.SetDeadline(time.Time{})
	}
	if err == nil {
		return c, nil
	}
	_ = c.Close() // the error says what is wrong
	if timedOut(err) {
		return nil, s.failure(Timeout, noReply(s.dialer.timeout))
	}
	return nil, s.failure(kind, err)
}

// greet sends a PING, to which a server may reply in many ways: that it needs a password,
// or is busy.
func greet(c net.Conn) (Kind, error) {
	if _, err := c.Write([]byte("*1\r\n$4\r\nPING\r\n")); err != nil {
		return Lost, err
	}
	const most = 1024
	line := make([]byte, 0, 64)
	for b := make([]byte, 1); ; {
		if _, err := io.ReadFull(c, b); err != nil {
			return Lost, err
		}
		line = append(line, b[0])
		switch {
		case line[0] != '+' && line[0] != '-' || len(line) > most:
			return Protocol, fmt.Errorf("%.40q does not begin a reply of Valkey or Redis to PING", line)
		case b[0] != '\n':
		case bytes.HasPrefix(line, []byte("-ERR max number of clients")), bytes.HasPrefix(line, []byte("-DENIED")):
			return Dial, errors.New(string(bytes.TrimSpace(line[1:])))
		default:
			return 0, nil
		}
	}
}

func (s *server) failure(kind Kind, err error) *Error {
	return &Error{Server: s.addr, Kind: kind, Err: err, timeout: kind == Timeout || timedOut(err)}
}

func noReply(after time.Duration) error { return fmt.Errorf("no reply within %v", after) }

// dial connects, with TLS if it is configured.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
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

// replied notes that it did.
func (s *server) replied() {
	if s.silences.Load() != 0 {
		s.silences.Store(0)
	}
}

// add makes a Conn of a connection.
func (s *server) add(c net.Conn, loose bool) *Conn {
	conn := newConn(c, s, loose, time.Now().Add(s.dialer.timeout))
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
		if s.dialer.calls.Load() > 0 && c.owes() {
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
