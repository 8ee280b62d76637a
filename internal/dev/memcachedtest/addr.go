//go:build unix

package memcachedtest

import (
	"errors"
	"net"
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
)

// HasIPv6 reports whether this machine can listen on ::1.
func HasIPv6() bool {
	l, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// The ports that freeAddr gives on the address of this process: below those that systems give to
// the local ends of connections, and each once, so that no other test listens on the port of a
// server that was killed and is to be started again.
const (
	firstPort = 10_000
	lastPort  = 30_000
)

var ports atomic.Uint32 // given so far

// freeAddr returns an address on host that nobody listens on at this moment.
func freeAddr(t testing.TB, host string) string {
	t.Helper()
	for {
		port := "0"
		if host == ownLoopback() {
			port = strconv.Itoa(firstPort + int(ports.Add(1))%(lastPort-firstPort))
		}
		l, err := net.Listen("tcp", net.JoinHostPort(host, port))
		if errors.Is(err, syscall.EADDRINUSE) && port != "0" {
			continue // a server on all addresses
		}
		if err != nil {
			t.Fatalf("memcachedtest: %v", err)
		}
		defer l.Close()
		return l.Addr().String()
	}
}

// FreeAddr returns an address on [Loopback] where nobody listens: a server that is down.
func FreeAddr(t testing.TB) string {
	t.Helper()
	return freeAddr(t, Loopback())
}

// socketDir makes a directory for a unix socket. Not t.TempDir: that has the test's
// name in it, and the path of a socket is limited to about 100 bytes.
func socketDir(t testing.TB) string {
	t.Helper()
	base := os.TempDir()
	if len(base) > 60 {
		base = "/tmp"
	}
	dir, err := os.MkdirTemp(base, "mc")
	if err != nil {
		t.Fatalf("memcachedtest: %v", err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("memcachedtest: %v", err)
		}
	})
	return dir
}
