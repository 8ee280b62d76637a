package soak

import (
	"math/rand/v2"
	"time"

	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// faults happen to the servers of a soak, one or two at a time.
type faults struct {
	table       *table
	rand        *rand.Rand
	good, lossy []*memcachedtest.Server
	counts      map[string]int
}

// grace is the time after a fault in which errors still belong to it: those of calls that
// began in it, and those until a server is tried again.
const grace = 5 * time.Second

// play lets faults happen until the deadline. The pauses are a part of the play: nothing
// waits for something to happen in them.
func (f *faults) play(deadline time.Time) {
	f.counts = map[string]int{}
	for time.Now().Before(deadline) {
		time.Sleep(f.between(100*time.Millisecond, 900*time.Millisecond))
		s := f.lossy[f.rand.IntN(3)]
		switch n := f.rand.IntN(12); {
		case n < 3:
			f.counts["kills"]++
			f.expect(2 * time.Second)
			s.Kill()
			time.Sleep(f.between(50*time.Millisecond, time.Second))
			s.Restart()
		case n < 5:
			f.counts["restarts"]++
			f.expect(time.Second)
			s.Restart()
		case n < 7:
			f.counts["freezes"]++
			f.expect(2 * time.Second)
			f.freeze(s)
		case n < 8:
			f.counts["flushes"]++
			f.expect(0)
			s.Command("flush_all", "OK")
		case n < 10:
			if !f.table.before(&f.table.listUntil) {
				f.counts["changed lists"]++
				f.changeList()
			}
		default:
			f.counts["freezes of the servers that keep their items"]++
			f.table.slowUntil.Store(later(2*time.Second + grace))
			f.freeze(f.good[f.rand.IntN(len(f.good))])
			f.table.slowUntil.Store(later(grace))
		}
		// Servers lose nothing after this time.
		if f.table.before(&f.table.lossUntil) {
			f.expect(0)
		}
	}
}

// expect says that items of the lossy servers are lost and calls may fail for d.
func (f *faults) expect(d time.Duration) {
	f.table.faultUntil.Store(later(d + grace))
	f.table.lossUntil.Store(later(d + grace + itemTTL))
}

func (f *faults) freeze(s *memcachedtest.Server) {
	s.Freeze()
	time.Sleep(f.between(50*time.Millisecond, 1500*time.Millisecond))
	s.Thaw()
}

// changeList lets half of the workers use the longer list for a while. Items of both
// lists live on for a TTL.
func (f *faults) changeList() {
	d := f.between(300*time.Millisecond, 2*time.Second)
	f.table.listUntil.Store(later(d + grace + itemTTL))
	f.table.longerList.Store(1)
	time.Sleep(d)
	f.table.longerList.Store(0)
}

// mend lets the workers end.
func (f *faults) mend() {
	f.table.slowUntil.Store(later(grace))
	f.expect(0)
}

func (f *faults) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.rand.Int64N(int64(high-low)))
}

func later(d time.Duration) int64 { return time.Now().Add(d).UnixNano() }
