//go:build unix

package conn

import (
	"crypto/tls"
	"io"
	"net"
	"syscall"
	"time"
)

// rawConn reads and writes the socket of a connection without blocking. Its functions are
// made once, since a closure for each call would be an allocation.
type rawConn struct {
	socket syscall.RawConn // nil if there is none to write to: TLS
	under  syscall.RawConn // the socket, also that under TLS
	tls    *tls.Conn

	one     [1]byte // of idle
	idleN   int
	idleErr error
	look    func(fd uintptr)

	_        [64]byte
	out      []byte // of the writer
	outN     int
	outErr   error
	tryWrite func(fd uintptr) bool

	_       [64]byte
	in      []byte // of the reader
	inN     int
	inErr   error
	block   func() // called before the read blocks
	tryRead func(fd uintptr) bool
}

func (r *rawConn) init(nc net.Conn) {
	if t, ok := nc.(*tls.Conn); ok {
		r.tls = t
		r.under = socketOf(t.NetConn())
		r.look = func(fd uintptr) {
			r.idleN, _, r.idleErr = syscall.Recvfrom(int(fd), r.one[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		}
		return
	}
	// Recvfrom allocates. A byte that this takes is one too many in any case.
	r.look = func(fd uintptr) { r.idleN, r.idleErr = syscall.Read(int(fd), r.one[:]) }
	r.socket = socketOf(nc)
	r.under = r.socket
	r.tryWrite = func(fd uintptr) bool {
		for {
			r.outN, r.outErr = syscall.Write(int(fd), r.out)
			if r.outErr != syscall.EINTR {
				return true
			}
		}
	}
	r.tryRead = func(fd uintptr) bool {
		for {
			r.inN, r.inErr = syscall.Read(int(fd), r.in)
			switch r.inErr {
			case syscall.EINTR:
			case syscall.EAGAIN:
				r.block()
				return false
			default:
				return true
			}
		}
	}
}

func socketOf(nc net.Conn) syscall.RawConn {
	if s, ok := nc.(syscall.Conn); ok {
		if socket, err := s.SyscallConn(); err == nil {
			return socket
		}
	}
	return nil
}

// ok reports whether write and read work.
func (r *rawConn) ok() bool { return r.socket != nil }

// write writes what the kernel takes at once.
func (r *rawConn) write(b []byte) (n int, err error) {
	r.out = b
	err = r.socket.Write(r.tryWrite)
	r.out = nil
	if err == nil && r.outErr != syscall.EAGAIN {
		err = r.outErr
	}
	return max(r.outN, 0), err
}

// read reads into b. It calls block if it is about to wait.
func (r *rawConn) read(b []byte, block func()) (n int, err error) {
	r.in, r.block = b, block
	err = r.socket.Read(r.tryRead)
	r.in, r.block = nil, nil
	switch {
	case err != nil:
		return 0, err
	case r.inErr != nil:
		return 0, r.inErr
	case r.inN == 0:
		return 0, io.EOF
	}
	return r.inN, nil
}

// idle looks whether a connection on which nothing is owed is still open. It does not
// wait, apart from a moment where a message of TLS itself has arrived. One caller at a time
// may look.
func (r *rawConn) idle() error {
	if r.under == nil {
		return nil
	}
	err := r.under.Control(r.look)
	n, failed := r.idleN, r.idleErr
	switch {
	case err != nil:
		return err
	case failed == syscall.EAGAIN || failed == syscall.EINTR:
		return nil
	case failed != nil:
		return failed
	case n == 0:
		return io.EOF
	case r.tls == nil:
		return ErrUnsolicited
	}
	// A message of TLS: the end of the connection, or a session ticket.
	if err := r.tls.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
		return err
	}
	n, err = r.tls.Read(make([]byte, 1))
	if n > 0 {
		return ErrUnsolicited
	}
	if isTimeout(err) {
		return r.tls.SetReadDeadline(time.Time{})
	}
	return err
}
