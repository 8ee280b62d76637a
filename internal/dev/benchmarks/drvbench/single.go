package drvbench

import (
	"fmt"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/child"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Single compares one driver with its bare library for one operation. Each figure is
// that of one round; driver and library take turns.
type Single struct {
	Driver, Op string
	Goroutines int
	Bare, Ours report.Sample // operations per second
	BareAllocs float64
	OurAllocs  float64
	BareCPU    report.Sample // µs of this process per operation
	OurCPU     report.Sample
}

// singleJob is the measurement of one process.
type singleJob struct {
	Goroutines int
	Quick      bool
}

// Children are the measurements that run in separate processes.
var Children = child.Parts{"single": child.Part(runSingle)}

const (
	valueSize  = 128
	singleKeys = 1000
)

func runSingle(j singleJob) (any, error) {
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	results, err := singles(s.addr, j)
	if stop := s.stop(); err == nil {
		err = stop
	}
	return results, err
}

func singles(addr string, j singleJob) ([]Single, error) {
	bareGo, err := newGomemcacheBare(addr)
	if err != nil {
		return nil, err
	}
	bareRainy, err := newRainycapeBare(addr)
	if err != nil {
		return nil, err
	}
	ourGo, err := newGomemcacheDriver(addr)
	if err != nil {
		return nil, err
	}
	ourKetama, err := newKetamaDriver(addr)
	if err != nil {
		return nil, err
	}
	var results []Single
	for _, pair := range []struct {
		name       string
		bare, ours single
	}{{"gomemcache", bareGo, ourGo}, {"ketama", bareRainy, ourKetama}} {
		for _, op := range []string{"get", "set", "incr"} {
			r, err := turns(pair.bare, pair.ours, op, j)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", pair.name, op, err)
			}
			r.Driver, r.Op = pair.name, op
			results = append(results, r)
		}
	}
	return results, nil
}

// turns lets the two take turns for some rounds, after one that does not count. They are short
// and many, and each begins with the one that ended the round before, because what else the
// machine does changes from one second to the next.
func turns(bare, ours single, op string, j singleJob) (Single, error) {
	const d = 50 * time.Millisecond
	rounds := 75
	if j.Quick {
		rounds = 3
	}
	r := Single{Goroutines: j.Goroutines}
	value := workload.Value(workload.Rand(1), valueSize)
	keys := make([]string, singleKeys)
	for i := range keys {
		keys[i] = op + workload.Key(i)
		first := value
		if op == "incr" {
			first = []byte("1")
		}
		if err := bare.set(keys[i], first); err != nil {
			return r, err
		}
	}
	for round := range rounds + 1 {
		var timings [2]singleTiming
		for i := range 2 {
			which := (round + i) % 2
			var err error
			if timings[which], err = timeSingle([2]single{bare, ours}[which], op, keys, value, j.Goroutines, d); err != nil {
				return r, err
			}
		}
		b, o := timings[0], timings[1]
		if round == 0 {
			continue
		}
		r.Bare, r.Ours = append(r.Bare, b.rate), append(r.Ours, o.rate)
		r.BareCPU, r.OurCPU = append(r.BareCPU, b.cpu), append(r.OurCPU, o.cpu)
		r.BareAllocs, r.OurAllocs = b.allocs, o.allocs
	}
	return r, nil
}

type singleTiming struct{ rate, cpu, allocs float64 }

func timeSingle(c single, op string, keys []string, value []byte, goroutines int, d time.Duration) (singleTiming, error) {
	call := map[string]func(key string) error{
		"get": c.get, "incr": c.incr,
		"set": func(key string) error { return c.set(key, value) },
	}[op]

	counts, errs := make([]int, goroutines), make([]error, goroutines)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuNow()
	began := time.Now()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			n := g * 7
			for ; time.Since(began) < d && errs[g] == nil; n++ {
				errs[g] = call(keys[n%len(keys)])
			}
			counts[g] = n - g*7
		})
	}
	wg.Wait()
	took := time.Since(began)
	cpu = cpuNow() - cpu
	runtime.ReadMemStats(&after)
	total := 0.0
	for g := range goroutines {
		if errs[g] != nil {
			return singleTiming{}, errs[g]
		}
		total += float64(counts[g])
	}
	return singleTiming{
		rate: total / took.Seconds(), cpu: cpu.Seconds() * 1e6 / total,
		allocs: float64(after.Mallocs-before.Mallocs) / total,
	}, nil
}

// cpuNow returns the processor time that this process has used.
func cpuNow() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}
