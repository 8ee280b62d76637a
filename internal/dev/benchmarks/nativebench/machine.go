package nativebench

import (
	"sync/atomic"
	"syscall"
	"time"
)

// stopFlag ends a loop without a reading of the clock in each round.
type stopFlag struct{ v atomic.Bool }

func (s *stopFlag) set()        { s.v.Store(true) }
func (s *stopFlag) isSet() bool { return s.v.Load() }

// cpuNow returns the processor time that this process has used.
func cpuNow() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
