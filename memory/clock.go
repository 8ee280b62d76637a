package memory

import (
	"sync/atomic"
	"time"
)

// clock counts nanoseconds since the cache was made. Reading the system's clock takes
// longer than a whole get (31 to 56 ns, against 1), so gets use a reading that another
// operation made: the first operation after the reading was voided makes a new one and
// starts a timer that voids it. A cache that nobody uses runs no timer.
//
// When the process is starved the timer is late, and with it the reading is old by as
// much. So deadlines within margin of it are compared with the system's clock.
//
// Go's monotonic clock stands still while the machine is suspended. The wall clock does
// not, so each reading looks how far the two have moved apart, and what the wall clock has
// gained counts as time passed. A wall clock that is set forward looks the same: entries
// then expire early, which a cache may do. One that is set back changes nothing.
type clock struct {
	base   time.Time
	coarse atomic.Int64 // 0: void
	timer  atomic.Pointer[time.Timer]

	// An entry with a deadline after the horizon has not expired. The horizon is
	// margin from the reading; while that is void, the end of time.
	horizon atomic.Uint64

	slept atomic.Int64 // nanoseconds for which the monotonic clock has not advanced
	ahead int64        // of the monotonic clock is the wall clock; changed by the one that makes a reading
}

const (
	resolution = 10 * time.Millisecond
	margin     = time.Second

	// sleep is the smallest gain of the wall clock that counts as a suspension: corrections
	// of the clock are smaller as a rule.
	sleep = time.Second
)

func (c *clock) start() {
	c.base = time.Now()
	c.ahead = c.base.UnixNano()
	c.void()
}

// precise asks the system.
func (c *clock) precise() int64 { return int64(time.Since(c.base)) + c.slept.Load() + 1 }

// now is never ahead of precise, and behind it by resolution as a rule.
func (c *clock) now() int64 {
	if n := c.coarse.Load(); n != 0 {
		return n
	}
	return c.read()
}

// read makes the coarse reading.
func (c *clock) read() int64 {
	now := time.Now()
	elapsed := int64(now.Sub(c.base))
	n := elapsed + c.slept.Load() + 1
	if c.coarse.CompareAndSwap(0, n) {
		n += c.compare(now.UnixNano() - elapsed)
		c.coarse.Store(n)
		c.horizon.Store(uint64(n) + uint64(margin))
		c.timer.Store(time.AfterFunc(resolution, c.void))
	}
	return n
}

// compare notes by how much the wall clock is ahead, and returns for how long the machine
// has slept.
func (c *clock) compare(ahead int64) (slept int64) {
	gained := ahead - c.ahead
	if gained > -int64(sleep) && gained < int64(sleep) {
		return 0
	}
	c.ahead = ahead
	if gained < 0 || gained > 1<<62-c.slept.Load() { // set back, or set to nonsense
		return 0
	}
	c.slept.Add(gained)
	return gained
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
