package membench

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// processMemory returns a size of this process in bytes: "VmRSS:" what is resident,
// "VmHWM:" the most that ever was.
func processMemory(field string) (float64, error) {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0, errNoRSS
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if rest, ok := strings.CutPrefix(s.Text(), field); ok {
			var kib float64
			if _, err := fmt.Sscan(rest, &kib); err != nil {
				return 0, err
			}
			return kib * 1024, nil
		}
	}
	return 0, errNoRSS
}

// usage is the processor time that was used up to a moment, by all processes and by
// this one. The first is zero where the system does not tell.
type usage struct {
	at        time.Time
	all, mine time.Duration
}

func usageNow() usage {
	u := usage{at: time.Now()}
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err == nil {
		u.mine = time.Duration(r.Utime.Nano() + r.Stime.Nano())
	}
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return u
	}
	const tick = 10 * time.Millisecond
	var user, nice, system, idle, wait, irq, softirq, steal time.Duration
	if _, err := fmt.Sscanf(string(text), "cpu %d %d %d %d %d %d %d %d",
		&user, &nice, &system, &idle, &wait, &irq, &softirq, &steal); err == nil {
		u.all = tick * (user + nice + system + irq + softirq + steal)
	}
	return u
}

// others returns which part of all processors the rest of the machine used since
// before, and what the machine below it kept for itself.
func others(before usage) float64 {
	now := usageNow()
	used := now.all - before.all - (now.mine - before.mine)
	return float64(used) / float64(now.at.Sub(before.at)) / float64(runtime.NumCPU())
}
