package memcached_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// A tampering changes one byte of what passes through a relay.
type tampering uint8

const (
	cutOff   tampering = iota // the connection is closed in its place
	stalled                   // it and all that follows in its direction stay away
	delayed                   // it and all that follows come a little later
	garbled                   // it is another one
	repeated                  // it comes twice
	dropped                   // it does not come
	tamperings
)

func (k tampering) String() string {
	return [...]string{"cut off", "stalled", "delayed", "garbled", "repeated", "dropped"}[k]
}

// changes reports whether the bytes that arrive differ from those that were sent.
func (k tampering) changes() bool { return k >= garbled }

// A fault is a tampering with one byte of a connection.
type fault struct {
	kind  tampering
	reply bool // a byte of the replies, not of the requests
	at    int
	mask  byte // what garbles the byte
	end   int  // the connection is cut off after so many bytes in a direction; 0: it is not
}

// A relay is in front of a server, and tampers with what passes.
type relay struct {
	listener net.Listener
	server   string
	choose   func(conn int) fault // for each connection; at is -1 for none
	wg       sync.WaitGroup
	ended    chan struct{}

	mu     sync.Mutex
	conns  map[net.Conn]bool
	passed [2]int // requests and replies, in bytes, on the first connection
}

func startRelay(t *testing.T, server *memcachedtest.Server, choose func(conn int) fault) *relay {
	t.Helper()
	l, err := net.Listen("tcp", memcachedtest.Loopback()+":0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: l, server: server.Addr(), choose: choose, ended: make(chan struct{}), conns: map[net.Conn]bool{}}
	r.wg.Go(r.accept)
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// stop closes all connections and waits for what runs.
func (r *relay) stop() {
	r.listener.Close()
	close(r.ended)
	r.mu.Lock()
	for nc := range r.conns {
		nc.Close()
	}
	r.conns = nil
	r.mu.Unlock()
	r.wg.Wait()
}

// lengths returns how many bytes have passed on the first connection.
func (r *relay) lengths() [2]int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passed
}

func (r *relay) accept() {
	for n := 0; ; n++ {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		r.wg.Go(func() { r.serve(n, client) })
	}
}

func (r *relay) serve(n int, client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", r.server)
	if err != nil {
		return
	}
	defer server.Close()
	r.mu.Lock()
	if r.conns == nil {
		r.mu.Unlock()
		return
	}
	r.conns[client], r.conns[server] = true, true
	r.mu.Unlock()
	f := r.choose(n)
	r.wg.Go(func() {
		r.pass(n, 0, server, client, f)
		server.Close()
		client.Close()
	})
	r.pass(n, 1, client, server, f)
	r.mu.Lock()
	delete(r.conns, client)
	delete(r.conns, server)
	r.mu.Unlock()
}

// pass passes bytes in one direction, until the connection ends.
func (r *relay) pass(conn, direction int, to io.Writer, from io.Reader, f fault) {
	at := f.at
	if f.reply != (direction == 1) {
		at = -1
	}
	b := make([]byte, 32<<10)
	for n := 0; ; {
		m, err := from.Read(b)
		if err != nil {
			return
		}
		if conn == 0 {
			r.mu.Lock()
			r.passed[direction] += m
			r.mu.Unlock()
		}
		piece := b[:m]
		if i := at - n; i >= 0 && i < m {
			if _, err := to.Write(piece[:i]); err != nil {
				return
			}
			piece = piece[i:]
			switch f.kind {
			case cutOff:
				return
			case stalled:
				<-r.ended
				return
			case delayed:
				time.Sleep(time.Millisecond)
			case garbled:
				piece[0] ^= f.mask
			case repeated:
				piece = append([]byte{piece[0]}, piece...)
			case dropped:
				piece = piece[1:]
			}
		}
		n += m
		if _, err := to.Write(piece); err != nil || f.end > 0 && n >= f.end {
			return
		}
	}
}
