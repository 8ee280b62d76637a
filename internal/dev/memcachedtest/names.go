package memcachedtest

import (
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"strings"
	"sync"
)

// Names are host names whose addresses a test sets. It is safe for concurrent use.
type Names struct {
	mu    sync.Mutex
	addrs map[string]netip.Addr
}

// ReplaceResolver makes net.DefaultResolver find the names of n, those of the hosts file, and
// no others. It must be called before anything resolves a name: to initialize a variable
// of the test package.
func ReplaceResolver() *Names {
	n := &Names{addrs: map[string]netip.Addr{}}
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go n.serve(ours)
		return theirs, nil
	}}
	return n
}

// Set gives a name, such as "cache.test", another address. It must be IPv4.
func (n *Names) Set(name string, a netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.addrs[name] = a
}

// serve replies to the queries of one connection, by DNS over TCP (RFC 1035, 4.2.2): each
// message follows its length.
func (n *Names) serve(c net.Conn) {
	defer c.Close()
	for {
		query := make([]byte, 2)
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		query = make([]byte, binary.BigEndian.Uint16(query))
		if _, err := io.ReadFull(c, query); err != nil {
			return
		}
		reply := n.reply(query)
		if _, err := c.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(reply))), reply...)); err != nil {
			return
		}
	}
}

// reply returns the reply to a query with one question (RFC 1035, 4.1).
func (n *Names) reply(query []byte) []byte {
	const header, typeA = 12, 1
	var labels []string
	end := header
	for query[end] > 0 {
		next := end + 1 + int(query[end])
		labels = append(labels, string(query[end+1:next]))
		end = next
	}
	kind := binary.BigEndian.Uint16(query[end+1:])
	end += 5 // the root, the type and the class
	n.mu.Lock()
	a, ok := n.addrs[strings.Join(labels, ".")]
	n.mu.Unlock()

	flags, answers := uint16(0x8180), uint16(0) // a reply; recursion is desired and available
	if !ok {
		flags |= 3 // no such name
	} else if kind == typeA {
		answers = 1
	}
	reply := append([]byte(nil), query[:2]...)
	for _, word := range []uint16{flags, 1, answers, 0, 0} {
		reply = binary.BigEndian.AppendUint16(reply, word)
	}
	reply = append(reply, query[header:end]...)
	if answers > 0 {
		// The name of the question, type A, class IN, a TTL of 0, and four bytes.
		reply = append(reply, 0xc0, header, 0, typeA, 0, 1, 0, 0, 0, 0, 0, 4)
		reply = append(reply, a.AsSlice()...)
	}
	return reply
}
