// Package dial connects to a server by its name, which may have several addresses, and whose
// addresses may change.
package dial

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Dialer connects to one server. It is safe for concurrent use. The name is resolved
// again for each connection.
type Dialer struct {
	network string // "tcp" or "unix"
	address string // as it is configured
	host    string // the name to resolve; empty if there is none
	port    uint16

	// The functions of package net; tests replace them.
	lookup  func(ctx context.Context, host string) ([]netip.Addr, error)
	connect func(ctx context.Context, network, address string) (net.Conn, error)

	mu   sync.Mutex
	last netip.Addr // the address that was reached last
}

// New returns a Dialer for network, "tcp" or "unix", and address, "host:port" or a path.
func New(network, address string) *Dialer {
	d := &Dialer{network: network, address: address}
	d.lookup = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	d.connect = new(net.Dialer).DialContext
	if network == "unix" {
		return d
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return d // the connection will fail with a better error
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if _, isIP := netip.ParseAddr(host); err == nil && isIP != nil {
		d.host, d.port = host, uint16(n)
	}
	return d
}

// Dial connects. If the name has several addresses they are tried one after the other, each
// as soon as the one before has failed, or has not replied for a part of the time that ctx
// leaves: so a silent one does not use up the time of the others, however short it is (the
// procedure of RFC 8305, "Happy Eyeballs", with delays that are in proportion). The address
// that was reached last is tried first, then the others in the order of the resolver. The
// context must have a deadline.
func (d *Dialer) Dial(ctx context.Context) (net.Conn, error) {
	if d.host == "" {
		return d.connect(ctx, d.network, d.address)
	}
	addrs, err := d.Resolve(ctx)
	if err != nil {
		return nil, err
	}
	conn, addr, err := d.race(ctx, addrs)
	if err == nil {
		d.mu.Lock()
		d.last = addr
		d.mu.Unlock()
	}
	return conn, err
}

// Resolve returns the addresses of the name in the order in which Dial tries them, or none
// if the server is configured by its address.
func (d *Dialer) Resolve(ctx context.Context) ([]netip.Addr, error) {
	if d.host == "" {
		return nil, nil
	}
	found, err := d.lookup(ctx, d.host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: d.network, Err: err}
	}
	d.mu.Lock()
	last := d.last
	d.mu.Unlock()
	addrs := make([]netip.Addr, 0, len(found))
	for _, a := range found {
		if a = a.Unmap(); !slices.Contains(addrs, a) {
			addrs = append(addrs, a)
		}
	}
	if i := slices.Index(addrs, last); i > 0 {
		addrs = slices.Insert(slices.Delete(addrs, i, i+1), 0, last)
	}
	if len(addrs) == 0 {
		return nil, &net.OpError{Op: "dial", Net: d.network, Err: errors.New("the name " + d.host + " has no address")}
	}
	return addrs, nil
}

// Address returns an address of the name in the form that package net takes.
func (d *Dialer) Address(a netip.Addr) string { return netip.AddrPortFrom(a, d.port).String() }

// maxDelay is the longest wait for an address before the next is tried as well.
const maxDelay = 100 * time.Millisecond

// delay returns how long an address may be silent before the next of n is tried: so that the
// last one has at least half of the time.
func delay(left time.Duration, n int) time.Duration {
	return min(maxDelay, left/time.Duration(2*n))
}

// attempt is the result of connecting to one address.
type attempt struct {
	conn net.Conn
	addr netip.Addr
	err  error
}

// race connects to one of the addresses.
func (d *Dialer) race(ctx context.Context, addrs []netip.Addr) (net.Conn, netip.Addr, error) {
	if len(addrs) == 1 {
		conn, err := d.connect(ctx, d.network, d.Address(addrs[0]))
		return conn, addrs[0], err
	}
	deadline, _ := ctx.Deadline()
	step := delay(time.Until(deadline), len(addrs))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the attempts that have not come to an end
	done := make(chan attempt)
	try := func(a netip.Addr) {
		go func() {
			conn, err := d.connect(ctx, d.network, d.Address(a))
			select {
			case done <- attempt{conn, a, err}:
			case <-ctx.Done():
				if err == nil {
					_ = conn.Close() // another address was faster
				}
			}
		}()
	}
	next := time.NewTimer(step)
	defer next.Stop()
	try(addrs[0])
	tried, failed := 1, 0
	var first error
	for {
		select {
		case a := <-done:
			if a.err == nil {
				return a.conn, a.addr, nil
			}
			if first == nil {
				first = a.err
			}
			if failed++; failed == len(addrs) {
				return nil, netip.Addr{}, first
			}
			if failed < tried || tried == len(addrs) {
				continue
			}
		case <-next.C:
			if tried == len(addrs) {
				continue
			}
		case <-ctx.Done():
			if first == nil {
				first = &net.OpError{Op: "dial", Net: d.network, Err: ctx.Err()}
			}
			return nil, netip.Addr{}, first
		}
		try(addrs[tried])
		tried++
		next.Reset(step)
	}
}
