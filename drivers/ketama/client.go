package ketama

import (
	"slices"

	"github.com/jackc/puddle/v2"
	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// client talks to one server: through rainycape/memcache, with one connection at most,
// for single operations, and on a connection of its own for what that library lacks.
// Who took it from the pool has it alone, which keeps clear of the races in
// rainycape's list of free connections, and lets the deadline of a context become the
// timeout of an exchange.
type client struct {
	server *server
	slot   *puddle.Resource[*client]

	mc        *memcache.Client
	connected bool // mc holds a connection that has served before
	limited   bool // the timeout of mc is not that of the configuration

	wire *wire.Conn // nil until it is needed, and after an error

	generation uint64 // of the server, when the connections were dropped last
}

func newClient(s *server) *client {
	c := &client{server: s}
	c.renew()
	return c
}

// close closes the connections. The client must not be used after it.
func (c *client) close() {
	c.mc.Close() //nolint:errcheck // it always returns nil
	c.hangUp()
}

// hangUp closes the connection beside rainycape's.
func (c *client) hangUp() {
	if c.wire != nil {
		c.wire.Close() //nolint:errcheck // nothing is waiting to be sent
		c.wire = nil
	}
}

// renew drops the connections.
func (c *client) renew() {
	if c.mc != nil {
		c.close()
	}
	c.mc = memcache.NewFromServers(c.server)
	c.mc.SetMaxIdleConnsPerAddr(1)
	c.mc.SetTimeout(c.server.timeout)
	c.connected, c.limited = false, false
	c.generation = c.server.generation.Load()
}

// begin drops connections that are known to be lost.
func (c *client) begin() {
	if c.generation != c.server.generation.Load() {
		c.renew()
	}
}

// restarted notes that a connection was lost while it was idle. The other idle
// connections are as old: the first client to notice makes all drop theirs before
// they use them again.
func (c *client) restarted() {
	c.server.generation.CompareAndSwap(c.generation, c.generation+1)
	c.renew()
}

// connects reports whether the client has a connection.
func (c *client) connects() bool { return c.connected || c.wire != nil }

// release gives the client back to the pool: to be the next, or the last if it has no
// connection. A server at its limit of connections gives it none, and a client on top
// would have the next call fail as well, while others are connected and idle.
func (c *client) release() {
	if c.connects() {
		c.slot.ReleaseUnused()
		return
	}
	before := c.server.pool.AcquireAllIdle()
	c.slot.ReleaseUnused()
	for _, slot := range slices.Backward(before) {
		slot.ReleaseUnused()
	}
}
