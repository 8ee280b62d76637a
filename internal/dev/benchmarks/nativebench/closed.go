package nativebench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Closed is a closed loop: so many goroutines call one operation as fast as they can.
type Closed struct {
	Network, Op, Context string
	Goroutines           int
	Rates                map[string]report.Sample // operations per second
	CPU                  map[string]report.Sample // µs of this process for each
	Allocs               map[string]float64       // allocations for each
}

// The ways to pass a context.
const (
	background = "Background"
	perWorker  = "one for each goroutine"
	perCall    = "WithTimeout for each call"
)

var (
	operations = []string{"get", "set", "count"}
	crowds     = []int{1, 8, 64, 256}
	contexts   = []string{background, perWorker, perCall}
)

const (
	valueSize = 128
	keyCount  = 1000
)

func (r *Results) runClosed(o Options) error {
	rounds, d := 5, 100*time.Millisecond
	if o.Quick {
		rounds, d = 2, 50*time.Millisecond
	}
	for _, network := range []string{"unix", "tcp"} {
		if err := r.closedOn(o, network, rounds, d); err != nil {
			return err
		}
		fmt.Fprintf(o.Log, "closed loop, %s: done\n", network)
	}
	return nil
}

func (r *Results) closedOn(o Options, network string, rounds int, d time.Duration) (err error) {
	s, err := startServers(network)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	list, err := s.clients()
	if err != nil {
		return err
	}
	for _, c := range list {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	for _, goroutines := range crowds {
		crew := map[string][]worker{}
		for _, c := range list {
			for range goroutines {
				w, err := c.worker()
				if err != nil {
					return err
				}
				crew[c.name] = append(crew[c.name], w)
			}
		}
		for _, op := range operations {
			for _, mode := range contexts {
				res := Closed{
					Network: network, Op: op, Context: mode, Goroutines: goroutines,
					Rates: map[string]report.Sample{}, CPU: map[string]report.Sample{}, Allocs: map[string]float64{},
				}
				for round := range rounds + 1 {
					for i := range list {
						c := list[(i+round)%len(list)]
						if !o.wants(c.name) {
							continue
						}
						t, err := loop(crew[c.name], op, mode, d)
						if err != nil {
							return fmt.Errorf("%s, %s: %w", c.name, op, err)
						}
						if round > 0 {
							res.Rates[c.name] = append(res.Rates[c.name], t.rate)
							res.CPU[c.name] = append(res.CPU[c.name], t.cpu)
							res.Allocs[c.name] = t.allocs
						}
					}
				}
				r.Closed = append(r.Closed, res)
			}
		}
	}
	return nil
}

type timing struct{ rate, cpu, allocs float64 }

// keysFor makes the keys of an operation, and stores them.
func keysFor(w worker, op string, value []byte) ([]string, error) {
	keys := make([]string, keyCount)
	for i := range keys {
		keys[i] = op + workload.Key(i)
		first := value
		if op == "count" {
			first = []byte("1000000")
		}
		if err := w.set(context.Background(), keys[i], first); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// call returns the operation of that name.
func call(w worker, op string, value []byte) func(ctx context.Context, key string) error {
	switch op {
	case "get":
		return w.get
	case "count":
		return w.count
	}
	return func(ctx context.Context, key string) error { return w.set(ctx, key, value) }
}

// loop measures one window of a closed loop.
func loop(crew []worker, op, mode string, d time.Duration) (timing, error) {
	value := workload.Value(workload.Rand(1), valueSize)
	keys, err := keysFor(crew[0], op, value)
	if err != nil {
		return timing{}, err
	}
	counts, errs := make([]int, len(crew)), make([]error, len(crew))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := cpuNow()
	began := time.Now()
	var stop stopFlag
	var wg sync.WaitGroup
	for g, w := range crew {
		wg.Go(func() {
			f := call(w, op, value)
			ctx := context.Background()
			if mode == perWorker {
				var cancel context.CancelFunc
				ctx, cancel = context.WithCancel(ctx)
				defer cancel()
			}
			n := g * 7
			for ; !stop.isSet() && errs[g] == nil; n++ {
				if mode == perCall {
					ctx, cancel := context.WithTimeout(ctx, timeout)
					errs[g] = f(ctx, keys[n%len(keys)])
					cancel()
					continue
				}
				errs[g] = f(ctx, keys[n%len(keys)])
			}
			counts[g] = n - g*7
		})
	}
	time.Sleep(d)
	stop.set()
	wg.Wait()
	took := time.Since(began)
	cpu = cpuNow() - cpu
	runtime.ReadMemStats(&after)
	total := 0.0
	for g := range crew {
		if errs[g] != nil {
			return timing{}, errs[g]
		}
		total += float64(counts[g])
	}
	return timing{
		rate: total / took.Seconds(), cpu: cpu.Seconds() * 1e6 / total,
		allocs: float64(after.Mallocs-before.Mallocs) / total,
	}, nil
}
