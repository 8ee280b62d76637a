package memory

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock counts nanoseconds since the cache was made. Reading the system's clock takes
// longer than a whole get (31 to 56 ns, against 1), so gets use a reading that another
// operation made: the first operation after the reading was voided makes a new one and
// starts a timer that voids it. A cache that nobody uses runs no timer.
//
// When the process is starved the timer is late, and with it the reading is old by as
// much. So deadlines within margin of it are compared with the system's clock, and an
// operation that gives a short TTL voids a reading that is older than half of margin: see soon.
//
// Go's monotonic clock stops while the machine is suspended. The wall clock does not, so
// each reading compares the two, and the time that the wall clock has gained counts as
// time passed. A wall clock that is set forward looks the same: entries
// then expire early, which a cache may do. One that is set back changes nothing.
type clock struct {
	base  time.Time
	timer atomic.Pointer[time.Timer]

	// An entry with a deadline after the horizon has not expired. The horizon is margin
	// after the reading, or, while there is none, noReading plus the number of times that
	// it was voided.
	horizon atomic.Uint64
	voided  atomic.Uint32
	last    atomic.Int64 // the newest reading: the one of the horizon, or to become it

	slept  atomic.Int64 // nanoseconds for which the monotonic clock has not advanced
	making sync.Mutex   // a reading; guards ahead
	ahead  int64        // of the monotonic clock is the wall clock
}

const (
	resolution = 10 * time.Millisecond
	margin     = time.Second

	// sleep is the smallest gain of the wall clock that counts as a suspension: corrections
	// of the clock are smaller as a rule.
	sleep = time.Second

	noReading = forever - 1<<32 // is after any deadline that comes
)

func (c *clock) start() {
	c.base = time.Now()
	c.ahead = c.base.UnixNano()
	c.void()
}

// precise asks the system.
func (c *clock) precise() int64 { return int64(time.Since(c.base)) + c.slept.Load() + 1 }

// soon is precise, for a deadline that is near. The reading, now or later, is then at most half
// of margin older than what soon returns: a deadline within that time is not after any
// horizon, and so is compared with the system's clock.
func (c *clock) soon() int64 {
	now := c.precise()
	if now-c.last.Load() > int64(margin/2) {
		c.void() // and with it a reading that somebody is making, perhaps for long
		c.read()
	}
	return now
}

// now is never ahead of precise, and behind it by resolution as a rule.
func (c *clock) now() int64 {
	if h := c.horizon.Load(); h < noReading {
		return int64(h - uint64(margin))
	}
	return c.read()
}

// read makes the reading.
func (c *clock) read() int64 {
	if !c.making.TryLock() {
		return c.precise()
	}
	defer c.making.Unlock()
	none := c.horizon.Load()
	if none < noReading {
		return int64(none - uint64(margin))
	}
	now := time.Now()
	elapsed := int64(now.Sub(c.base))
	c.compare(now.UnixNano() - elapsed)
	n := elapsed + c.slept.Load() + 1
	c.last.Store(n)
	if c.horizon.CompareAndSwap(none, uint64(n)+uint64(margin)) {
		if late := c.timer.Swap(time.AfterFunc(resolution, c.void)); late != nil {
			late.Stop()
		}
	}
	return n
}

// compare notes by how much the wall clock is ahead, and for how long the machine has slept.
func (c *clock) compare(ahead int64) {
	gained := ahead - c.ahead
	if gained > -int64(sleep) && gained < int64(sleep) {
		return
	}
	c.ahead = ahead
	if gained < 0 || gained > 1<<62-c.slept.Load() { // set back, or set to an absurd time
		return
	}
	c.slept.Add(gained)
}

// void takes the reading back. The horizon becomes one that never was, so that no reading
// that was begun before takes effect.
func (c *clock) void() { c.horizon.Store(noReading + uint64(c.voided.Add(1))) }

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

// left returns the time until a deadline, 1 or more.
func (c *clock) left(deadline uint64) time.Duration {
	now := c.now()
	if deadline <= uint64(now)+uint64(margin) {
		now = c.precise()
	}
	return max(1, time.Duration(deadline-uint64(now)))
}

// deadline returns when an entry stored at now expires.
func deadline(now int64, ttl time.Duration) uint64 {
	if d := now + int64(ttl); ttl > 0 && d > 0 {
		return uint64(d)
	}
	return forever
}
