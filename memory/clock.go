package memory

import (
	"sync/atomic"
	"time"
)

// clock counts nanoseconds since the cache was made. Reading the system's clock takes
// longer than a whole get (31 to 56 ns here, against 1), so gets use a reading that
// another operation made: the first operation after the reading was voided makes a
// new one and starts a timer that voids it. A cache that nobody uses runs no timer.
//
// When the process is starved the timer is late, and with it the reading is old by as
// much. So deadlines within margin of it are compared with the system's clock.
type clock struct {
	base   time.Time
	coarse atomic.Int64 // 0: void
	timer  atomic.Pointer[time.Timer]

	// What has a deadline after the horizon has not expired: margin from the
	// reading; while that is void, the end of time.
	horizon atomic.Uint64
}

const (
	resolution = 10 * time.Millisecond
	margin     = time.Second
)

func (c *clock) start() {
	c.base = time.Now()
	c.void()
}

// precise asks the system.
func (c *clock) precise() int64 { return int64(time.Since(c.base)) + 1 }

// now is never ahead of precise, and behind it by resolution as a rule.
func (c *clock) now() int64 {
	if n := c.coarse.Load(); n != 0 {
		return n
	}
	return c.read()
}

// read makes the coarse reading.
func (c *clock) read() int64 {
	n := c.precise()
	if c.coarse.CompareAndSwap(0, n) {
		c.horizon.Store(uint64(n) + uint64(margin))
		c.timer.Store(time.AfterFunc(resolution, c.void))
	}
	return n
}

func (c *clock) void() {
	c.horizon.Store(forever - 1)
	c.coarse.Store(0)
}

func (c *clock) stop() {
	if t := c.timer.Load(); t != nil {
		t.Stop()
	}
}

// passed reports whether a deadline has come.
func (c *clock) passed(deadline uint64) bool {
	if deadline >= forever || deadline > uint64(c.now())+uint64(margin) {
		return false
	}
	return deadline <= uint64(c.precise())
}

// deadline returns when an entry stored at now expires.
func deadline(now int64, ttl time.Duration) uint64 {
	if d := now + int64(ttl); ttl > 0 && d > 0 {
		return uint64(d)
	}
	return forever
}
