package guard

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const testTimeout = 500 * time.Millisecond

// pair returns a connection whose handshake is over, and the end of its server.
func pair(t *testing.T, loose bool) (*Conn, net.Conn) {
	t.Helper()
	client, server := net.Pipe()
	d := New(testTimeout, nil, testMax)
	t.Cleanup(d.Close)
	s, err := d.server("addr:1", loose)
	if err != nil {
		t.Fatal(err)
	}
	d.slow.Add(1)
	c := s.add(client, loose)
	t.Cleanup(func() { _ = errors.Join(c.Close(), server.Close()) })
	exchange(t, c, server, "*1\r\n$5\r\nHELLO\r\n", "+OK\r\n")
	if d.Aside(t.Context(), 1) {
		t.Error("the handshake is over, and Aside is true")
	}
	return c, server
}

// exchange sends a request and its reply.
func exchange(t *testing.T, c *Conn, server net.Conn, request, reply string) {
	t.Helper()
	send(t, c, server, request)
	go write(server, reply)
	b := make([]byte, len(reply))
	if _, err := io.ReadFull(c, b); err != nil || string(b) != reply {
		t.Fatalf("the reply %q is %q, %v", reply, b, err)
	}
}

// send sends a request, which the server takes.
func send(t *testing.T, c *Conn, server net.Conn, request string) {
	t.Helper()
	if request == "" {
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := io.ReadFull(server, make([]byte, len(request))); err != nil {
			t.Errorf("the server reads: %v", err)
		}
	})
	if _, err := io.WriteString(c, request); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
}

func write(w io.Writer, s string) { _, _ = io.WriteString(w, s) }

// fails checks that reading ends with an error of a kind, that long after from.
func fails(t *testing.T, c *Conn, from time.Time, after time.Duration, kind Kind) {
	t.Helper()
	_, err := io.Copy(io.Discard, c)
	var e *Error
	if !errors.As(err, &e) || e.Kind != kind || e.Server != "addr:1" || e.Timeout() != (kind == Timeout) {
		t.Errorf("reading: error %#v, want one of kind %v", err, kind)
	}
	if took := time.Since(from); took < after || took > after+testTimeout/8 {
		t.Errorf("reading ended after %v, want %v", took, after)
	}
}

const get = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n"

func bubble(t *testing.T, f func(t *testing.T)) { synctest.Test(t, f) }

func TestSilence(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		time.Sleep(time.Hour) // an idle connection owes nothing
		exchange(t, c, server, get, "$1\r\nv\r\n")
		time.Sleep(time.Hour)
		send(t, c, server, get)
		fails(t, c, time.Now(), testTimeout, Timeout)
		if c.server.silences.Load() != 1 {
			t.Errorf("%d silences, want 1", c.server.silences.Load())
		}
	})
}

// A server that freezes while replies are owed is found out, whatever it sent before.
func TestSilenceInTraffic(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		send(t, c, server, get+get+get)
		go write(server, "+a\r\n+b\r\n+")
		fails(t, c, time.Now(), testTimeout, Timeout)
	})
}

// New requests do not count as a sign of life.
func TestSilenceWhileSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { _, _ = io.Copy(io.Discard, server) })
		wg.Go(func() {
			for range 100 {
				if _, err := io.WriteString(c, get); err != nil {
					return
				}
				time.Sleep(testTimeout / 10)
			}
		})
		fails(t, c, start, testTimeout, Timeout)
		c.Close()
		wg.Wait()
	})
}

// A reply that arrives slowly is waited for, if it arrives at all.
func TestProgress(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		send(t, c, server, get)
		piece := strings.Repeat("x", progress)
		go func() {
			write(server, "$655360\r\n")
			for range 10 {
				time.Sleep(testTimeout * 9 / 10)
				write(server, piece)
			}
			write(server, "\r\n")
		}()
		if _, err := io.ReadFull(c, make([]byte, 655360+11)); err != nil {
			t.Errorf("a large reply: %v", err)
		}
		send(t, c, server, get)
		start := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { // a trickle does not count as progress
			write(server, "$655360\r\n")
			for range 100 {
				write(server, "x")
				time.Sleep(testTimeout / 10)
			}
		})
		fails(t, c, start, testTimeout, Timeout)
		c.Close()
		wg.Wait()
	})
}

// A large request has the time that sending it takes.
func TestSending(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		value := "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8388608\r\n" + strings.Repeat("x", 8<<20) + "\r\n"
		send(t, c, server, value)
		fails(t, c, time.Now(), testTimeout+time.Second, Timeout)
	})
}

// A process that was stopped reads what has come meanwhile.
func TestStopped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		for range 3 {
			send(t, c, server, get)
			go write(server, "+v\r\n")
			time.Sleep(time.Hour) // nobody reads
			if n, err := c.Read(make([]byte, 100)); err != nil || n != 4 {
				t.Fatalf("a reply that was there: %d bytes, %v", n, err)
			}
		}
	})
}

// The end of the time for the handshake, and the deadline of whoever needs the connection
// first.
func TestHandshake(t *testing.T) {
	bubble(t, func(t *testing.T) {
		client, server := net.Pipe()
		defer server.Close()
		d := New(testTimeout, nil, testMax)
		defer d.Close()
		s, _ := d.server("addr:1", false)
		d.slow.Add(1)
		c := s.add(client, false)
		if err := c.SetDeadline(time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		send(t, c, server, get)
		fails(t, c, time.Now(), testTimeout, Timeout)
		if !d.Aside(t.Context(), 1) {
			t.Error("Aside is false in the handshake")
		}
		if err := c.Close(); err != nil || d.Aside(t.Context(), 1) {
			t.Errorf("after Close, Aside is %v, %v", d.Aside(t.Context(), 1), err)
		}
	})
}

// Afterwards the library may set deadlines, which it knows itself.
func TestDeadline(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, false)
		start := time.Now()
		if err := c.SetDeadline(start.Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		_, err := c.Read(make([]byte, 1))
		if !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(start) != time.Second {
			t.Errorf("Read: %v after %v", err, time.Since(start))
		}
		if err := c.SetDeadline(time.Time{}); err != nil {
			t.Fatal(err)
		}
		exchange(t, c, server, get, "+v\r\n")
	})
}

func TestUnasked(t *testing.T) {
	for name, replies := range map[string]string{
		"a reply":         "+v\r\n",
		"two replies":     "+v\r\n+v\r\n",
		"garbage":         "HTTP/1.1 400\r\n",
		"a large string":  "$1048577\r\n",
		"negative length": "$-7\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, server := pair(t, false)
			start := time.Now()
			if name == "two replies" {
				send(t, c, server, get)
			}
			go write(server, replies)
			fails(t, c, start, time.Since(start), Protocol)
		})
	}
	t.Run("a push", func(t *testing.T) {
		c, server := pair(t, false)
		exchange(t, c, server, "", ">2\r\n+invalidate\r\n_\r\n")
	})
}

// A Sentinel replies to a subscription with pushes.
func TestLoose(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c, server := pair(t, true)
		exchange(t, c, server, "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nk\r\n", ">3\r\n+subscribe\r\n+k\r\n:1\r\n")
		time.Sleep(time.Hour)
		exchange(t, c, server, "", ">3\r\n+message\r\n+k\r\n+v\r\n")
		send(t, c, server, get)
		fails(t, c, time.Now(), testTimeout, Timeout)
	})
}

func TestLost(t *testing.T) {
	c, server := pair(t, false)
	send(t, c, server, get)
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := c.Read(make([]byte, 1))
	isKind(t, err, Lost, "addr:1")
	_, err = io.WriteString(c, get)
	isKind(t, err, Lost, "addr:1")
}

// Many calls, and many that gave up, have others made aside: the latter may be in the queue
// for as long as a server may owe replies.
func TestManyCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(testTimeout, nil, testMax)
		defer d.Close()
		for i := range int64(2 * maxCalls) {
			n := d.Begin()
			if n != i+1 {
				t.Fatalf("call %d is number %d", i+1, n)
			}
			if aside := d.Aside(t.Context(), n); aside != (n > maxCalls) {
				t.Fatalf("with %d calls Aside is %v", n, aside)
			}
		}
		for range 2 * maxCalls {
			d.End(false)
		}
		for i := range maxAbandoned {
			if n := d.Begin(); d.Aside(t.Context(), n) {
				t.Fatalf("after %d calls that gave up Aside is true", i)
			}
			d.End(true)
		}
		for range 2 {
			time.Sleep(2*testTimeout - 1)
			if n := d.Begin(); !d.Aside(t.Context(), n) {
				t.Error("Aside is false though many calls have given up")
			}
			d.End(true)
		}
		time.Sleep(2 * testTimeout)
		for range maxAbandoned {
			if n := d.Begin(); d.Aside(t.Context(), n) {
				t.Fatal("Aside is true for longer than a server may owe replies")
			}
			d.End(true)
		}
	})
}
