package cluster

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

const patient = 30 * time.Second

// named returns a server by name, and a dialer that finds it at the addresses of at.
func named(t *testing.T, port int, at func() []string) (memcached.Server, Dialer) {
	t.Helper()
	return memcached.Server{Host: "cache.test", Port: port, Weight: 1}, Dialer{
		Timeout: patient,
		lookup: func(_ context.Context, _, host string) ([]netip.Addr, error) {
			if host != "cache.test" {
				t.Errorf("asked for %q", host)
			}
			var ips []netip.Addr
			for _, s := range at() {
				ips = append(ips, netip.MustParseAddr(s))
			}
			return ips, nil
		},
	}
}

func addrOf(t *testing.T, s *memcachedtest.Server) netip.AddrPort {
	t.Helper()
	a, err := netip.ParseAddrPort(s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func ping(t *testing.T, s *Server, lane int) {
	t.Helper()
	call, f := s.do(t.Context(), s.lanes[lane], &protocol.Request{Verb: protocol.Noop}, false)
	if f != nil {
		t.Fatal(f)
	}
	call.Free()
}

// A name is resolved for each connection. Where it has another address than before, the
// connections to the old one are closed once nothing is owed on them.
func TestNameMoves(t *testing.T) {
	first := memcachedtest.Start(t, "tcp")
	port := int(addrOf(t, first).Port())
	other := memcachedtest.OtherLoopback(t)
	l, err := net.Listen("tcp", net.JoinHostPort(other, portOf(first.Addr())))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	served := make(chan struct{})
	go func() {
		defer close(served)
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		b := make([]byte, 1<<10)
		for _, reply := range []string{"VERSION 1.6.18\r\nMN\r\nEN O2\r\n", "MN\r\n"} {
			if _, err := c.Read(b); err != nil {
				return
			}
			if _, err := c.Write([]byte(reply)); err != nil {
				return
			}
		}
		_, _ = c.Read(b) // until it is closed
	}()
	at := addrOf(t, first).Addr().String()
	s, d := named(t, port, func() []string { return []string{at} })
	srv := NewServer(s, &Config{Dialer: d, Conns: 2})
	ping(t, srv, 0)
	at = other
	ping(t, srv, 0)
	if c := srv.lanes[0].cur.Load(); c == nil || c.RemoteAddr() != first.Addr() {
		t.Error("a connection that works was closed before another was made")
	}
	ping(t, srv, 1)
	memcachedtest.Eventually(t, "the connection to the old address is closed", func() bool {
		return srv.lanes[0].cur.Load() == nil && srv.closedConns.Load() == 1
	})
	if c := srv.lanes[1].cur.Load(); c == nil || !strings.HasPrefix(c.RemoteAddr(), other) {
		t.Error("the new connection is not to the new address")
	}
	srv.Close()
	<-served
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}

// A name with several addresses is reached where only the last works: the first is silent,
// and the second refuses.
func TestSeveralAddresses(t *testing.T) {
	last := memcachedtest.Start(t, "tcp")
	port := addrOf(t, last).Port()
	other := memcachedtest.OtherLoopback(t)
	silent, err := net.Listen("tcp", net.JoinHostPort(other, portOf(last.Addr())))
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	s, d := named(t, int(port), func() []string { return []string{other, "127.1.2.5", addrOf(t, last).Addr().String()} })
	nc, err := d.dial(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if got := nc.RemoteAddr().String(); got != last.Addr() {
		t.Errorf("connected to %s, want %s", got, last.Addr())
	}
	if err := nc.Close(); err != nil {
		t.Error(err)
	}
	// Where none works, the error is that of all, in time.
	d.Timeout = 200 * time.Millisecond
	s, d.lookup = memcached.Server{Host: "cache.test", Port: int(port)}, func(context.Context, string, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr(other), netip.MustParseAddr("127.1.2.5")}, nil
	}
	start := time.Now()
	_, err = d.dial(t.Context(), s)
	var slow *TimeoutError
	if !errors.As(err, &slow) {
		t.Errorf("error %v, want a timeout", err)
	}
	memcachedtest.Bounded(t, start, d.Timeout)
}

func TestAlternate(t *testing.T) {
	var ips []netip.Addr
	for _, s := range []string{"::1", "::2", "::3", "127.0.0.1", "127.0.0.2"} {
		ips = append(ips, netip.MustParseAddr(s))
	}
	var got []string
	for _, ip := range alternate(ips) {
		got = append(got, ip.String())
	}
	if want := []string{"::1", "127.0.0.1", "::2", "127.0.0.2", "::3"}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %q, want %q", got, want)
	}
}

func TestOlder(t *testing.T) {
	for version, want := range map[string]bool{
		"1.6.12": true, "1.6.9": true, "1.5.22": true, "0.9.9": true,
		"1.6.13": false, "1.6.18-beta2": false, "1.6.38": false, "1.7.0": false, "2.0.0": false,
		"1.6": false, "unknown": false, "a.b.c": false, "": false,
	} {
		if got := older(version); got != want {
			t.Errorf("%q: %v, want %v", version, got, want)
		}
	}
}
