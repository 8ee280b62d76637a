// Package epoch keeps tokens from outliving the server that they came from.
//
// A server that numbers its items, as memcached does with CAS ids, begins again at 1 when
// it is restarted. A number that was read before then belongs to some other item, and a
// compare-and-swap with it would succeed where it must conflict. The server does not say
// that it was restarted, and a client that was idle meanwhile does not notice.
//
// A client does know the order in which it made its connections and read its items, and
// that a connection leads to one server process for as long as it lives. So a [Clock]
// numbers the connections to a server as they are made. An item has the number of the last
// connection that was made when its request was sent: its epoch. It may be used on a
// connection that is not younger than that.
//
// # Why this is enough
//
// Say the token was read at time r over connection R from process P, and is used over
// connection C, which was made at time c and carries the request to process Q. The rule is
// that C had its number before the request of the read was sent, so c < r. Processes at one
// address do not overlap: the next one listens, and so accepts connections, only after the
// last reply of the one before.
//
//   - If C was made before R: both connections were open at time r, so P and Q both lived
//     then, and are the same.
//   - If C was made after R and before r: P lived when R was made, and at r, so at c, which
//     is between. C was accepted by the process that lived at c, so Q is P.
//
// If the server is restarted after r, C is lost with it, and a request over C fails
// whatever its number. A connection that was made after r may lead to another process, and
// is refused even if it does not: the conflict may be spurious, the success cannot be false.
// Connections that are lost and not noticed, and any order of the calls of many goroutines,
// make no difference, as the argument does not depend on them.
//
// The argument needs that one address is one process at a time. The address of a name may change
// while the process at the old one lives on, so a Clock knows the address of each connection, and
// starts anew where it changes: no connection made before, and nothing read before, goes together
// with one made after. A proxy that shares its
// connections between servers cannot be seen through.
package epoch

import (
	"sync"
	"sync/atomic"
)

// A Number is the place of a connection in the order in which connections were made, or
// that of the last connection that was made when something was read: its epoch. 0 is no
// number.
type Number uint64

// A Clock numbers the connections to one server. The zero value is ready, and safe for
// concurrent use.
type Clock struct {
	mu   sync.Mutex // held while a number is given
	addr string     // of the last connection

	made  atomic.Uint64 // the last number
	floor atomic.Uint64 // the last number that was given to another address
}

// Made returns the number of a connection to addr, and whether the connection before led to
// another address. It must be called when the connection has been made, and before it is
// used.
func (c *Clock) Made(addr string) (n Number, moved bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made.Load()
	if moved = made > 0 && addr != c.addr; moved {
		c.floor.Store(made)
	}
	c.addr = addr
	c.made.Store(made + 1)
	return Number(made + 1), moved
}

// Read returns the epoch of what is read by a request that is sent afterwards, over the
// connection with number over.
func (c *Clock) Read(over Number) Number {
	e := Number(c.made.Load())
	if c.Old(over) {
		return over // good for nothing: Allows refuses it
	}
	return e
}

// Allows reports whether what was read in epoch e may be used over the connection with
// number n.
func (c *Clock) Allows(e, n Number) bool { return n != 0 && n <= e && !c.Old(n) }

// Old reports whether a connection leads to an address that the server has left.
func (c *Clock) Old(n Number) bool { return uint64(n) <= c.floor.Load() }
