// Package endpoint provides what a driver needs for one server: its connections, whether it
// replies, counts of failures, and errors.
package endpoint

import (
	"context"
	"net"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/dial"
	"github.com/larder-go/larder/drivers/internal/epoch"
	"github.com/larder-go/larder/drivers/internal/health"
)

// An Endpoint is one server. It is safe for concurrent use.
type Endpoint struct {
	Clock epoch.Clock // of the connections

	driver  string
	addr    string
	timeout time.Duration
	dialer  *dial.Dialer
	gate    health.Gate
	counts  counts
}

// New returns the server at addr, for the driver of that name. Calls to it take timeout at
// most.
func New(driver, network, addr string, timeout time.Duration) *Endpoint {
	return &Endpoint{driver: driver, addr: addr, timeout: timeout, dialer: dial.New(network, addr)}
}

// Addr returns the address as it was configured.
func (e *Endpoint) Addr() string { return e.addr }

// Dialer returns the dialer of the server.
func (e *Endpoint) Dialer() *dial.Dialer { return e.dialer }

// Dial connects, and numbers the connection. If moved is true the connections before lead
// to an address that the server has left.
func (e *Endpoint) Dial(ctx context.Context) (conn net.Conn, n epoch.Number, moved bool, err error) {
	conn, err = e.dialer.Dial(ctx)
	if err != nil {
		return nil, 0, false, err
	}
	n, moved = e.Clock.Made(conn.RemoteAddr().String())
	return conn, n, moved, nil
}

// Fail returns the error of op for a failure that is not an outage.
func (e *Endpoint) Fail(op driver.Op, cause error) error {
	return &driver.Error{Driver: e.driver, Op: op, Server: e.addr, Err: cause}
}

// Unavailable returns the error of op for an outage.
func (e *Endpoint) Unavailable(op driver.Op, cause error) error {
	return driver.Unavailable(e.driver, op, e.addr, cause)
}

// Unreadable returns the error of op for a value that cannot be decoded.
func (e *Endpoint) Unreadable(op driver.Op, key string, cause error) error {
	return driver.Unreadable(e.driver, op, e.addr, key, cause)
}

// Refused returns the error of op where the server replies that it cannot do it, and counts
// it.
func (e *Endpoint) Refused(op driver.Op, cause error) error {
	e.counts.add(refused)
	return e.Unavailable(op, cause)
}

// Failures returns the counts of what failed.
func (e *Endpoint) Failures() driver.Failures { return e.counts.snapshot() }
