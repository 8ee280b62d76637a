package memcachedtest

import (
	"fmt"
	"os"
	"runtime"
	"testing"
)

// Loopback is the IPv4 address that the servers of this process listen on: on Linux an
// address that no other process uses, because all of 127.0.0.0/8 is local. A client that
// connects to a server that has just ended, on a port that is free again, then never finds
// the server of another test that runs at the same time.
func Loopback() string {
	if own := ownLoopback(); own != "" {
		return own
	}
	return "127.0.0.1"
}

// ownLoopback returns the address that no other process uses, or "" where there is none.
func ownLoopback() string {
	if runtime.GOOS != "linux" {
		return ""
	}
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 64+pid>>16&0x3f, pid>>8&0xff, pid&0xff)
}

// OtherLoopback returns another address that no other process uses. It skips the test where
// there is none.
func OtherLoopback(t testing.TB) string {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("this machine has no second loopback address")
	}
	pid := os.Getpid()
	return fmt.Sprintf("127.%d.%d.%d", 128+pid>>16&0x3f, pid>>8&0xff, pid&0xff)
}
