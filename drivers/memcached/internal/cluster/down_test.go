package cluster

import (
	"errors"
	"net"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// While a server is down, calls fail at once, and one probe at a time looks for it, at
// intervals that grow to a bound. When nobody calls, nobody probes.
func TestDown(t *testing.T) {
	addr := memcachedtest.FreeAddr(t)
	parsed, err := memcached.ParseServer(addr)
	if err != nil {
		t.Fatal(err)
	}
	srv := NewServer(parsed, &Config{Dialer: Dialer{Timeout: patient}, Conns: 1})
	defer srv.Close()
	call := func() *Failure {
		c, f := srv.do(t.Context(), srv.lanes[0], &protocol.Request{Verb: protocol.Noop}, false)
		if f == nil {
			c.Free()
		}
		return f
	}
	if f := call(); f == nil || !f.Unsent {
		t.Fatalf("the call returned %+v, want a failure that says that nothing was sent", f)
	}
	state := func() (wait time.Duration, resting bool) {
		srv.mu.Lock()
		defer srv.mu.Unlock()
		if srv.down == nil {
			return 0, false
		}
		return srv.down.wait, srv.down.resting
	}
	if wait, _ := state(); wait != firstWait {
		t.Errorf("the first probe after %v, want %v", wait, firstWait)
	}
	var rejected *DownError
	if f := call(); f == nil || !errors.As(f, &rejected) {
		t.Errorf("the call returned %v, want a DownError", f)
	}
	memcachedtest.Eventually(t, "the probes are further apart", func() bool {
		call()
		wait, _ := state()
		return wait >= 4*firstWait
	})
	memcachedtest.Eventually(t, "nobody calls, so nobody probes", func() bool {
		_, resting := state()
		return resting
	})
	l, err := net.Listen("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 1<<10)
		for _, reply := range []string{"VERSION 1.6.18\r\nMN\r\nEN O2\r\n", "MN\r\n"} {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write([]byte(reply)); err != nil {
				return
			}
		}
	}()
	if f := call(); f != nil { // the first call after a rest tries for itself
		t.Errorf("the server is back: %v", f)
	}
	if wait, _ := state(); wait != 0 {
		t.Error("the server is still down")
	}
}

// The time between probes has a bound.
func TestLongestWait(t *testing.T) {
	srv := NewServer(memcached.Server{Host: "127.0.0.1", Port: 1}, &Config{Dialer: Dialer{Timeout: patient}, Conns: 1})
	defer srv.Close()
	srv.mu.Lock()
	defer srv.mu.Unlock()
	for range 20 {
		srv.goDown(errors.New("down"))
	}
	if srv.down.wait != mostWait {
		t.Errorf("the wait is %v, want %v", srv.down.wait, mostWait)
	}
	for range 100 {
		if d := jitter(mostWait); d < mostWait/2 || d > mostWait {
			t.Errorf("jitter of %v is %v", mostWait, d)
		}
	}
}
