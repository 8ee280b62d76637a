//go:build unix

package memcachedtest_test

import (
	"net"
	"slices"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestServer(t *testing.T) {
	networks := []string{"tcp", "unix"}
	if memcachedtest.HasIPv6() {
		networks = append(networks, "tcp6")
	}
	for _, network := range networks {
		t.Run(network, func(t *testing.T) {
			s := memcachedtest.Start(t, network, "-m", "8")
			addr := s.Addr()
			if got := s.Command("flush_all", "OK"); !slices.Equal(got, []string{"OK"}) {
				t.Errorf("flush_all: %q", got)
			}
			s.Stop()
			if c, err := net.Dial(s.Network(), addr); err == nil {
				c.Close()
				t.Error("the server still listens after Stop")
			}
			s.Restart()
			if s.Addr() != addr {
				t.Errorf("address after Restart %q, before %q", s.Addr(), addr)
			}
			s.Command("version", "VERSION")
			s.Kill()
			s.Restart()
			s.Restart()
			s.Freeze()
			if silent(t, s) != true {
				t.Error("the server replies while it is frozen")
			}
			s.Thaw()
			s.Command("version", "VERSION")
			s.Freeze() // and the cleanup must end it like this
		})
	}
}

func TestStartN(t *testing.T) {
	servers := memcachedtest.StartN(t, 3, "tcp")
	addrs := memcachedtest.Addrs(servers)
	slices.Sort(addrs)
	if n := len(slices.Compact(addrs)); n != 3 {
		t.Errorf("%d addresses, want 3: %q", n, addrs)
	}
}

func TestCleanupEndsTheServer(t *testing.T) {
	var addr, network string
	t.Run("server", func(t *testing.T) {
		s := memcachedtest.Start(t, "tcp")
		addr, network = s.Addr(), s.Network()
		s.Freeze()
	})
	if c, err := net.Dial(network, addr); err == nil {
		c.Close()
		t.Error("the server outlived its test")
	}
}

// silent reports whether the server accepts and does not reply.
func silent(t *testing.T, s *memcachedtest.Server) bool {
	t.Helper()
	c, err := net.Dial(s.Network(), s.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("version\r\n")); err != nil {
		t.Fatal(err)
	}
	if err := c.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err = c.Read(make([]byte, 1))
	return err != nil
}
