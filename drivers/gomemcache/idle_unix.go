//go:build unix

package gomemcache

import (
	"net"
	"syscall"
)

// pending looks at a connection that waits for its next use, without waiting itself:
// whether the server has closed it, and whether it has sent something.
func pending(conn net.Conn) (closed, bytes bool) {
	sc, ok := conn.(syscall.Conn)
	if !ok {
		return false, false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return true, false
	}
	// Control and not Read, which minds the deadline of the call before.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case n > 0:
			bytes = true
		case err == nil:
			closed = true // the end of what the server sends
		case err != syscall.EAGAIN && err != syscall.EWOULDBLOCK && err != syscall.EINTR:
			closed = true
		}
	})
	return closed || err != nil, bytes
}
