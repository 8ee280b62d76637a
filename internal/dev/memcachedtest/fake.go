package memcachedtest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
)

// Step is one exchange of a [Fake] with a client.
type Step struct {
	// Expect are the bytes that the client must send; anything else fails the test.
	// If empty, one read takes whatever the client sends.
	Expect string
	// Wait, if not nil, holds the reply back until it is closed.
	Wait <-chan struct{}
	// Reply is sent then.
	Reply string
	// Close ends the connection after the reply.
	Close bool
}

// Fake is a server that replies as a script says, in the protocol of the script.
type Fake struct {
	t      testing.TB
	l      net.Listener
	script func(conn int) []Step
	ended  chan struct{} // closed when the test ends

	mu       sync.Mutex
	accepted int
	open     map[net.Conn]struct{}
	done     bool
	wg       sync.WaitGroup
}

// StartFake starts a fake on 127.0.0.1 that ends with the test. Script gives the
// steps of the n-th connection, from 0; it is called by one goroutine at a time. After
// its last step a connection stays open and silent until the client closes it, so that
// without steps the server accepts connections and never replies.
func StartFake(t testing.TB, script func(conn int) []Step) *Fake {
	t.Helper()
	l, err := net.Listen("tcp", Loopback()+":0")
	if err != nil {
		t.Fatalf("memcachedtest: %v", err)
	}
	f := &Fake{t: t, l: l, script: script, ended: make(chan struct{}), open: make(map[net.Conn]struct{})}
	f.wg.Go(f.accept)
	t.Cleanup(f.end)
	return f
}

// Addr returns where the fake listens, as "127.0.0.1:port".
func (f *Fake) Addr() string { return f.l.Addr().String() }

// Accepted returns how many connections were made so far.
func (f *Fake) Accepted() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.accepted
}

// Open returns how many connections are open. A client's close is noticed with a
// delay: poll.
func (f *Fake) Open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.open)
}

func (f *Fake) accept() {
	for {
		c, err := f.l.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				f.t.Errorf("memcachedtest: fake: %v", err)
			}
			return
		}
		f.mu.Lock()
		if f.done {
			f.mu.Unlock()
			c.Close()
			return
		}
		steps := f.script(f.accepted)
		f.accepted++
		f.open[c] = struct{}{}
		f.mu.Unlock()
		f.wg.Go(func() { f.serve(c, steps) })
	}
}

func (f *Fake) serve(c net.Conn, steps []Step) {
	defer func() {
		c.Close()
		f.mu.Lock()
		delete(f.open, c)
		f.mu.Unlock()
	}()
	for _, s := range steps {
		if !f.expect(c, s.Expect) {
			return
		}
		if s.Wait != nil {
			select {
			case <-s.Wait:
			case <-f.ended:
				return
			}
		}
		if _, err := io.WriteString(c, s.Reply); err != nil {
			return // the client has gone
		}
		if s.Close {
			return
		}
	}
	_, _ = io.Copy(io.Discard, c) // until the client goes, in whatever way
}

// expect reads what the client must send. False means that the client has gone.
func (f *Fake) expect(c net.Conn, want string) bool {
	if want == "" {
		n, _ := c.Read(make([]byte, 64<<10))
		return n > 0
	}
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		m, err := c.Read(got[n:])
		n += m
		if string(got[:n]) != want[:n] {
			f.t.Errorf("memcachedtest: fake: the client sent %q, want %q", got[:n], want)
			return false
		}
		if err != nil {
			return false
		}
	}
	return true
}

func (f *Fake) end() {
	close(f.ended)
	f.mu.Lock()
	f.done = true
	for c := range f.open {
		c.Close()
	}
	f.mu.Unlock()
	if err := f.l.Close(); err != nil {
		f.t.Errorf("memcachedtest: fake: %v", err)
	}
	f.wg.Wait()
}
