//go:build !unix

package conn

import "net"

// rawConn is of use on Unix only. Elsewhere the flush goroutine writes.
type rawConn struct{}

func (*rawConn) init(net.Conn)                          {}
func (*rawConn) ok() bool                               { return false }
func (*rawConn) write([]byte) (int, error)              { panic("conn: no raw connection") }
func (*rawConn) read([]byte, func()) (n int, err error) { panic("conn: no raw connection") }
func (*rawConn) idle() error                            { return nil }
