package gomemcache_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A connection that the server closed because it was idle is noticed before a request that
// must not be sent twice, with and without TLS.
func TestIdleTimeout(t *testing.T) {
	t.Run("plain", func(t *testing.T) {
		t.Parallel()
		s := memcachedtest.Start(t, "tcp", "-o", "idle_timeout=1")
		nc, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		afterIdle(t, gomemcache.Config{Servers: []string{s.Addr()}, Timeout: patient}, nc)
	})
	t.Run("TLS", func(t *testing.T) {
		t.Parallel()
		certs := memcachedtest.NewCertificates(t)
		s := memcachedtest.StartTLS(t, certs, "-o", "idle_timeout=1")
		trust := certs.Client(t)
		nc, err := tls.Dial("tcp", s.Addr(), trust)
		if err != nil {
			t.Fatal(err)
		}
		afterIdle(t, gomemcache.Config{Servers: []string{s.Addr()}, TLS: trust, Timeout: patient}, nc)
	})
}

// afterIdle calls what must not be sent twice, each time after the server has closed the
// connection of the cache. The connection nc is to the same server.
func afterIdle(t *testing.T, config gomemcache.Config, nc net.Conn) {
	defer nc.Close()
	replies := bufio.NewScanner(nc)
	stats := func() (connections, closed int) {
		if _, err := nc.Write([]byte("stats\r\n")); err != nil {
			t.Fatal(err)
		}
		for replies.Scan() && replies.Text() != "END" {
			for name, n := range map[string]*int{"curr_connections": &connections, "idle_kicks": &closed} {
				if rest, ok := strings.CutPrefix(replies.Text(), "STAT "+name+" "); ok {
					if _, err := fmt.Sscan(rest, n); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		if err := replies.Err(); err != nil || connections == 0 {
			t.Fatalf("no reply to stats: %v", err)
		}
		return connections, closed
	}
	none, before := stats()
	c := open(t, config)
	d, err := dependency.New(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	if err := c.Set(ctx, "n", []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	for _, call := range []struct {
		name string
		do   func() error
		want error
	}{
		{"Increment", func() error { _, err := c.Increment(ctx, "n", 1); return err }, nil},
		{"Add", func() error { return c.Add(ctx, "n", []byte("1"), 0) }, cache.ErrNotStored},
		{"dependency.Add", func() error { return d.Add(ctx, "master:", "n") }, nil},
	} {
		memcachedtest.Eventually(t, "the server closes idle connections", func() bool {
			connections, closed := stats()
			return closed > before && connections <= none
		})
		_, before = stats()
		if err := call.do(); !errors.Is(err, call.want) {
			t.Errorf("%s: %v, want %v", call.name, err, call.want)
		}
	}
}
