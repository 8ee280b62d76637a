package guard

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patient is a timeout that is not what a test is about.
const patient = 20 * time.Second

// A host accepts connections and has f serve each.
type host struct {
	net.Listener
	accepted atomic.Int32
}

func listen(t *testing.T, f func(c net.Conn)) *host {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &host{Listener: l}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			h.accepted.Add(1)
			wg.Go(func() {
				defer c.Close()
				f(c)
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait()
	})
	return h
}

func (h *host) addr() string { return h.Addr().String() }

// pongs replies to each command of one argument.
func pongs(c net.Conn) {
	b := make([]byte, len("*1\r\n$4\r\nPING\r\n"))
	for {
		if _, err := io.ReadFull(c, b); err != nil {
			return
		}
		write(c, "+PONG\r\n")
	}
}

// replies waits for a command and sends a reply, whatever it is.
func replies(c net.Conn, reply string) {
	if _, err := c.Read(make([]byte, 100)); err == nil {
		write(c, reply)
	}
}

// mute waits for the connection to be closed.
func mute(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

func dialer(t *testing.T, timeout time.Duration) *Dialer {
	d := New(timeout, nil, testMax)
	t.Cleanup(d.Close)
	return d
}

func isKind(t *testing.T, err error, kind Kind, addr string) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || e.Server != addr {
		t.Errorf("error %#v, want one of kind %v on %s", err, kind, addr)
	}
}

func TestDialKinds(t *testing.T) {
	closed := listen(t, mute)
	closed.Close()
	for name, v := range map[string]struct {
		host *host
		kind Kind
		text string
	}{
		"refused":  {closed, Dial, "refused"},
		"silent":   {listen(t, mute), Timeout, "no reply within 200ms"},
		"hangs up": {listen(t, func(net.Conn) {}), Lost, "connection lost"},
		"garbage":  {listen(t, func(c net.Conn) { replies(c, "HTTP/1.1\r\n"); mute(c) }), Protocol, `"H" does not begin a reply of Valkey or Redis to PING`},
		"endless":  {listen(t, func(c net.Conn) { replies(c, strings.Repeat("+", 5000)); mute(c) }), Protocol, "PING"},
		"full":     {listen(t, func(c net.Conn) { replies(c, "-ERR max number of clients reached\r\n") }), Dial, "max number of clients"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := patient
			if v.kind == Timeout {
				timeout = 200 * time.Millisecond
			}
			_, err := dialer(t, timeout).Dial(context.Background(), v.host.addr(), false)
			isKind(t, err, v.kind, v.host.addr())
			if err != nil && !strings.Contains(err.Error(), v.text) {
				t.Errorf("error %q, want one with %q", err, v.text)
			}
		})
	}
	for _, reply := range []string{"+PONG\r\n", "-NOAUTH Authentication required.\r\n", "-LOADING\r\n"} {
		h := listen(t, func(c net.Conn) { replies(c, reply); mute(c) })
		if _, err := dialer(t, patient).Dial(context.Background(), h.addr(), false); err != nil {
			t.Errorf("with the reply %q: %v", reply, err)
		}
	}
}

func TestDialUnix(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			pongs(c)
		}
	}()
	if _, err := dialer(t, patient).Dial(context.Background(), l.Addr().String(), false); err != nil {
		t.Error(err)
	}
}

// A caller that leaves does not stop the connection from being made, which the next one
// gets; and those who wait for it as well are not told that a context has ended.
func TestDialOutlivesItsCaller(t *testing.T) {
	proceed := make(chan struct{})
	h := listen(t, func(c net.Conn) { <-proceed; pongs(c) })
	d := dialer(t, patient)
	hasty, cancel := context.WithCancel(context.Background())
	results := make(chan error, 2)
	go func() { _, err := d.Dial(hasty, h.addr(), false); results <- err }()
	for h.accepted.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	if err := <-results; err != context.Canceled {
		t.Errorf("the caller that left got %v", err)
	}
	go func() { _, err := d.Dial(context.Background(), h.addr(), false); results <- err }()
	close(proceed)
	if err := <-results; err != nil {
		t.Errorf("the next caller got %v", err)
	}
	if n := h.accepted.Load(); n != 1 {
		t.Errorf("%d connections were made, want 1", n)
	}
}

// A connection that nobody takes is closed.
func TestSpareIsClosed(t *testing.T) {
	gone := make(chan struct{})
	h := listen(t, func(c net.Conn) { pongs(c); close(gone) })
	d := dialer(t, 100*time.Millisecond)
	s, err := d.server(h.addr(), false)
	if err != nil {
		t.Fatal(err)
	}
	<-s.try().done
	select {
	case <-gone:
	case <-time.After(patient):
		t.Error("the connection is still open")
	}
	if c := s.takeSpare(); c != nil {
		t.Error("the connection is still kept")
	}
}

// A server that was silent twice in a row is down: calls do not wait for it, and the first
// one after its recovery works.
func TestDown(t *testing.T) {
	var frozen atomic.Bool
	frozen.Store(true)
	var mu sync.Mutex
	thaw := sync.NewCond(&mu)
	h := listen(t, func(c net.Conn) {
		mu.Lock()
		for frozen.Load() {
			thaw.Wait()
		}
		mu.Unlock()
		pongs(c)
	})
	t.Cleanup(func() { frozen.Store(false); thaw.Broadcast() })
	const timeout = time.Second
	d := dialer(t, timeout)
	dial := func() (time.Duration, error) {
		start := time.Now()
		_, err := d.Dial(context.Background(), h.addr(), false)
		return time.Since(start), err
	}
	for range downAfter {
		took, err := dial()
		isKind(t, err, Timeout, h.addr())
		if took < timeout*9/10 {
			t.Errorf("a silent server was given up after %v", took)
		}
	}
	before := h.accepted.Load()
	start, n := time.Now(), int32(0)
	for ; n < 8; n++ {
		_, err := dial()
		isKind(t, err, Rejected, h.addr())
	}
	if took := time.Since(start); took > timeout*8/2 {
		t.Errorf("%d calls to a server that is down took %v", n, took)
	}
	if tried := h.accepted.Load() - before; tried > n/2 {
		t.Errorf("%d calls to a server that is down made %d connections", n, tried)
	}
	mu.Lock()
	frozen.Store(false)
	mu.Unlock()
	thaw.Broadcast()
	deadline := time.Now().Add(patient)
	for {
		if _, err := dial(); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("a server that replies again: %v", err)
		}
	}
	if took, err := dial(); err != nil || took > timeout {
		t.Errorf("the next call: %v after %v", err, took)
	}
}

func TestStats(t *testing.T) {
	h := listen(t, pongs)
	d := dialer(t, patient)
	d.Configure("configured:1", false)
	a, err := d.Dial(context.Background(), h.addr(), false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Dial(context.Background(), h.addr(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Dial(context.Background(), h.addr(), true); err != nil { // a Sentinel
		t.Fatal(err)
	}
	d.Begin()
	write(a, "*1\r\n$4\r\nPING\r\n")
	stats := d.Stats()
	d.End(false)
	if len(stats) != 3 || stats[0].Server != "configured:1" || stats[1].Server != h.addr() {
		t.Fatalf("statistics %+v", stats)
	}
	if s := stats[1]; s.Open != 2 || s.InUse != 1 || s.Idle != 1 || s.Opened != 2 || s.Closed != 0 {
		t.Errorf("statistics %+v", s)
	}
	if _, err := io.ReadFull(a, make([]byte, len("+PONG\r\n"))); err != nil {
		t.Error(err)
	}
	a.Close()
	a.Close()
	if s := d.Stats()[1]; s.Open != 1 || s.InUse != 0 || s.Opened != 2 || s.Closed != 1 {
		t.Errorf("statistics after Close %+v", s)
	}
	d.Drop(h.addr())
	if s := d.Stats()[1]; s.Open != 0 || s.Closed != 2 {
		t.Errorf("statistics after Drop %+v", s)
	}
	d.Close()
	if _, err := d.Dial(context.Background(), h.addr(), false); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial after Close: %v", err)
	}
}
