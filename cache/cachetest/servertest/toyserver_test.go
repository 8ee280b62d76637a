package servertest

import (
	"bufio"
	"encoding/json"
	"net"
	"strconv"
	"sync"
	"time"
)

// toyServer is a server in the process, whose protocol is a line of JSON for each request
// and reply. The tests of the suite restart and freeze it many times a second.
type toyServer struct {
	addr  string
	limit int // on connections; 0 means none
	most  int // the largest value

	mu     sync.Mutex
	thawed *sync.Cond
	ln     net.Listener
	conns  map[net.Conn]bool
	frozen bool
	items  map[string]toyItem
	next   uint64 // the number of the next item, from 1 in each life, as memcached's
	wg     sync.WaitGroup
}

type toyItem struct {
	Value []byte
	ID    uint64
}

type toyRequest struct {
	Op    string // get, set, add, replace, delete, incr, decr, flush, ping; with an ID a swap
	Key   string
	Value []byte
	Delta uint64
	ID    uint64
}

type toyReply struct {
	For    string // the key
	Status string // "" is success
	Value  []byte
	ID     uint64
	N      uint64
}

const toyMost = 256 << 10

func startToy(limit int) *toyServer {
	s := &toyServer{limit: limit, most: toyMost}
	s.thawed = sync.NewCond(&s.mu)
	s.listen("127.0.0.1:0")
	return s
}

func (s *toyServer) listen(addr string) {
	for {
		ln, err := net.Listen("tcp", addr)
		if err == nil {
			s.mu.Lock()
			s.ln = ln
			if s.addr == "" {
				s.addr = ln.Addr().String()
			}
			s.conns, s.items, s.next, s.frozen = map[net.Conn]bool{}, map[string]toyItem{}, 0, false
			s.mu.Unlock()
			s.wg.Go(func() { s.accept(ln) })
			return
		}
		time.Sleep(time.Millisecond) // the port may be the local end of a connection of another process
	}
}

func (s *toyServer) Addr() string { return s.addr }

func (s *toyServer) Kill() {
	s.mu.Lock()
	s.ln.Close()
	for c := range s.conns {
		c.Close()
	}
	s.items, s.frozen = nil, false
	s.thawed.Broadcast()
	s.mu.Unlock()
	s.wg.Wait()
}

func (s *toyServer) Freeze() { s.setFrozen(true) }
func (s *toyServer) Thaw()   { s.setFrozen(false) }

func (s *toyServer) setFrozen(frozen bool) {
	s.mu.Lock()
	s.frozen = frozen
	s.thawed.Broadcast()
	s.mu.Unlock()
}

func (s *toyServer) Restart() {
	s.Kill()
	s.listen(s.addr)
}

func (s *toyServer) Connections() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.conns)
}

func (s *toyServer) accept(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		s.mu.Lock()
		if s.items == nil || s.limit > 0 && len(s.conns) >= s.limit {
			s.mu.Unlock()
			c.Close()
			continue
		}
		s.conns[c] = true
		s.mu.Unlock()
		s.wg.Go(func() { s.serve(c) })
	}
}

func (s *toyServer) serve(c net.Conn) {
	defer func() {
		c.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	in, out := json.NewDecoder(c), bufio.NewWriter(c)
	for {
		var r toyRequest
		if in.Decode(&r) != nil {
			return
		}
		reply, alive := s.do(r)
		if !alive {
			return
		}
		line, err := json.Marshal(reply)
		if err != nil {
			return
		}
		if _, err := out.Write(append(line, '\n')); err != nil || out.Flush() != nil {
			return
		}
	}
}

// do carries a request out, once the server is not frozen.
func (s *toyServer) do(r toyRequest) (reply toyReply, alive bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.frozen {
		s.thawed.Wait()
	}
	if s.items == nil {
		return toyReply{}, false
	}
	reply.For = r.Key
	it, ok := s.items[r.Key]
	store := func(v []byte) {
		s.next++
		s.items[r.Key] = toyItem{v, s.next}
	}
	switch {
	case r.Op == "ping":
	case r.Op == "flush":
		clear(s.items)
	case len(r.Value) > s.most:
		reply.Status = "large"
	case r.Op == "add" && ok, r.Op == "replace" && !ok:
		reply.Status = "not stored"
	case r.Op == "set" && r.ID == 0, r.Op == "add", r.Op == "replace":
		store(r.Value)
	case !ok:
		reply.Status = "miss"
	case r.ID != 0 && r.ID != it.ID:
		reply.Status = "conflict"
	case r.Op == "get":
		reply.Value, reply.ID = it.Value, it.ID
	case r.Op == "set":
		store(r.Value)
	case r.Op == "delete":
		delete(s.items, r.Key)
	default:
		n, err := strconv.ParseUint(string(it.Value), 10, 64)
		if err != nil {
			reply.Status = "no number"
			break
		}
		if r.Op == "incr" {
			n += r.Delta
		} else {
			n -= min(n, r.Delta)
		}
		reply.N = n
		store(strconv.AppendUint(nil, n, 10))
	}
	return reply, true
}
