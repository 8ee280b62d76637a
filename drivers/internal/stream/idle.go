package stream

import (
	"errors"
	"net"
	"syscall"
	"time"

	"github.com/larder-go/larder/drivers/internal/endpoint"
)

// Rest notes that a call has ended, and the connection is idle from now on.
func (s *Stream) Rest() { s.idle = endpoint.Now() }

// Rested reports whether at now the connection had been idle for longer than d.
func (s *Stream) Rested(now time.Time, d time.Duration) bool { return now.Sub(s.idle) > d }

// Stale looks at an idle connection, without waiting, and reports whether it is unfit for
// another call: the server has closed it, or has sent something without a request.
func (s *Stream) Stale() bool {
	closed, bytes := s.peek.pending()
	if closed || !bytes {
		return closed
	}
	if !s.secure {
		return true
	}
	// Below TLS there may be a message that is not for us, such as a session ticket, or
	// one that announces the end. TLS reads what is there, and no more.
	if s.nc.SetDeadline(time.Time{}) != nil {
		return true
	}
	s.deadline = time.Time{}
	s.peek.only = true
	n, err := s.nc.Read(make([]byte, 1))
	s.peek.only = false
	return n > 0 || !errors.Is(err, errNothing)
}

// peeker is a net.Conn that can be looked at.
type peeker struct {
	net.Conn
	raw  syscall.RawConn // nil if the system has no way to look
	look func(fd uintptr)
	only bool // Read returns errNothing instead of waiting

	closed, bytes bool // what was seen
}

// errNothing is returned by a Read that would have to wait. It is a temporary error, after
// which TLS can be used further.
var errNothing error = nothing{errors.New("nothing has come")}

type nothing struct{ error }

func (nothing) Timeout() bool   { return true }
func (nothing) Temporary() bool { return true }

func (p *peeker) init(nc net.Conn) {
	p.Conn = nc
	if sc, ok := nc.(syscall.Conn); ok {
		p.raw, _ = sc.SyscallConn()
		p.look = p.peek
	}
}

func (p *peeker) Read(b []byte) (int, error) {
	if p.only {
		if closed, bytes := p.pending(); !closed && !bytes {
			return 0, errNothing
		}
	}
	return p.Conn.Read(b)
}

// pending reports whether the server has closed the connection, and whether it has sent
// something. Where that cannot be told, the next request finds out.
func (p *peeker) pending() (closed, bytes bool) {
	if p.raw == nil {
		return false, false
	}
	p.closed, p.bytes = false, false
	// Control and not Read, which minds the deadline of the call before.
	if err := p.raw.Control(p.look); err != nil {
		return true, false
	}
	return p.closed, p.bytes
}
