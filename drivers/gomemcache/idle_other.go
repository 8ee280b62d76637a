//go:build !unix

package gomemcache

import "net"

// pending cannot be told here; the next request finds out.
func pending(net.Conn) (closed, bytes bool) { return false, false }
