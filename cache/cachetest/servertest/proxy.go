package servertest

import (
	"io"
	"net"
	"strings"
	"sync"
)

// proxy is a relay in front of a server that may change what the server replies.
type proxy struct {
	listener net.Listener
	server   string
	wg       sync.WaitGroup

	mu      sync.Mutex
	edit    edit
	set     int // how many times edit was set
	conns   map[net.Conn]bool
	longest int // bytes that the server replied on one connection since edit was set
}

// edit changes a piece of the replies on one connection, of which n bytes came since it was
// set. It returns what the client is to get, and what happens then.
type edit func(n int, piece []byte) ([]byte, fate)

// A fate says what happens to a connection.
type fate uint8

const (
	goOn   fate = iota
	cut         // it is closed
	silent      // it stays open, and nothing more comes
)

// pass changes nothing.
func pass(_ int, piece []byte) ([]byte, fate) { return piece, goOn }

// after passes the first bytes of the replies; then the connection has its fate.
func after(bytes int, then fate) edit {
	return func(n int, piece []byte) ([]byte, fate) {
		if n+len(piece) <= bytes {
			return piece, goOn
		}
		return piece[:bytes-n], then
	}
}

// lose closes the connection in place of the first piece; the rest passes.
func lose() edit {
	lost := false
	return func(_ int, piece []byte) ([]byte, fate) {
		if lost {
			return piece, goOn
		}
		lost = true
		return nil, cut
	}
}

// startProxy starts a proxy that ends with the case.
func (s *suite) startProxy(server string) *proxy {
	s.t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	s.must(err, "listening")
	p := &proxy{listener: l, server: server, edit: pass, conns: map[net.Conn]bool{}}
	p.wg.Go(p.accept)
	s.cleanup = append(s.cleanup, p.stop)
	return p
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

// change has the proxy change the replies that follow in another way.
func (p *proxy) change(e edit) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.edit, p.longest = e, 0
	p.set++
}

// renew is like change, and closes the open connections.
func (p *proxy) renew(e edit) {
	p.change(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closeAll()
}

// replied returns how many bytes the server has replied since the last change, on the connection on
// which it replied most.
func (p *proxy) replied() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.longest
}

func (p *proxy) stop() {
	p.listener.Close()
	p.mu.Lock()
	p.closeAll()
	p.conns = nil
	p.mu.Unlock()
	p.wg.Wait()
}

// closeAll must be called with p.mu locked.
func (p *proxy) closeAll() {
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wg.Go(func() { p.serve(client) })
	}
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	network := "tcp"
	if strings.HasPrefix(p.server, "/") {
		network = "unix"
	}
	server, err := net.Dial(network, p.server)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	if p.conns == nil {
		p.mu.Unlock()
		return
	}
	p.conns[client], p.conns[server] = true, true
	p.mu.Unlock()
	p.wg.Go(func() {
		_, _ = io.Copy(server, client)
		server.Close() // the client has gone
		client.Close()
	})
	p.relay(client, server)
	p.mu.Lock()
	delete(p.conns, client)
	delete(p.conns, server)
	p.mu.Unlock()
}

// relay sends what server replies to client, changed as the proxy is set.
func (p *proxy) relay(client, server net.Conn) {
	b := make([]byte, 64<<10)
	for n, set := 0, 0; ; {
		m, err := server.Read(b)
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.set != set {
			n, set = 0, p.set
		}
		out, then := p.edit(n, b[:m])
		n += m
		p.longest = max(p.longest, n)
		p.mu.Unlock()
		if _, err := client.Write(out); err != nil {
			return
		}
		switch then {
		case cut:
			return
		case silent:
			_, _ = io.Copy(io.Discard, server)
			return
		}
	}
}
