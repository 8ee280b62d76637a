package conn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A connection that fails ends all its calls, and takes no other.
func TestFailure(t *testing.T) {
	for name, tt := range map[string]struct {
		end  func(c *Conn, p *peer)
		want func(err error) bool
	}{
		"closed by the server":       {func(_ *Conn, p *peer) { p.nc.Close() }, isLost},
		"closed by us":               {func(c *Conn, _ *peer) { c.Close() }, func(err error) bool { return errors.Is(err, driver.ErrClosed) }},
		"half a reply":               {func(_ *Conn, p *peer) { p.send("VA 5 f0 " + tag(0) + "\r\nval"); p.nc.Close() }, isLost},
		"another token":              {func(_ *Conn, p *peer) { p.send(value("v", 1)) }, isMalformed},
		"a reply to another command": {func(_ *Conn, p *peer) { p.send("NS " + tag(0) + "\r\n") }, isMalformed},
		"a value that is too long":   {func(_ *Conn, p *peer) { p.send("VA 3 f0 " + tag(0) + "\r\nlonger\r\n") }, isMalformed},
		"a value that is too short":  {func(_ *Conn, p *peer) { p.send("VA 9 f0 " + tag(0) + "\r\nshort\r\nEN " + tag(1) + "\r\n") }, isMalformed},
		"a line without CR":          {func(_ *Conn, p *peer) { p.send("EN " + tag(0) + "\n") }, isMalformed},
		"a line without end":         {func(_ *Conn, p *peer) { p.send(strings.Repeat("x", protocol.MaxLine+1)) }, isMalformed},
		"a client error":             {func(_ *Conn, p *peer) { p.send("CLIENT_ERROR bad command line format\r\n") }, isMalformed},
		"a client error of a count":  {func(_ *Conn, p *peer) { p.send(value("v", 0) + "CLIENT_ERROR invalid\r\n") }, isMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			c, p := connect(t, patient)
			calls := []<-chan result{startGet(background, c, "a")}
			enqueued(t, c, 1)
			calls = append(calls, start(background, c, protocol.Request{Verb: protocol.Increment, Key: "n", Delta: 1}))
			enqueued(t, c, 2)
			calls = append(calls, start(background, c, protocol.Request{Verb: protocol.Set, Key: "b"}))
			p.expect(getRequest("a", 0) + "ma n v D1 " + tag(1) + "\r\nms b 0 " + tag(2) + "\r\n\r\n")
			tt.end(c, p)
			for i, ch := range calls {
				if r := await(t, ch); i > 0 && !tt.want(r.err) || i == 0 && r.err != nil && !tt.want(r.err) || r.err != nil && r.unsent {
					t.Errorf("call %d: error %v, unsent %v", i, r.err, r.unsent)
				}
			}
			if r := do(background, c, protocol.Request{Verb: protocol.Get, Key: "k"}); !tt.want(r.err) || !r.unsent {
				t.Errorf("a call afterwards: error %v, unsent %v; want the same error, and unsent", r.err, r.unsent)
			}
			if !c.Failed() {
				t.Error("Failed is false")
			}
			if _, err := io.ReadAll(p.nc); err != nil && !errors.Is(err, net.ErrClosed) && !isReset(err) {
				t.Errorf("the connection is not closed: %v", err)
			}
		})
	}
}

func isLost(err error) bool      { var e *LostError; return errors.As(err, &e) }
func isMalformed(err error) bool { var e *protocol.MalformedError; return errors.As(err, &e) }
func isReset(err error) bool     { return strings.Contains(err.Error(), "reset") }

// Whole error lines are the replies to one request each.
func TestErrorLines(t *testing.T) {
	c, p := connect(t, patient)
	first := start(background, c, protocol.Request{Verb: protocol.Set, Key: "a", Value: []byte("x")})
	enqueued(t, c, 1)
	second := start(background, c, protocol.Request{Verb: protocol.Set, Key: "b"})
	enqueued(t, c, 2)
	third := start(background, c, protocol.Request{Verb: protocol.Increment, Key: "n", Delta: 1})
	enqueued(t, c, 3)
	fourth := startGet(background, c, "c")
	p.expect("ms a 1 " + tag(0) + "\r\nx\r\nms b 0 " + tag(1) + "\r\n\r\nma n v D1 " + tag(2) + "\r\n" + getRequest("c", 3))
	p.send("SERVER_ERROR object too large for cache\r\nSERVER_ERROR out of memory storing object\r\n" +
		"CLIENT_ERROR cannot increment or decrement non-numeric value\r\n" + value("v", 3))
	for i, want := range []protocol.Status{protocol.TooLarge, protocol.Failed, protocol.NotNumber, protocol.Found} {
		if r := await(t, []<-chan result{first, second, third, fourth}[i]); r.err != nil || r.status != want {
			t.Errorf("call %d: status %d, error %v; want %d", i, r.status, r.err, want)
		}
	}
}

// Data that no request asked for ends the connection, at the latest with the next call.
func TestUnsolicited(t *testing.T) {
	c, p := connect(t, patient)
	call := startGet(background, c, "k")
	p.expect(getRequest("k", 0))
	p.send(value("v", 0) + "EN " + tag(1) + "\r\n")
	if r := await(t, call); r.value != "v" && !errors.Is(r.err, ErrUnsolicited) {
		t.Errorf("the get returned %+v, want the value or ErrUnsolicited", r)
	}
	if r := do(background, c, protocol.Request{Verb: protocol.Get, Key: "k"}); !errors.Is(r.err, ErrUnsolicited) || !r.unsent {
		t.Errorf("the next call: %+v, want an error, and unsent", r)
	}
}

// That the server has closed the connection while nothing was owed is noticed before
// anything is sent.
func TestClosedWhileIdle(t *testing.T) {
	c, p := connect(t, patient)
	call := startGet(background, c, "k")
	p.expect(getRequest("k", 0))
	p.send(value("v", 0))
	wantValue(t, call, "v")
	p.nc.Close()
	endArrives(t, c)
	r := do(background, c, protocol.Request{Verb: protocol.Increment, Key: "n"})
	if !isLost(r.err) || !r.unsent {
		t.Errorf("error %v, unsent %v; want it lost and unsent", r.err, r.unsent)
	}
}

// endArrives waits until the connection can be seen to be closed, and does not let it be seen.
func endArrives(t *testing.T, c *Conn) {
	t.Helper()
	memcachedtest.Eventually(t, "the end arrives", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.raw.idle() != nil
	})
}

// The same on TLS, where the server first says good-bye; and a session ticket, which comes
// after the handshake, does not end the connection.
func TestClosedWhileIdleOnTLS(t *testing.T) {
	certs := memcachedtest.NewCertificates(t)
	client := certs.Client(t)
	client.DynamicRecordSizingDisabled = true
	l, err := tls.Listen("tcp", memcachedtest.Loopback()+":0", certs.Server(t))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			return
		}
		_ = nc.(*tls.Conn).Handshake()
		accepted <- nc
	}()
	nc, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	c := New(nc, Config{Timeout: patient})
	defer c.Close()
	p := &peer{t, <-accepted}
	for i := range 3 {
		call := startGet(background, c, "k")
		p.expect(getRequest("k", i))
		p.send(value("v", i))
		wantValue(t, call, "v")
	}
	p.nc.Close()
	endArrives(t, c)
	r := do(background, c, protocol.Request{Verb: protocol.Increment, Key: "n"})
	if !isLost(r.err) || !r.unsent {
		t.Errorf("error %v, unsent %v; want it lost and unsent", r.err, r.unsent)
	}
}

// A silent server is found after the timeout. Half of it before, a command that does
// nothing is sent. Bytes that only the kernel has taken do not count as progress.
func TestSilence(t *testing.T) {
	const timeout = 400 * time.Millisecond
	for _, busy := range []bool{false, true} {
		t.Run(fmt.Sprint("others call: ", busy), func(t *testing.T) {
			c, p := connect(t, timeout)
			began := time.Now()
			call := startGet(background, c, "k")
			p.expect(getRequest("k", 0))
			stop := make(chan struct{})
			if busy {
				go func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(10 * time.Millisecond):
							startGet(background, c, "other")
						}
					}
				}()
			}
			r := await(t, call)
			close(stop)
			var silent *SilentError
			if !errors.As(r.err, &silent) || !silent.Timeout() || r.unsent {
				t.Errorf("error %v, unsent %v; want a SilentError, and sent", r.err, r.unsent)
			}
			if d := time.Since(began); d < timeout*9/10 || d > timeout+patient {
				t.Errorf("found after %v, want %v", d, timeout)
			}
			rest, _ := io.ReadAll(p.nc)
			if n := strings.Count(string(rest), "mn\r\n"); n != 1 {
				t.Errorf("%d commands to wake the server, want 1: %q", n, shorten(rest))
			}
		})
	}
}

// A server that is slow but not silent is not given up.
func TestSlowServer(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const timeout = 400 * time.Millisecond
		c, p := connectInBubble(t, timeout)
		call := startGet(background, c, "k")
		p.expect(getRequest("k", 0))
		whole := value("0123456789", 0)
		for i := range whole {
			p.send(whole[i : i+1])
			time.Sleep(timeout / 8)
		}
		wantValue(t, call, "0123456789")
		// Nor is one of which nothing was wanted for long.
		time.Sleep(2 * timeout)
		next := startGet(background, c, "next")
		p.expect(getRequest("next", 1))
		p.send(value("n", 1))
		wantValue(t, next, "n")
	})
}

// The command that wakes the server has a reply that nobody waits for.
func TestNudgeHasAReply(t *testing.T) {
	bubble(t, func(t *testing.T) {
		const timeout = 400 * time.Millisecond
		c, p := connectInBubble(t, timeout)
		call := startGet(background, c, "k")
		p.expect(getRequest("k", 0) + "mn\r\n")
		p.send(value("v", 0) + "MN\r\n")
		wantValue(t, call, "v")
		next := startGet(background, c, "next")
		p.expect(getRequest("next", 1))
		p.send(value("n", 1))
		wantValue(t, next, "n")
	})
}

// A connection that is retired serves the calls that it has, and ends then.
func TestRetire(t *testing.T) {
	c, p := connect(t, patient)
	call := startGet(background, c, "k")
	p.expect(getRequest("k", 0))
	c.Retire()
	notYet(t, call, "a call ended when its connection was retired")
	p.send(value("v", 0))
	wantValue(t, call, "v")
	memcachedtest.Eventually(t, "the connection is closed", c.Failed)
	idle, _ := connect(t, patient)
	idle.Retire()
	if !idle.Failed() {
		t.Error("a retired connection on which nothing is owed is open")
	}
}

// Callers wait for room in the order in which they came, each until its context ends, and
// the room of those that have left is free when their replies are read.
func TestRoom(t *testing.T) {
	c, p := connect(t, patient)
	c.maxOwed = 3
	waited := make(chan time.Duration, 10)
	c.cfg.Waited = func(d time.Duration) { waited <- d }
	gone, cancel := context.WithCancel(background)
	var first []<-chan result
	for i := range 3 {
		first = append(first, startGet(gone, c, "first"))
		enqueued(t, c, uint64(i+1))
		p.expect(getRequest("first", i))
	}
	cancel()
	for _, ch := range first {
		wantError(t, ch, context.Canceled, false)
	}
	impatient, cancel := context.WithCancel(background)
	inQueue := func(n int32) {
		t.Helper()
		memcachedtest.Eventually(t, "it waits for room", func() bool { return c.room.n.Load() == n })
	}
	a := startGet(background, c, "a")
	inQueue(1)
	leaver := startGet(impatient, c, "leaver")
	inQueue(2)
	b := startGet(background, c, "b")
	inQueue(3)
	d := startGet(background, c, "d")
	inQueue(4)
	cancel()
	wantError(t, leaver, context.Canceled, true)
	p.send(value("x", 0))
	p.expect(getRequest("a", 3))
	p.send(value("x", 1) + value("x", 2))
	p.expect(getRequest("b", 4) + getRequest("d", 5))
	p.send(value("va", 3) + value("vb", 4) + value("vd", 5))
	wantValue(t, a, "va")
	wantValue(t, b, "vb")
	wantValue(t, d, "vd")
	if n := len(waited); n != 4 {
		t.Errorf("%d calls waited, want 4", n)
	}
}

// Those who wait for room on a connection that fails learn of it.
func TestRoomOnAFailedConnection(t *testing.T) {
	c, p := connect(t, patient)
	c.maxOwed = 1
	first := startGet(background, c, "first")
	p.expect(getRequest("first", 0))
	var rest []<-chan result
	for i := range 5 {
		rest = append(rest, startGet(background, c, "k"))
		memcachedtest.Eventually(t, "it waits for room", func() bool { return c.room.n.Load() == int32(i+1) })
	}
	p.nc.Close()
	if r := await(t, first); !isLost(r.err) || r.unsent {
		t.Errorf("the first call returned %+v, want it lost and sent", r)
	}
	for _, ch := range rest {
		if r := await(t, ch); !isLost(r.err) || !r.unsent {
			t.Errorf("a later call returned %+v, want it lost and unsent", r)
		}
	}
}

// A request that is larger than all the room goes out when it is alone.
func TestLargerThanTheRoom(t *testing.T) {
	c, p := connect(t, patient)
	go p.serveSimply()
	for range 2 {
		r := do(background, c, protocol.Request{Verb: protocol.Set, Key: "k", Value: []byte(large)})
		if r.err != nil || r.status != protocol.OK {
			t.Fatalf("the set returned %+v", r)
		}
	}
	// Its buffer is not kept.
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := cap(c.out) + cap(c.spare); n > 2*keepBuffer {
		t.Errorf("%d bytes of buffers are kept", n)
	}
}

// A server that announces a value does not get the memory for it before it comes.
func TestAnnouncedValue(t *testing.T) {
	c, p := connect(t, patient)
	ctx, cancel := context.WithCancel(background)
	call := startGet(ctx, c, "k")
	p.expect(getRequest("k", 0))
	p.send(fmt.Sprintf("VA %d f0 %s\r\n", protocol.MaxValue, tag(0)) + "v")
	memcachedtest.Eventually(t, "it was read", func() bool { return c.progress.Load() > 0 })
	cancel()
	wantError(t, call, context.Canceled, false)
	p.nc.Close()
	memcachedtest.Eventually(t, "the connection has ended", func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.err != nil && !c.reading
	})
	if n := cap(c.reader.value); n > firstPart {
		t.Errorf("%d bytes were made for a value of which one came", n)
	}
}

// A server that announces more bytes of a value than it sends is silent, although it replies to
// what is sent to wake it: that is not taken for the rest of the value.
func TestSilenceInMidValue(t *testing.T) {
	c, p := connect(t, 400*time.Millisecond)
	call := startGet(background, c, "k")
	p.expect(getRequest("k", 0))
	p.send("VA 9 f0 " + tag(0) + "\r\nval\r\n")
	go func() {
		for nudge := make([]byte, len("mn\r\n")); ; {
			if _, err := io.ReadFull(p.nc, nudge); err != nil {
				return
			}
			if _, err := io.WriteString(p.nc, "MN\r\n"); err != nil {
				return
			}
		}
	}()
	r := await(t, call)
	var silent *SilentError
	if !errors.As(r.err, &silent) {
		t.Errorf("value %q, error %v; want a SilentError", r.value, r.err)
	}
}
