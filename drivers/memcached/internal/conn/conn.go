// Package conn provides a connection to one memcached that many callers share. Their requests
// are gathered and go out in one write; the caller that waits first reads the replies for all. It
// knows the meta protocol from package protocol, and nothing of keys, values or servers.
//
// # Roles
//
// A connection starts no goroutine. Two roles exist, each with at most one
// holder:
//
//   - The writer takes what is gathered and gives it to the kernel. A caller that finds
//     nobody writing becomes the writer, before it waits for its reply. It never blocks:
//     what the kernel does not take at once goes to a goroutine that inherits the role
//     and ends when everything is written. So does everything on TLS.
//   - The reader reads replies, and completes the calls that they belong to. A caller
//     that finds nobody reading becomes the reader in the same step that enqueues its
//     call. When its own reply is there, it hands the role to the first call that waits,
//     in the order of the requests. A reader blocks on nothing but the read:
//     a server that stops reading until its replies are read never waits for a client
//     that stops reading until its requests are written.
//
// The reader's role is taken if a call waits. If all that wait have left and replies are
// still owed, a goroutine reads and discards them until somebody waits again.
//
// # Time
//
// A caller whose context ends leaves within about a millisecond, when the reader checks the
// contexts of those that wait, and at once if it has waited for long (see sweeper). Its reply
// is discarded when it comes, and the connection stays as it is. Another timer finds a server
// that is silent: that sends no byte for the timeout while replies are owed. The connection is
// then closed. Only the reader fails the calls of a connection that has failed, and nothing
// is enqueued on it any more.
package conn

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// Bounds of a connection.
const (
	// maxOwed bounds the replies that are owed. Further calls wait.
	maxOwed = 8192
	// maxGathered bounds the bytes of requests that are gathered and not yet written.
	// A single request may be larger if it is alone.
	maxGathered = 1 << 20
	// keepBuffer is the largest buffer that is kept for the next requests.
	keepBuffer = 256 << 10
	// readBuffer is the size of the buffer that replies are read into.
	readBuffer = 32 << 10
)

// Config configures a connection.
type Config struct {
	// Timeout bounds the time for which the server may be silent while it owes a reply.
	Timeout time.Duration

	// Closed is called once, when the connection fails or is closed, by the goroutine
	// that finds out. It must not block.
	Closed func(*Conn, error)

	// Waited is called when a call has waited because there was no room.
	Waited func(time.Duration)
}

// A Conn is a connection. Its methods are safe for concurrent use.
//
// Its fields are in groups, with room between them, by who changes them: a caller that
// enqueues a call does not take the reader's lines of the processor's cache away.
type Conn struct {
	id     uint64
	nc     net.Conn
	tls    bool
	cfg    Config
	raw    rawConn        // for writes and reads that do not block, if nc offers them
	failed atomic.Bool    // err is set
	wg     sync.WaitGroup // the goroutines that write, or read what nobody waits for

	_ [64]byte

	mu        sync.Mutex
	writing   bool
	reading   bool
	retired   bool
	out       []byte // requests that are gathered, of the calls in queued
	queued    list
	tag       protocol.Tag // of the next command
	seq       uint64       // of the next call
	enqueued  uint64       // replies that the calls so far are owed
	tick      ticker
	sweep     sweeper
	room      roomQueue
	spare     []byte // the other buffer, while nobody writes from it
	sent      list   // calls that a writer has taken, and the reader has not
	sentSeq   uint64 // that of the first call in queued; calls from there on are unsent
	abandoned int    // calls in queued that are gone
	left      uint64 // calls that are or were gone
	records   []int  // of the writer: where records of TLS are to end
	maxOwed   int    // the constant, except in tests
	partial   bool   // a part of a reply was read before the reader's last read
	err       error  // why the connection is of no use any more
	failing   bool   // failCalls has taken all calls, and completes them

	_ [64]byte

	// active says that the reader will look for requests to write before its read
	// blocks. It is cleared with mu held.
	active atomic.Bool

	// The reader counts the replies that were read, the calls that were done with them,
	// and the reads that brought bytes.
	replied   atomic.Uint64
	completed atomic.Uint64
	progress  atomic.Uint64

	reader reader
}

var lastID atomic.Uint64

// New returns a connection over nc, which it closes in the end.
func New(nc net.Conn, cfg Config) *Conn {
	c := &Conn{id: lastID.Add(1), nc: nc, cfg: cfg, maxOwed: maxOwed}
	_, c.tls = nc.(*tls.Conn)
	c.raw.init(nc)
	c.initReader()
	c.tick.init(c)
	c.sweep.init(c)
	return c
}

// ID returns a number that no other connection of the process has.
func (c *Conn) ID() uint64 { return c.id }

// Failed reports whether the connection is of no use any more.
func (c *Conn) Failed() bool { return c.failed.Load() }

// Busy reports whether anybody waits for a reply.
func (c *Conn) Busy() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq > c.left+c.completed.Load()
}

// Check closes the connection if nothing is owed on it and the server has closed it.
func (c *Conn) Check() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil && c.owed() == 0 {
		_ = c.checkIdle() // the error is that of the next call
	}
}

// owed returns the number of replies that are owed. The caller holds mu.
func (c *Conn) owed() int { return int(c.enqueued - c.replied.Load()) }

// Close closes the connection, and waits for what runs for it. Calls in flight return
// ErrClosed.
func (c *Conn) Close() {
	c.fail(driver.ErrClosed)
	c.wg.Wait()
}

// spawn runs f in a goroutine that Close waits for. It returns false, and does not run f, if the
// connection has ended: Close may be waiting, or have waited.
func (c *Conn) spawn(f func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return false
	}
	c.wg.Go(f)
	return true
}

// Retire closes the connection once no replies are owed.
func (c *Conn) Retire() {
	c.mu.Lock()
	c.retired = true
	idle := c.owed() == 0
	c.mu.Unlock()
	if idle {
		c.fail(driver.ErrClosed)
	}
}

// RemoteAddr returns the address of the server.
func (c *Conn) RemoteAddr() string { return c.nc.RemoteAddr().String() }

// fail ends the connection for the given reason, unless it has ended. The calls learn of
// it from the reader, whose read ends.
func (c *Conn) fail(err error) {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	c.err = err
	c.failed.Store(true)
	c.room.wakeAll()
	c.tick.stop()
	c.sweep.stop()
	c.mu.Unlock()
	_ = closeSocket(c.nc) // it is of no use in any case
	if c.cfg.Closed != nil {
		c.cfg.Closed(c, err)
	}
}

// failCalls completes all calls with the reason for which the connection ended. The
// caller is the reader, which ends with it: nothing is enqueued any more.
func (c *Conn) failCalls() {
	c.wakeLast()
	c.mu.Lock()
	all := c.reader.run
	all.append(&c.sent)
	queued := c.queued
	c.queued, c.reader.run = list{}, list{}
	c.out, c.spare = nil, nil
	c.reading, c.failing = false, true
	err := c.err
	c.mu.Unlock()
	for unsent := false; ; unsent, all = true, queued {
		for all.head != nil {
			call := all.pop()
			call.err, call.unsent = err, unsent
			if wake, _ := call.complete(); wake != nil {
				wake <- struct{}{}
			}
		}
		if unsent {
			return
		}
	}
}

// A LostError says that the connection was lost: closed or reset by the server, or broken.
type LostError struct{ Err error }

func (e *LostError) Error() string { return "connection lost: " + e.Err.Error() }
func (e *LostError) Unwrap() error { return e.Err }

// A SilentError says that the server did not reply in time.
type SilentError struct{ After time.Duration }

func (e *SilentError) Error() string { return fmt.Sprintf("no reply for %v", e.After) }

// Timeout makes a timeout of it.
func (e *SilentError) Timeout() bool { return true }

// ErrUnsolicited is the failure of a server that sends more than it was asked for.
var ErrUnsolicited = errors.New("the server sent data that no request asked for")

// lost wraps an error of a read or write.
func lost(err error) error {
	var m *protocol.MalformedError
	if errors.As(err, &m) || err == ErrUnsolicited {
		return err
	}
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return &LostError{errors.New("closed by the server")}
	}
	var op *net.OpError
	if errors.As(err, &op) {
		err = op.Err // without the addresses, which the caller adds
	}
	var sys *os.SyscallError
	if errors.As(err, &sys) {
		err = sys.Err
	}
	var errno syscall.Errno
	if errors.As(err, &errno) {
		err = errno
	}
	return &LostError{err}
}

// closeSocket closes nc without the farewell of TLS, which may block.
func closeSocket(nc net.Conn) error {
	if t, ok := nc.(*tls.Conn); ok {
		nc = t.NetConn()
	}
	return nc.Close()
}
