package conn

import (
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
)

// ticker finds a server that is silent. It ticks while replies are owed, and once more.
// Conn.mu guards it.
type ticker struct {
	timer   *time.Timer
	running bool
	period  time.Duration
	seen    uint64 // Conn.progress at the last tick
	quiet   int    // ticks in a row without progress while replies were owed
}

// A timeout is so many ticks. It is found at most one tick late.
const ticksPerTimeout = 8

func (t *ticker) init(c *Conn) {
	t.period = max(c.cfg.Timeout/ticksPerTimeout, time.Millisecond)
	t.timer = time.AfterFunc(t.period, c.onTick)
	t.timer.Stop()
}

// start starts the ticker if it does not run. The caller holds mu.
func (t *ticker) start() {
	if !t.running {
		t.running, t.quiet = true, -1
		t.timer.Reset(t.period)
	}
}

// stop stops it for good. The caller holds mu.
func (t *ticker) stop() {
	t.timer.Stop()
	t.running = true
}

// onTick looks for progress. Only bytes that were read are progress: that the kernel takes
// requests says nothing of the server.
func (c *Conn) onTick() {
	c.mu.Lock()
	if c.err != nil {
		c.mu.Unlock()
		return
	}
	t := &c.tick
	seen := c.progress.Load()
	switch {
	case c.owed() == 0:
		t.running = false
		retired := c.retired
		c.mu.Unlock()
		if retired {
			c.fail(driver.ErrClosed)
		}
		return
	case seen != t.seen || t.quiet < 0:
		t.seen, t.quiet = seen, 0
	default:
		t.quiet++
	}
	quiet := t.quiet
	write := false
	if quiet < ticksPerTimeout {
		t.timer.Reset(t.period)
		if quiet == ticksPerTimeout/2 && !c.partial {
			write = c.nudge()
		}
	}
	c.mu.Unlock()
	if quiet >= ticksPerTimeout {
		c.fail(&SilentError{c.cfg.Timeout})
	} else if write {
		c.write(nil)
	}
}

// nudge enqueues a command that does nothing: memcached before 1.6.39 may on TLS leave
// requests unread until more arrive. Nobody waits for the reply. It is not sent in the middle
// of a reply: where the server has announced more bytes than it sends, its reply would be taken
// for some of them, and for progress. The caller holds mu; if the result is true, it is the
// writer.
func (c *Conn) nudge() (write bool) {
	call := newCall(protocol.Noop)
	before := len(c.out)
	r := protocol.Request{Verb: protocol.Noop}
	c.out = r.Append(c.out, 0)
	call.state.Store(gone)
	c.left++
	return c.enqueue(call, before, false)
}
