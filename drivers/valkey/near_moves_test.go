package valkey_test

import (
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// A mute relays connections to a server until it is silenced. From then on it discards all bytes
// and closes no connection, as when a cable is cut.
type mute struct {
	listener net.Listener
	server   atomic.Value // the address
	silent   atomic.Bool
	refuse   atomic.Int64 // connections that are closed at once
	wg       sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func startMute(t *testing.T, server string) *mute {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mute{listener: l}
	m.server.Store(server)
	m.wg.Go(m.accept)
	t.Cleanup(func() {
		l.Close()
		m.mu.Lock()
		for _, c := range m.conns {
			c.Close()
		}
		m.mu.Unlock()
		m.wg.Wait()
	})
	return m
}

func (m *mute) accept() {
	for {
		client, err := m.listener.Accept()
		if err != nil {
			return
		}
		if m.refuse.Add(-1) >= 0 {
			client.Close()
			continue
		}
		server, err := net.Dial("tcp", m.server.Load().(string))
		if err != nil {
			client.Close()
			continue
		}
		m.mu.Lock()
		m.conns = append(m.conns, client, server)
		m.mu.Unlock()
		m.wg.Go(func() { m.relay(client, server) })
		m.wg.Go(func() { m.relay(server, client) })
	}
}

func (m *mute) relay(to, from net.Conn) {
	defer to.Close()
	b := make([]byte, 1<<16)
	for {
		n, err := from.Read(b)
		if m.silent.Load() {
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err != nil {
			return
		}
		if _, err := to.Write(b[:n]); err != nil {
			return
		}
	}
}

// When the address leads to another server, and the old one lives, the view
// follows the driver, so that own writes are seen.
func TestNearServerMoves(t *testing.T) {
	a := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	b := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	m := startMute(t, a.Addr())
	c := open(t, valkey.Config{Servers: []string{m.listener.Addr().String()}, Timeout: patient})
	n := near(t, c, valkey.NearConfig{MaxAge: time.Hour})
	ctx := t.Context()
	if err := c.Set(ctx, "k", []byte("old"), 0); err != nil {
		t.Fatal(err)
	}
	kept(t, n, "k")
	m.server.Store(b.Addr())
	m.mu.Lock()
	m.conns[0].Close() // that of Set, and not that of the view
	m.mu.Unlock()
	memcachedtest.Eventually(t, "a write arrives at the other server", func() bool {
		err := c.Set(ctx, "k", []byte("new"), 0)
		return err == nil && b.Do("EXISTS", "k") == int64(1)
	})
	for range 3 {
		if v, err := n.Get(ctx, "k"); err != nil || string(v) != "new" {
			t.Errorf("Get after an own write to the other server: %q, %v; want new", v, err)
		}
	}
	kept(t, n, "k")
	b.Do("SET", "k", "newer")
	memcachedtest.Eventually(t, "the other server reports changes", func() bool {
		v, err := n.Get(ctx, "k")
		return err == nil && string(v) == "newer"
	})
}
