package ketama

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"
	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// client talks to one server: through rainycape/memcache, over one connection at most, for
// single operations, and over a connection of the driver for what that library lacks. It is
// used by one goroutine at a time, which avoids the races in rainycape's list of free
// connections, and lets the deadline of a call become the timeout of an exchange.
type client struct {
	server *server
	slot   *puddle.Resource[*client]

	// Of the call in progress.
	call    endpoint.Call
	started bool // the call, and no exchange yet
	ended   bool // the call, with an error

	mc        *memcache.Client
	addr      *memcache.Addr // that mc connects to
	connected bool           // mc holds a connection that has served before
	deadline  time.Time      // that mc has set on its connection
	lastCall  time.Time      // the start of the last call that it served

	wire *wire.Conn // nil until it is needed, and after an error

	generation uint64 // of the server, when the connections were dropped last

	number atomic.Uint64 // of wire, for other goroutines; 0 if it is nil
	conns  atomic.Uint64 // the connections, counted; see count
}

// mostConns bounds the connections of a client: that of rainycape, that of the driver, and
// for a moment one that asks for a TTL.
const mostConns = 3

func newClient(s *server) *client {
	c := &client{server: s}
	c.renewLibrary()
	return c
}

// begin takes the client for a call, and drops connections that are known to be lost. A call
// that may use the driver's connection calls look then.
func (c *client) begin(slot *puddle.Resource[*client], call endpoint.Call) {
	c.slot, c.call, c.ended = slot, call, false
	c.call.Start()
	c.started = true
	c.conns.Add(inUse)
	c.keepUp()
}

// look drops the connections if that of the driver was lost while it was idle.
func (c *client) look() {
	if c.wire != nil && c.wire.Rested(c.call.Began(), idleCheck) && c.wire.Stale() {
		c.lost()
	}
}

// start starts the time that an exchange may take. The first one starts with the call, which
// spares a reading of the clock.
func (c *client) start() {
	if !c.started {
		c.call.Start()
	}
	c.started = false
}

// keepUp drops the connections if they are of an older generation than the server's.
func (c *client) keepUp() {
	if g := c.server.generation.Load(); c.generation != g {
		c.drop()
		c.generation = g
	}
}

// lost drops the connections, one of which was lost while it was idle, and with them those of
// the other clients, which are as old.
func (c *client) lost() {
	if c.server.generation.CompareAndSwap(c.generation, c.generation+1) {
		c.server.dropIdle()
	}
	c.keepUp()
}

// idleCheck is the time for which a connection may be unused and still be used again without
// a check that the server has not closed it. The check is a system call, so connections that
// are used all the time go without. No server restarts in less time.
const idleCheck = time.Millisecond

// release ends the call, unless it ended with an error, and gives the client back.
func (c *client) release() {
	if !c.ended {
		c.call.Done()
	}
	c.call = endpoint.Call{}
	c.keepUp()
	c.conns.Add(^uint64(inUse - 1))
	c.server.give(c)
}

// fail ends the call with an error, which end returns.
func (c *client) fail(end func(*endpoint.Call, error) error, cause error) error {
	c.ended = true
	return end(&c.call, cause)
}

// closed ends the call with ErrClosed.
func (c *client) closed() error {
	c.ended = true
	c.call.Abandoned()
	return driver.ErrClosed
}

// connects reports whether the client has a connection.
func (c *client) connects() bool { return c.connected || c.wire != nil }

// close closes the connections. The client must not be used after it.
func (c *client) close() { c.drop() }

// drop drops the connections.
func (c *client) drop() {
	c.hangUp()
	c.renewLibrary()
}

// hangUp closes the connection of the driver.
func (c *client) hangUp() {
	if c.wire != nil {
		c.wire.Close()
		c.wire = nil
		c.number.Store(0)
		c.countClosed()
	}
}

// renewLibrary closes the connection of rainycape. Its list of idle connections can only be
// emptied for good.
func (c *client) renewLibrary() {
	if c.mc != nil {
		c.mc.Close() //nolint:errcheck // it always returns nil
		if c.connected {
			c.countClosed()
		}
	}
	c.mc = memcache.NewFromServers(c)
	c.mc.SetMaxIdleConnsPerAddr(1)
	c.connected, c.deadline, c.addr = false, time.Time{}, c.server.addr
}

// PickServer and Servers make a [memcache.Servers] of one server: the distribution has
// chosen it before a client comes into play.
func (c *client) PickServer(string) (*memcache.Addr, error) { return c.addr, nil }
func (c *client) Servers() ([]*memcache.Addr, error)        { return []*memcache.Addr{c.addr}, nil }

// dial makes the connection of the driver.
func (c *client) dial(ctx context.Context) error {
	nc, number, moved, err := c.server.Dial(ctx)
	if err != nil {
		return err
	}
	if moved {
		c.moved()
		c.renewLibrary()
	}
	c.wire = wire.New(nc, number)
	c.number.Store(uint64(number))
	c.countOpened()
	return nil
}

// moved notes that a connection of c leads to another address than those before, and drops
// those of the other clients.
func (c *client) moved() {
	c.generation = c.server.generation.Add(1)
	c.server.dropIdle()
}

// allows reports whether a token of epoch e may be used over the client's connection.
func (c *client) allows(e epoch.Number) bool {
	return c.server.Clock.Allows(e, epoch.Number(c.number.Load()))
}

// The connections of a client are counted in one word, so that they can be read while it is
// used: those that were closed, those that are open, and whether the client is in use.
const (
	inUse      = 1 << 63
	openUnit   = 1 << 56
	closedMask = openUnit - 1
)

func (c *client) countOpened() { c.conns.Add(openUnit) }
func (c *client) countClosed() { c.conns.Add(^uint64(openUnit - 2)) } // one open less, one closed more

// count adds the client's connections to statistics.
func (c *client) count(st *driver.ServerStats) {
	n := c.conns.Load()
	open := int(n &^ inUse / openUnit)
	if n&inUse != 0 {
		st.InUse += open
	} else {
		st.Idle += open
	}
	st.Closed += n & closedMask
}
