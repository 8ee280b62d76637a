package servertest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// toyDriver is a driver for toyServers: a pool of connections for each, with everything
// that the suite asks for.
type toyDriver struct {
	toyFaults
	servers []*toyPool
	timeout time.Duration
	conns   int
}

type toyPool struct {
	d    *toyDriver
	addr string

	born     atomic.Uint64 // connections made
	inUse    atomic.Int32
	timeouts atomic.Int32 // in a row
	probing  atomic.Bool
	dead     atomic.Bool

	mu     sync.Mutex
	idle   []*toyConn
	closed bool
	stats  driver.ServerStats
}

type toyConn struct {
	net.Conn
	in   *bufio.Reader
	born uint64
	used bool
	done chan struct{}
}

type toyToken struct{ id, born uint64 }

func openToy(c Config, f toyFaults) *cache.Cache {
	d := &toyDriver{toyFaults: f, timeout: c.Timeout, conns: c.Conns}
	for _, addr := range c.Servers {
		p := &toyPool{d: d, addr: addr}
		p.stats.Server = addr
		d.servers = append(d.servers, p)
		if f.dialsAtOpen {
			if c, err := p.dial(context.Background()); err == nil {
				p.put(c)
			}
		}
	}
	return cache.New(d, cache.Options{Name: "toy"})
}

// call is one request.
type toyCall struct {
	op    driver.Op
	r     toyRequest
	twice bool   // it is idempotent
	born  uint64 // a swap: the latest birth of a connection that it may go over; 0: any
	seen  *uint64
}

func (d *toyDriver) pool(key string) *toyPool {
	return d.servers[int(crc32.ChecksumIEEE([]byte(key))%uint32(len(d.servers)))]
}

func (d *toyDriver) do(ctx context.Context, c toyCall) (toyReply, error) {
	p := d.pool(c.r.Key)
	reply, err := p.do(ctx, c)
	if err != nil && errors.Is(err, cache.ErrUnavailable) {
		if d.movesKeys && len(d.servers) > 1 {
			for _, other := range d.servers {
				if other != p {
					return other.do(ctx, c)
				}
			}
		}
		if d.missInOutage {
			return reply, driver.ErrMiss
		}
	}
	return reply, err
}

func (p *toyPool) fail(op driver.Op, err error) error {
	e := &driver.Error{Driver: "toy", Op: op, Server: p.addr, Err: err}
	if p.d.unnamed {
		e.Server = ""
	}
	if p.d.namesAnother {
		e.Server = p.d.servers[0].addr
	}
	if p.d.plainContext {
		return err
	}
	return e
}

func (p *toyPool) outage(op driver.Op, err error) error {
	e := driver.Unavailable("toy", op, p.addr, err)
	if p.d.unnamed {
		e.Server = ""
	}
	if p.d.namesAnother {
		e.Server = p.d.servers[0].addr
	}
	return e
}

func (p *toyPool) count(f func(*driver.Failures) *uint64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	*f(&p.stats.Failures)++
	if p.d.countsFailures2 {
		*f(&p.stats.Failures)++
	}
}

func (p *toyPool) do(ctx context.Context, c toyCall) (toyReply, error) {
	if p.dead.Load() {
		return toyReply{}, p.outage(c.op, errors.New("dead"))
	}
	if n := p.inUse.Add(1); p.d.failsBusy && p.d.conns > 0 && n > int32(p.d.conns) {
		p.inUse.Add(-1)
		return toyReply{}, p.outage(c.op, errors.New("busy"))
	}
	defer p.inUse.Add(-1)
	if p.timeouts.Load() >= 2 && !p.d.noBackOff {
		if !p.probing.CompareAndSwap(false, true) {
			p.count(func(f *driver.Failures) *uint64 { return &f.Rejected })
			return toyReply{}, p.outage(c.op, errors.New("it does not reply"))
		}
		defer p.probing.Store(false)
	}
	reply, err := p.try(ctx, c)
	if err == nil {
		p.timeouts.Store(0)
		return reply, nil
	}
	if p.d.neverRecovers {
		p.dead.Store(true)
	}
	var timeout interface{ Timeout() bool }
	late := errors.As(err, &timeout) && timeout.Timeout()
	if ctxErr := ctx.Err(); ctxErr != nil || late && ends(ctx) {
		p.count(func(f *driver.Failures) *uint64 { return &f.Canceled })
		if ctxErr == nil {
			ctxErr = context.DeadlineExceeded
		}
		return reply, p.fail(c.op, ctxErr)
	}
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		p.timeouts.Store(0)
		p.count(func(f *driver.Failures) *uint64 { return &f.Dial })
	case late:
		p.timeouts.Add(1)
		p.count(func(f *driver.Failures) *uint64 { return &f.Timeout })
	default:
		p.timeouts.Store(0)
		p.count(func(f *driver.Failures) *uint64 { return &f.Lost })
	}
	if p.d.bareLost {
		return reply, err
	}
	return reply, p.outage(c.op, err)
}

// ends reports whether the deadline of ctx has passed, or is about to.
func ends(ctx context.Context) bool {
	d, ok := ctx.Deadline()
	return ok && time.Until(d) < time.Millisecond
}

// try makes one try, and another if a connection turns out to be lost.
func (p *toyPool) try(ctx context.Context, c toyCall) (toyReply, error) {
	conn, err := p.get(ctx, c.born)
	if err != nil {
		return toyReply{}, err
	}
	if conn == nil {
		return toyReply{Status: "conflict"}, nil
	}
	if c.seen != nil {
		*c.seen = p.born.Load()
	}
	used := conn.used
	reply, err := p.exchange(ctx, conn, c.r)
	if err == nil {
		p.put(conn)
		return reply, nil
	}
	if p.d.takesLate {
		p.put(conn)
	} else {
		p.close(conn)
	}
	var timeout interface{ Timeout() bool }
	if !used || errors.As(err, &timeout) && timeout.Timeout() || ctx.Err() != nil {
		return reply, err
	}
	if !p.d.keepsLost {
		p.dropIdle()
	}
	counts := c.r.Op == "incr" || c.r.Op == "decr"
	again := c.twice && !p.d.noSecondTry || p.d.doublesCounts && counts
	again = again || p.d.countsTwice && counts || p.d.swapsTwice && c.r.ID != 0
	if !again {
		return reply, err
	}
	conn, err = p.dial(ctx)
	if err != nil {
		return reply, err
	}
	if c.seen != nil {
		*c.seen = p.born.Load()
	}
	reply, err = p.exchange(ctx, conn, c.r)
	if err == nil && counts && p.d.doublesCounts {
		reply, err = p.exchange(ctx, conn, toyRequest{Op: c.r.Op, Key: c.r.Key, Delta: c.r.Delta + 1})
	}
	if err != nil {
		p.close(conn)
		return reply, err
	}
	p.put(conn)
	return reply, nil
}

func (p *toyPool) exchange(ctx context.Context, c *toyConn, r toyRequest) (reply toyReply, err error) {
	c.used = true
	deadline := time.Now().Add(p.d.timeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) && !p.d.noDeadline {
		deadline = d
	}
	if p.d.noTimeout {
		deadline = time.Now().Add(3 * time.Second)
	}
	if err := c.SetDeadline(deadline); err != nil {
		return reply, err
	}
	if !p.d.noDeadline {
		ended := make(chan struct{})
		stop := context.AfterFunc(ctx, func() {
			c.SetDeadline(time.Unix(1, 0))
			close(ended)
		})
		defer func() {
			if !stop() {
				<-ended // or it would set the deadline of the next call
			}
		}()
	}
	line, err := json.Marshal(r)
	if err != nil {
		return reply, err
	}
	if _, err := c.Write(append(line, '\n')); err != nil {
		return reply, err
	}
	line, err = c.in.ReadBytes('\n')
	if err != nil {
		if p.d.takesCut && len(line) > 0 {
			return reply, nil
		}
		return reply, err
	}
	if err := json.Unmarshal(line, &reply); err != nil {
		if p.d.takesGarbage {
			return reply, nil
		}
		return reply, err
	}
	if reply.For != r.Key && !p.d.sharesReplies {
		return reply, errors.New("the reply is for another key")
	}
	if p.d.truncates {
		reply.Value = reply.Value[:min(len(reply.Value), 64<<10)]
	}
	return reply, nil
}

// get returns a connection, of those made until born if that is not 0, or nil.
func (p *toyPool) get(ctx context.Context, born uint64) (*toyConn, error) {
	p.mu.Lock()
	if p.closed && !p.d.closedIsPanic {
		p.mu.Unlock()
		return nil, driver.ErrClosed
	}
	for i := len(p.idle) - 1; i >= 0; i-- {
		c := p.idle[i]
		if born != 0 && !p.d.oldTokens && c.born > born {
			continue
		}
		p.idle = append(p.idle[:i], p.idle[i+1:]...)
		p.mu.Unlock()
		return c, nil
	}
	n := len(p.idle)
	p.mu.Unlock()
	if born != 0 && n > 0 {
		return nil, nil
	}
	c, err := p.dial(ctx)
	if err == nil && born != 0 && !p.d.oldTokens {
		p.put(c)
		return nil, nil
	}
	return c, err
}

func (p *toyPool) dial(ctx context.Context) (*toyConn, error) {
	d := net.Dialer{Timeout: p.d.timeout}
	conn, err := d.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		return nil, err
	}
	c := &toyConn{Conn: conn, in: bufio.NewReader(conn), born: p.born.Add(1), done: make(chan struct{})}
	if p.d.leaksGoroutines {
		go func() { <-c.done }()
	}
	p.mu.Lock()
	p.stats.Opened++
	p.mu.Unlock()
	return c, nil
}

func (p *toyPool) put(c *toyConn) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		p.close(c)
		return
	}
	p.idle = append(p.idle, c)
	p.mu.Unlock()
}

func (p *toyPool) close(c *toyConn) {
	c.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.d.countsUnexact && p.stats.Closed%2 == 1 {
		return
	}
	p.stats.Closed++
}

func (p *toyPool) dropIdle() {
	p.mu.Lock()
	idle := p.idle
	p.idle = nil
	p.mu.Unlock()
	for _, c := range idle {
		p.close(c)
	}
}

func (d *toyDriver) Close() error {
	for _, p := range d.servers {
		p.mu.Lock()
		p.closed = true
		p.mu.Unlock()
		if d.leaksConns {
			leaked.Store(p, true)
		} else {
			p.dropIdle()
		}
	}
	return nil
}

// leaked keeps the pools of drivers that leave connections open: the garbage collector would close
// them.
var leaked sync.Map

// statusErr is the error for a reply.
func (d *toyDriver) statusErr(op driver.Op, key string, r toyReply) error {
	switch r.Status {
	case "":
		return nil
	case "miss":
		return driver.ErrMiss
	case "conflict":
		return driver.ErrConflict
	case "not stored":
		return driver.ErrNotStored
	case "no number":
		return driver.ErrNotNumber
	case "large":
		if d.largeIsOutage {
			return d.pool(key).outage(op, errors.New("large"))
		}
		return driver.ErrTooLarge
	}
	return fmt.Errorf("unknown status %q", r.Status)
}
