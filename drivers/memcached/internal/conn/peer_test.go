package conn

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// patient bounds what should take no time, on a busy machine.
const patient = 20 * time.Second

// peer is the other end of a connection, which the test plays.
type peer struct {
	t  *testing.T
	nc net.Conn
}

// connect returns a connection and its other end.
func connect(t *testing.T, timeout time.Duration) (*Conn, *peer) {
	return connectOver(t, timeout, func(nc net.Conn) net.Conn { return nc })
}

// bubble runs f in a bubble of testing/synctest. The calls in the pools have channels, and one that
// was made in a bubble cannot be used outside of it: the pools are emptied before and after.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	emptyPools()
	defer emptyPools()
	synctest.Test(t, f)
}

// emptyPools empties every sync.Pool: a collection keeps what is in one until the next.
func emptyPools() {
	runtime.GC()
	runtime.GC()
}

// connectInBubble is connect without the kernel, so that time in a bubble of testing/synctest
// passes while both ends wait.
func connectInBubble(t *testing.T, timeout time.Duration) (*Conn, *peer) {
	client, server := net.Pipe()
	c := New(client, Config{Timeout: timeout})
	t.Cleanup(func() {
		server.Close()
		c.Close()
	})
	return c, &peer{t, server}
}

// connectOver is connect with the client's end wrapped.
func connectOver(t *testing.T, timeout time.Duration, wrap func(net.Conn) net.Conn) (*Conn, *peer) {
	t.Helper()
	l, err := net.Listen("tcp", memcachedtest.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := New(wrap(client), Config{Timeout: timeout})
	p := &peer{t, server}
	t.Cleanup(func() {
		server.Close()
		c.Close()
	})
	return c, p
}

// expect reads what the client must send, to the byte.
func (p *peer) expect(want string) {
	p.t.Helper()
	if err := p.nc.SetReadDeadline(time.Now().Add(patient)); err != nil {
		p.t.Fatal(err)
	}
	got := make([]byte, len(want))
	n, err := io.ReadFull(p.nc, got)
	if string(got[:n]) != want {
		p.t.Fatalf("the client sent %q (%v), want %q", shorten(got[:n]), err, shorten([]byte(want)))
	}
}

func shorten(b []byte) string {
	if len(b) > 300 {
		return string(b[:150]) + "..." + string(b[len(b)-150:])
	}
	return string(b)
}

func (p *peer) send(s string) {
	p.t.Helper()
	if _, err := io.WriteString(p.nc, s); err != nil {
		p.t.Fatal(err)
	}
}

// tag is the token of command number i.
func tag(i int) string { return fmt.Sprintf("O%c", '0'+i%64) }

// getRequest and value are a request for key as command number i, and its reply.
func getRequest(key string, i int) string { return "mg " + key + " v f " + tag(i) + "\r\n" }

func value(v string, i int) string { return fmt.Sprintf("VA %d f0 %s\r\n%s\r\n", len(v), tag(i), v) }

// result is the result of a call.
type result struct {
	value  string
	status protocol.Status
	unsent bool
	err    error
}

func do(ctx context.Context, c *Conn, r protocol.Request) result {
	call, unsent, err := c.Do(ctx, &r)
	if err != nil {
		return result{unsent: unsent, err: err}
	}
	defer call.Free()
	return result{value: string(call.Reply().Value), status: call.Reply().Status}
}

// start does a call beside the test.
func start(ctx context.Context, c *Conn, r protocol.Request) <-chan result {
	ch := make(chan result, 1)
	go func() { ch <- do(ctx, c, r) }()
	return ch
}

func startGet(ctx context.Context, c *Conn, key string) <-chan result {
	return start(ctx, c, protocol.Request{Verb: protocol.Get, Key: key})
}

// await returns the result of a call that must end.
func await(t *testing.T, ch <-chan result) result {
	t.Helper()
	select {
	case r := <-ch:
		return r
	case <-time.After(patient):
		t.Fatal("the call does not end")
		panic("unreachable")
	}
}

func wantValue(t *testing.T, ch <-chan result, want string) {
	t.Helper()
	if r := await(t, ch); r.err != nil || r.value != want {
		t.Errorf("value %q, error %v; want %q", shorten([]byte(r.value)), r.err, shorten([]byte(want)))
	}
}

func wantError(t *testing.T, ch <-chan result, want error, unsent bool) {
	t.Helper()
	if r := await(t, ch); !errors.Is(r.err, want) || r.unsent != unsent {
		t.Errorf("error %v, unsent %v; want %v, %v", r.err, r.unsent, want, unsent)
	}
}

// notYet checks that a call is still waiting.
func notYet(t *testing.T, ch <-chan result, what string) {
	t.Helper()
	select {
	case r := <-ch:
		t.Fatalf("%s: %+v", what, r)
	case <-time.After(20 * time.Millisecond):
	}
}

// enqueued waits until n calls were made on c since the beginning.
func enqueued(t *testing.T, c *Conn, n uint64) {
	t.Helper()
	memcachedtest.Eventually(t, fmt.Sprint(n, " calls are made"), func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.seq >= n
	})
}

// gate is a connection whose writes wait to be let through, and which the kernel's own
// calls cannot get around.
type gate struct {
	net.Conn
	open chan struct{} // each write takes one

	mu     sync.Mutex
	writes []string
}

func gated(n *gate) func(net.Conn) net.Conn {
	n.open = make(chan struct{}, 1000)
	return func(nc net.Conn) net.Conn {
		n.Conn = nc
		return n
	}
}

func (g *gate) Write(b []byte) (int, error) {
	g.mu.Lock()
	g.writes = append(g.writes, string(b))
	g.mu.Unlock()
	<-g.open
	return g.Conn.Write(b)
}

func (g *gate) Close() error {
	select {
	case g.open <- struct{}{}:
	default:
	}
	return g.Conn.Close()
}

func (g *gate) written() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]string(nil), g.writes...)
}

// large is a value that no socket takes at once.
var large = strings.Repeat("0123456789abcdef", 1<<20)

// serveSimply replies to every set, and every get with the large value, one after the other,
// until the connection ends.
func (p *peer) serveSimply() {
	in := bufio.NewReader(p.nc)
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		fields := strings.Fields(line)
		tag := fields[len(fields)-1]
		reply := "HD " + tag + "\r\n"
		switch fields[0] {
		case "mg":
			reply = fmt.Sprintf("VA %d f0 %s\r\n%s\r\n", len(large), tag, large)
		case "ms":
			size, err := strconv.Atoi(fields[2])
			if err != nil {
				return
			}
			if _, err := in.Discard(size + 2); err != nil {
				return
			}
		}
		if _, err := io.WriteString(p.nc, reply); err != nil {
			return
		}
	}
}
