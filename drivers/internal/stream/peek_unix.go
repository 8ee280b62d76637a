//go:build unix

package stream

import "syscall"

// peek looks at the socket.
func (p *peeker) peek(fd uintptr) {
	var b [1]byte
	n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	switch {
	case n > 0:
		p.bytes = true
	case err == nil: // the end of what the server sends
		p.closed = true
	case err != syscall.EAGAIN && err != syscall.EWOULDBLOCK && err != syscall.EINTR:
		p.closed = true
	}
}
