package dial

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// network is the network of a Dialer: its addresses accept after a time, refuse, or are silent.
type network struct {
	addrs []netip.Addr
	after map[netip.Addr]time.Duration // until a connection is made; absent: it is refused

	mu    sync.Mutex
	tried []string
	open  int
}

const never = time.Duration(1<<63 - 1)

func addr(s string) netip.Addr { return netip.MustParseAddr(s) }

// conn counts the connections that are open.
type conn struct {
	net.Conn
	n *network
}

func (c conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.n.open--
	return nil
}

func (n *network) dialer(t *testing.T) *Dialer {
	t.Helper()
	d := New("tcp", "cache.test:11211")
	d.lookup = func(context.Context, string) ([]netip.Addr, error) { return n.addrs, nil }
	d.connect = func(ctx context.Context, _, address string) (net.Conn, error) {
		a := netip.MustParseAddrPort(address)
		if a.Port() != 11211 {
			t.Errorf("port %d, want 11211", a.Port())
		}
		n.mu.Lock()
		n.tried = append(n.tried, a.Addr().String())
		n.mu.Unlock()
		after, ok := n.after[a.Addr()]
		if !ok {
			return nil, fmt.Errorf("%s: connection refused", a)
		}
		timer := time.NewTimer(after)
		defer timer.Stop()
		select {
		case <-timer.C:
			n.mu.Lock()
			n.open++
			n.mu.Unlock()
			return conn{n: n}, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return d
}

// The addresses of a name are tried in turn, and one that is silent leaves time for the
// others, also where the timeout is short.
func TestSeveralAddresses(t *testing.T) {
	six, four, other := addr("2001:db8::1"), addr("192.0.2.1"), addr("192.0.2.2")
	for _, tt := range []struct {
		name    string
		timeout time.Duration
		addrs   []netip.Addr
		after   map[netip.Addr]time.Duration
		within  time.Duration
		tried   []netip.Addr
		fails   bool
	}{
		{"the first is there", time.Second, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: 0, four: 0}, 0, []netip.Addr{six}, false},
		{"the first is silent", 500 * time.Millisecond, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: never, four: 0}, 100 * time.Millisecond, []netip.Addr{six, four}, false},
		{"the first is silent, and the timeout short", 100 * time.Millisecond, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: never, four: 0}, 25 * time.Millisecond, []netip.Addr{six, four}, false},
		{"the first refuses", time.Second, []netip.Addr{six, four}, map[netip.Addr]time.Duration{four: 0}, 0, []netip.Addr{six, four}, false},
		{"two are silent", 300 * time.Millisecond, []netip.Addr{six, four, other}, map[netip.Addr]time.Duration{six: never, four: never, other: 0}, 100 * time.Millisecond, []netip.Addr{six, four, other}, false},
		{"the first is slow, and faster than the second", time.Second, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: 150 * time.Millisecond, four: time.Second}, 150 * time.Millisecond, []netip.Addr{six, four}, false},
		{"one is silent and one refuses", 500 * time.Millisecond, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: never}, 500 * time.Millisecond, []netip.Addr{six, four}, true},
		{"all refuse", time.Second, []netip.Addr{six, four}, nil, 0, []netip.Addr{six, four}, true},
		{"all are silent", time.Second, []netip.Addr{six, four}, map[netip.Addr]time.Duration{six: never, four: never}, time.Second, []netip.Addr{six, four}, true},
		{"an address is listed twice, once within IPv6", time.Second, []netip.Addr{addr("::ffff:192.0.2.1"), four}, nil, 0, []netip.Addr{four}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := &network{addrs: tt.addrs, after: tt.after}
				ctx, cancel := context.WithTimeout(t.Context(), tt.timeout)
				defer cancel()
				start := time.Now()
				c, err := n.dialer(t).Dial(ctx)
				if took := time.Since(start); took != tt.within {
					t.Errorf("it took %v, want %v", took, tt.within)
				}
				if (err != nil) != tt.fails {
					t.Errorf("error %v", err)
				}
				synctest.Wait()
				time.Sleep(2 * time.Second) // for connections that come too late
				want := []string{}
				for _, a := range tt.tried {
					want = append(want, a.String())
				}
				if !slices.Equal(n.tried, want) {
					t.Errorf("tried %v, want %v", n.tried, want)
				}
				if c != nil {
					c.Close()
				}
				if n.open != 0 {
					t.Errorf("%d connections are left", n.open)
				}
			})
		})
	}
}

// The name is resolved for each connection, and the address that was reached stays in use
// as long as the name has it.
func TestNameThatMoves(t *testing.T) {
	a, b := addr("192.0.2.1"), addr("192.0.2.2")
	n := &network{addrs: []netip.Addr{a}, after: map[netip.Addr]time.Duration{a: 0, b: 0}}
	d := n.dialer(t)
	for _, step := range []struct {
		addrs []netip.Addr
		want  netip.Addr
	}{
		{[]netip.Addr{a}, a},
		{[]netip.Addr{b, a}, a},
		{[]netip.Addr{b}, b},
		{[]netip.Addr{a, b}, b},
	} {
		n.addrs, n.tried = step.addrs, nil
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		if _, err := d.Dial(ctx); err != nil {
			t.Error(err)
		}
		cancel()
		if want := []string{step.want.String()}; !slices.Equal(n.tried, want) {
			t.Errorf("with the addresses %v it tried %v, want %v", step.addrs, n.tried, want)
		}
	}
}

func TestNamesAndAddresses(t *testing.T) {
	for address, resolves := range map[string]bool{
		"127.0.0.1:1": false, "[::1]:1": false, "[fe80::1%eth0]:1": false, "localhost:1": true, "cache.test:11211": true,
	} {
		d := New("tcp", address)
		var asked string
		d.lookup = func(_ context.Context, host string) ([]netip.Addr, error) {
			asked = host
			return nil, errors.New("unknown")
		}
		var dialed string
		d.connect = func(_ context.Context, _, address string) (net.Conn, error) {
			dialed = address
			return nil, errors.New("refused")
		}
		_, err := d.Dial(t.Context())
		if (asked != "") != resolves || !resolves && dialed != address {
			t.Errorf("%s: resolved %q, dialed %q", address, asked, dialed)
		}
		var op *net.OpError
		if resolves && (!errors.As(err, &op) || op.Op != "dial") {
			t.Errorf("%s: error %#v, want one of dialing", address, err)
		}
	}
	d := New("unix", "/run/a:1")
	d.connect = func(_ context.Context, network, address string) (net.Conn, error) {
		return nil, errors.New(network + " " + address)
	}
	if _, err := d.Dial(t.Context()); err == nil || err.Error() != "unix /run/a:1" {
		t.Errorf("a unix socket: %v", err)
	}
}
