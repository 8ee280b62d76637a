package cluster

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"time"

	"github.com/larder-go/larder/drivers/internal/memcached"
)

// A Dialer makes connections to servers.
type Dialer struct {
	Timeout time.Duration // of a connection, the greeting included
	TLS     *tls.Config   // nil for none
	Greeting

	// lookup is net.DefaultResolver.LookupNetIP, except in tests.
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Connect connects to s, with TLS and the user, to send commands of other protocols than
// that of the driver.
func (d *Dialer) Connect(ctx context.Context, s memcached.Server) (net.Conn, error) {
	plain := *d
	plain.commandsOnly = true
	return plain.dial(ctx, s)
}

// dial connects to s, with TLS and the greeting. A name is resolved each time. If it has
// several addresses, they are tried one after the other, each a little before the one
// before it has failed; the first that replies is taken.
func (d *Dialer) dial(ctx context.Context, s memcached.Server) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	addresses, err := d.addresses(ctx, s)
	if err != nil {
		return nil, d.timedOut(ctx, err)
	}
	if len(addresses) == 1 {
		nc, err := d.attempt(ctx, s, addresses[0])
		return nc, d.timedOut(ctx, err)
	}
	nc, err := d.race(ctx, s, addresses)
	return nc, d.timedOut(ctx, err)
}

// addresses returns what to dial for s.
func (d *Dialer) addresses(ctx context.Context, s memcached.Server) ([]string, error) {
	if s.Network() == "unix" {
		return []string{s.Addr()}, nil
	}
	if _, err := netip.ParseAddr(s.Host); err == nil {
		return []string{s.Addr()}, nil
	}
	lookup := d.lookup
	if lookup == nil {
		lookup = net.DefaultResolver.LookupNetIP
	}
	ips, err := lookup(ctx, "ip", s.Host)
	if err != nil {
		return nil, err
	}
	if len(ips) == 0 {
		return nil, errors.New("the name has no address")
	}
	addresses := make([]string, len(ips))
	for i, ip := range alternate(ips) {
		addresses[i] = netip.AddrPortFrom(ip.Unmap(), uint16(s.Port)).String()
	}
	return addresses, nil
}

// alternate orders addresses such that the two families take turns, since often all of one
// do not work. The resolver has put the better family first.
func alternate(ips []netip.Addr) []netip.Addr {
	var turns [2][]netip.Addr
	first := ips[0].Unmap().Is4()
	for _, ip := range ips {
		i := 0
		if ip.Unmap().Is4() != first {
			i = 1
		}
		turns[i] = append(turns[i], ip)
	}
	ordered := make([]netip.Addr, 0, len(ips))
	for i := range max(len(turns[0]), len(turns[1])) {
		for _, family := range turns {
			if i < len(family) {
				ordered = append(ordered, family[i])
			}
		}
	}
	return ordered
}

// stagger is the longest time after which the next address is tried as well, from RFC 8305.
const stagger = 250 * time.Millisecond

// race tries several addresses.
func (d *Dialer) race(ctx context.Context, s memcached.Server, addresses []string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		nc  net.Conn
		err error
	}
	results := make(chan result)
	running, next := 0, 0
	start := func() {
		address := addresses[next]
		next++
		running++
		go func() {
			nc, err := d.attempt(ctx, s, address)
			results <- result{nc, err}
		}()
	}
	wait := time.NewTicker(min(stagger, d.Timeout/time.Duration(len(addresses)+1)))
	defer wait.Stop()
	start()
	var first net.Conn
	var errs []error
	for running > 0 {
		select {
		case <-wait.C:
			if first == nil && next < len(addresses) {
				start()
			}
		case r := <-results:
			running--
			switch {
			case r.err != nil:
				errs = append(errs, r.err)
				if first == nil && next < len(addresses) && ctx.Err() == nil {
					start()
				}
			case first == nil:
				first = r.nc
				cancel() // the others
			default:
				_ = r.nc.Close() // it came too late
			}
		}
	}
	if first != nil {
		return first, nil
	}
	return nil, errors.Join(errs...)
}

// attempt connects to one address.
func (d *Dialer) attempt(ctx context.Context, s memcached.Server, address string) (net.Conn, error) {
	var dialer net.Dialer
	nc, err := dialer.DialContext(ctx, s.Network(), address)
	if err != nil {
		return nil, plain(err)
	}
	stop := context.AfterFunc(ctx, func() { _ = nc.SetDeadline(time.Unix(1, 0)) })
	greeted, err := d.greetOver(ctx, nc, s)
	if err == nil && !stop() {
		err = ctx.Err() // the deadline may be set at any moment
	}
	if err != nil {
		stop()
		_ = nc.Close() // err says more
		if ended := ctx.Err(); ended != nil {
			err = ended
		}
		return nil, err
	}
	return greeted, nil
}

// greetOver begins TLS, if that is wanted, and greets the server.
func (d *Dialer) greetOver(ctx context.Context, nc net.Conn, s memcached.Server) (net.Conn, error) {
	if d.TLS == nil {
		return nc, d.greet(nc)
	}
	config := d.TLS.Clone()
	if config.ServerName == "" {
		config.ServerName = s.Host
	}
	// Records hold whole requests: see package conn.
	config.DynamicRecordSizingDisabled = true
	t := tls.Client(nc, config)
	if err := t.HandshakeContext(ctx); err != nil {
		return nil, fmt.Errorf("TLS: %w", plain(err))
	}
	return t, d.greet(t)
}

// A TimeoutError says that a connection could not be made in time.
type TimeoutError struct{ After time.Duration }

func (e *TimeoutError) Error() string { return fmt.Sprintf("no connection within %v", e.After) }

// Timeout makes a timeout of it.
func (e *TimeoutError) Timeout() bool { return true }

// timedOut turns the end of the dialer's own deadline into a TimeoutError.
func (d *Dialer) timedOut(ctx context.Context, err error) error {
	if err != nil && (errors.Is(ctx.Err(), context.DeadlineExceeded) || isTimeout(err)) {
		return &TimeoutError{d.Timeout}
	}
	return err
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// plain takes the addresses out of an error of package net: the server is named anyway.
func plain(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) {
		return err
	}
	var sys *os.SyscallError
	var errno syscall.Errno
	switch {
	case errors.As(op.Err, &sys) && errors.As(sys.Err, &errno):
		return fmt.Errorf("%s: %w", op.Op, errno)
	case op.Err != nil:
		return fmt.Errorf("%s: %w", op.Op, op.Err)
	}
	return err
}
