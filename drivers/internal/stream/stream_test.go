package stream

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// pair returns both ends of a connection.
func pair(t *testing.T) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close(); server.Close() })
	return client, server
}

// open returns a stream and the other end of it.
func open(t *testing.T, secure bool) (*Stream, net.Conn) {
	t.Helper()
	client, server := pair(t)
	s := &Stream{}
	if !secure {
		if err := s.Open(t.Context(), client, 1, nil); err != nil {
			t.Fatal(err)
		}
		return s, server
	}
	certs := memcachedtest.NewCertificates(t)
	other := tls.Server(server, certs.Server(t))
	done := make(chan error)
	go func() { done <- other.Handshake() }()
	if err := s.Open(t.Context(), client, 1, certs.Client(t)); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return s, other
}

// begin begins a call that takes timeout at most.
func begin(t *testing.T, s *Stream, ctx context.Context, timeout time.Duration) {
	t.Helper()
	call, err := endpoint.New("driver", "tcp", "server", timeout).Begin(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	call.Start()
	s.Begin(call)
}

// request is the request that calls send.
var request = []byte("request")

// send has s send a request.
func send(t *testing.T, s *Stream) {
	t.Helper()
	if err := s.Send(request); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until ok returns true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in a minute: %s", what)
		}
	}
}

// ping has the other end of s send a byte, which s receives in a call.
func ping(t *testing.T, s *Stream, other net.Conn) {
	t.Helper()
	begin(t, s, t.Context(), 10*time.Second)
	send(t, s)
	if _, err := io.ReadFull(other, make([]byte, len(request))); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if n, err := s.Receive(make([]byte, 10)); n != 1 || err != nil {
		t.Fatalf("Receive: %d bytes, error %v", n, err)
	}
	if _, err := s.End(); err != nil {
		t.Fatal(err)
	}
}

// Stale is told apart from idle. Under TLS the session tickets of the server are waiting to be
// read, which are not for the caller.
func TestStale(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		for what, do := range map[string]func(net.Conn) error{
			"closed":          func(c net.Conn) error { return c.Close() },
			"unasked-for":     func(c net.Conn) error { _, err := c.Write([]byte("x")); return err },
			"sent and closed": func(c net.Conn) error { _, err := c.Write([]byte("x")); return errors.Join(err, c.Close()) },
		} {
			t.Run(name+", "+what, func(t *testing.T) {
				s, other := open(t, secure)
				for range 3 {
					if s.Stale() {
						t.Fatal("an idle connection is stale")
					}
					ping(t, s, other)
				}
				if err := do(other); err != nil {
					t.Fatal(err)
				}
				eventually(t, "the connection is stale", s.Stale)
			})
		}
	}
}

func TestReceiveEnds(t *testing.T) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name+", with the timeout", func(t *testing.T) {
			s, _ := open(t, secure)
			begin(t, s, t.Context(), 50*time.Millisecond)
			send(t, s)
			if _, err := s.Receive(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("error %v, want a timeout", err)
			}
			if _, failure := s.End(); !errors.Is(failure, os.ErrDeadlineExceeded) {
				t.Errorf("failure %v, want a timeout", failure)
			}
		})
		t.Run(name+", with the context", func(t *testing.T) {
			s, _ := open(t, secure)
			ctx, cancel := context.WithCancel(t.Context())
			begin(t, s, ctx, time.Hour)
			send(t, s)
			time.AfterFunc(5*time.Millisecond, cancel)
			if _, err := s.Receive(make([]byte, 1)); err == nil {
				t.Error("no error")
			}
		})
		t.Run(name+", with the connection", func(t *testing.T) {
			s, other := open(t, secure)
			begin(t, s, t.Context(), time.Hour)
			send(t, s)
			if _, err := io.ReadFull(other, make([]byte, len(request))); err != nil {
				t.Fatal(err)
			}
			other.Close()
			if _, err := s.Receive(make([]byte, 1)); !errors.Is(err, io.EOF) {
				t.Errorf("error %v, want %v", err, io.EOF)
			}
		})
	}
}

// A call may be longer than a slice, in both directions, and loses nothing.
func TestSlices(t *testing.T) {
	const size = 8 << 20 // more than the buffers between the ends hold
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) {
			s, other := open(t, secure)
			echoed := make(chan error)
			go func() {
				time.Sleep(3 * slice) // a server that is slow to read, and to reply
				n, err := io.Copy(io.Discard, io.LimitReader(other, size))
				if err == nil && n != size {
					err = io.ErrUnexpectedEOF
				}
				time.Sleep(3 * slice)
				_, errWrite := other.Write([]byte("x"))
				echoed <- errors.Join(err, errWrite)
			}()
			begin(t, s, t.Context(), time.Minute)
			if err := s.Send(make([]byte, size)); err != nil {
				t.Fatal(err)
			}
			if n, err := s.Receive(make([]byte, 10)); n != 1 || err != nil {
				t.Errorf("Receive: %d bytes, error %v", n, err)
			}
			if err := <-echoed; err != nil {
				t.Error(err)
			}
		})
	}
}
