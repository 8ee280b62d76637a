// Package stream provides a connection that is used for one call at a time. It stops waiting when
// the call ends, and can be checked while it is idle.
package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"os"
	"time"

	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
)

// A Stream is a connection. It is used by one goroutine at a time, and for one call at a
// time, between Begin and End.
type Stream struct {
	// Number is the place of the connection among those to its server.
	Number epoch.Number

	nc       net.Conn
	peek     peeker
	secure   bool
	used     bool      // it has served a call before
	idle     time.Time // when the last call ended
	deadline time.Time // the one that is set

	call    endpoint.Call // in progress
	arrived bool          // a byte has been received for it
	whole   bool          // what has been received since the last wait is a whole reply
	failure error         // the first one of the connection during the call
}

// Open makes s a stream over nc. With a TLS configuration it does the handshake first.
func (s *Stream) Open(ctx context.Context, nc net.Conn, number epoch.Number, config *tls.Config) error {
	s.nc, s.Number = nc, number
	s.peek.init(nc)
	if config == nil {
		return nil
	}
	secure := tls.Client(&s.peek, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		_ = nc.Close() // the error of the handshake is returned
		return err
	}
	s.nc, s.secure = secure, true
	return nil
}

// Begin begins a call that was started.
func (s *Stream) Begin(call endpoint.Call) {
	s.call = call
	s.arrived, s.whole, s.failure = false, false, nil
}

// End ends the call, and forgets it. It returns the call and the first failure of the
// connection during it.
func (s *Stream) End() (call endpoint.Call, failure error) {
	call, failure = s.call, s.failure
	s.call, s.failure = endpoint.Call{}, nil
	s.used = true
	return call, failure
}

// Used reports whether the connection has served a call before this one.
func (s *Stream) Used() bool { return s.used }

// Arrived reports whether something has been received for the call.
func (s *Stream) Arrived() bool { return s.arrived }

// Fail notes that the connection failed, for a reason that its user found, and returns the
// reason.
func (s *Stream) Fail(err error) error {
	if s.failure == nil {
		s.failure = err
	}
	return err
}

// Progress is called when a reply, or a part of one that counts, has been received. The call
// then has its whole time again. A server that sends it byte by byte gets no more for that.
func (s *Stream) Progress() { s.whole = true }

// Close closes the connection for good. It returns no error: the call that failed on the
// connection has returned it.
func (s *Stream) Close() { _ = s.nc.Close() }

// LocalAddr returns the address of this end.
func (s *Stream) LocalAddr() net.Addr { return s.nc.LocalAddr() }

// RemoteAddr returns the address of the server.
func (s *Stream) RemoteAddr() net.Addr { return s.nc.RemoteAddr() }

const (
	// slice bounds how long a wait goes without a look at whether the context is done.
	// A wait for a connection cannot be ended from outside without a goroutine, or a
	// registration with the context, for each call: so it is cut in pieces of this
	// length, which costs nothing where the server replies sooner.
	slice = 20 * time.Millisecond

	// reuse is the smallest rest of a deadline with which it is kept for the next call:
	// setting one costs more than reading the clock.
	reuse = slice / 2
)

// wait sets the deadline for what is done next: the end of a slice, or that of the call if
// it comes before.
func (s *Stream) wait(now time.Time) error {
	until, end := s.call.Deadline(), now.Add(slice)
	if end.Before(until) {
		until = end
		if s.deadline.Sub(now) >= reuse && !s.deadline.After(end) {
			return nil
		}
	}
	if s.secure {
		return s.nc.SetReadDeadline(until)
	}
	s.deadline = until
	return s.nc.SetDeadline(until)
}

// over reports whether err ends the call, and not only a slice of its time.
func (s *Stream) over(err error) bool {
	return !errors.Is(err, os.ErrDeadlineExceeded) || !time.Now().Before(s.call.Deadline()) || s.call.Ctx.Err() != nil
}

// Send sends p. A write over TLS is not cut in pieces, because a part of a record cannot be
// sent again.
func (s *Stream) Send(p []byte) error {
	if s.failure != nil {
		return s.failure
	}
	if s.secure {
		err := s.nc.SetDeadline(s.call.Deadline())
		if err == nil {
			_, err = s.nc.Write(p)
		}
		if err != nil {
			return s.Fail(err)
		}
		return nil
	}
	for now := s.call.Began(); ; now = time.Now() {
		if err := s.wait(now); err != nil {
			return s.Fail(err)
		}
		n, err := s.nc.Write(p)
		if err == nil {
			return nil
		}
		if s.over(err) {
			return s.Fail(err)
		}
		p = p[n:]
	}
}

// Receive reads at least one byte of the reply to what Send has sent in the same call.
func (s *Stream) Receive(p []byte) (int, error) {
	if s.failure != nil {
		return 0, s.failure
	}
	if s.whole {
		s.whole = false
		s.call.Extend(time.Now())
	}
	for set := !s.secure; ; set = false { // by Send, for a request in plain text
		if !set {
			if err := s.wait(time.Now()); err != nil {
				return 0, s.Fail(err)
			}
		}
		n, err := s.nc.Read(p)
		if n > 0 {
			s.arrived = true
			return n, nil // an error comes again with the next read
		}
		if err != nil && s.over(err) {
			return 0, s.Fail(err)
		}
	}
}
