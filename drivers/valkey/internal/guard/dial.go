// Package guard makes the connections of a client library for Redis and Valkey, and
// watches them: it ends those whose server is silent or sends what it should not, keeps
// one caller's deadline from failing what others wait for, and counts.
package guard

import (
	"context"
	"crypto/tls"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// RingScale is the logarithm of the number of calls that the client library queues for a
// connection. It must be configured with it. A call that finds the queue full waits for a
// place regardless of its context, so the queue must not become full. These may be in it:
const RingScale = 10

const (
	// maxCalls calls in progress. If there are more, the others are made aside.
	maxCalls = 1 << (RingScale - 1)
	// maxAbandoned calls whose callers have given up, and those in progress that do so
	// then. After that, calls are made aside for a while.
	maxAbandoned = 1 << (RingScale - 2)
	// MaxAside calls that are made aside: each until the library returns, whether its
	// caller has given up or not.
	MaxAside = 1 << (RingScale - 3)
)

// A Dialer makes connections.
type Dialer struct {
	timeout  time.Duration
	tls      *tls.Config
	maxReply int64

	slow      atomic.Int32 // connections being established
	calls     atomic.Int64 // in progress
	abandoned atomic.Int64 // calls that have given up, since wary was last zero
	wary      atomic.Int64 // until when there are too many of them, in Unix nanoseconds; or zero

	ctx    context.Context // of what is done for no caller; it ends with the Dialer
	cancel context.CancelFunc

	mu      sync.Mutex
	servers map[string]*server
	order   []*server // as they became known
}

// New returns a Dialer. The timeout is for making a connection, and for the progress of a
// server that owes a reply. TLS is used unless config is nil. maxReply is the length of
// the longest string that is accepted in a reply.
func New(timeout time.Duration, config *tls.Config, maxReply int64) *Dialer {
	d := &Dialer{timeout: timeout, tls: config, maxReply: maxReply, servers: map[string]*server{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// Configure notes a server, so that it has statistics before the first connection.
func (d *Dialer) Configure(addr string, loose bool) { _, _ = d.server(addr, loose) }

// Begin and End are called around each call. Begin returns the number of calls in progress,
// for Aside.
func (d *Dialer) Begin() (calls int64) { return d.calls.Add(1) }

// End ends what Begin has begun. Abandoned says that the caller has given up a call that
// was not made aside: the server may owe the reply still.
func (d *Dialer) End(abandoned bool) {
	d.calls.Add(-1)
	if abandoned && d.abandoned.Add(1) >= maxAbandoned {
		// By then the server has replied, or has lost its connection.
		d.wary.Store(time.Now().Add(2 * d.timeout).UnixNano())
	}
}

// Aside reports whether a call must be made aside, since the client library may let it wait
// regardless of its context: because a connection is being established, or there are very
// many calls.
func (d *Dialer) Aside(ctx context.Context, calls int64) bool {
	if calls > maxCalls {
		return true
	}
	if ctx.Done() == nil {
		return false // it waits as long as it takes
	}
	if d.slow.Load() > 0 {
		return true
	}
	until := d.wary.Load()
	if until == 0 {
		return false
	}
	if time.Now().UnixNano() < until {
		return true
	}
	if d.wary.CompareAndSwap(until, 0) {
		d.abandoned.Store(0)
	}
	return false
}

// Dial returns a connection to addr, "host:port" or the path of a unix socket, on which the
// server has replied. It is made regardless of ctx, which only ends the wait for it: if the
// caller leaves, the next one gets it. With loose, the connection is one to a Sentinel.
func (d *Dialer) Dial(ctx context.Context, addr string, loose bool) (net.Conn, error) {
	s, err := d.server(addr, loose)
	if err != nil {
		return nil, err
	}
	d.slow.Add(1) // until the handshake is over
	c, err := s.connect(ctx, loose)
	if err != nil {
		d.slow.Add(-1)
		return nil, err
	}
	return c, nil
}

// server returns the state of a server. Sentinels have their own.
func (d *Dialer) server(addr string, loose bool) (*server, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		return nil, net.ErrClosed
	}
	name := addr
	if loose {
		name = sentinelName(addr)
	}
	s := d.servers[name]
	if s == nil {
		s = &server{dialer: d, addr: addr, loose: loose, conns: map[*Conn]struct{}{}}
		d.servers[name] = s
		d.order = append(d.order, s)
	}
	return s, nil
}

// Close closes the connections that are left and keeps new ones from being made.
func (d *Dialer) Close() {
	d.mu.Lock()
	d.cancel()
	servers := slices.Clone(d.order)
	d.mu.Unlock()
	for _, s := range servers {
		s.close()
	}
}

// Silent reports whether the server at addr did not reply in time when it was last waited for.
func (d *Dialer) Silent(addr string) bool {
	d.mu.Lock()
	s := d.servers[addr]
	d.mu.Unlock()
	return s != nil && s.silences.Load() > 0
}

// Drop closes the connections to addr, so that the name is resolved again.
func (d *Dialer) Drop(addr string) {
	d.mu.Lock()
	s := d.servers[addr]
	d.mu.Unlock()
	if s != nil {
		s.drop()
	}
}

// Count counts a call that failed.
func (d *Dialer) Count(addr string, count func(*driver.Failures)) {
	d.mu.Lock()
	s := d.servers[addr]
	if s == nil {
		s = d.servers[sentinelName(addr)]
	}
	d.mu.Unlock()
	if s != nil {
		s.mu.Lock()
		count(&s.failures)
		s.mu.Unlock()
	}
}

// sentinelName is the name of a Sentinel among the servers, of which one may have the
// same address in the course of time.
func sentinelName(addr string) string { return "sentinel " + addr }

// Stats returns the statistics of the servers, in the order in which they became known.
func (d *Dialer) Stats() []driver.ServerStats {
	d.mu.Lock()
	servers := slices.Clone(d.order)
	d.mu.Unlock()
	stats := make([]driver.ServerStats, 0, len(servers))
	for _, s := range servers {
		stats = append(stats, s.stats())
	}
	return stats
}
