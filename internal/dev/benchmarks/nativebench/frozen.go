package nativebench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Frozen measures the calls while a server is stopped: 64 goroutines on three servers,
// each call with a deadline. Times in µs.
type Frozen struct {
	LateP99, LateMax         float64 // of calls to the frozen server, after their deadline
	OthersBefore, OthersThen float64 // p99 of calls to the others

	Cancels                      int
	GoroutinesBefore, Goroutines int
	HeapBeforeMiB, HeapMiB       float64
	CallsToFrozen                int
}

const callDeadline = 50 * time.Millisecond

func (r *Results) runFrozen(o Options) (err error) {
	d, cancels := 4*time.Second, 1_000_000
	if o.Quick {
		d, cancels = time.Second, 20_000
	}
	var all []*servers
	defer func() {
		for _, s := range all {
			err = errors.Join(err, s.stop())
		}
	}()
	var addrs []string
	for range 3 {
		s, err := startServers("tcp")
		if err != nil {
			return err
		}
		all = append(all, s)
		addrs = append(addrs, s.memcached)
	}
	// The timeout is long, so that deadlines end the calls and not the driver.
	c, err := memcached.New(memcached.Config{Servers: addrs, Timeout: time.Hour})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	frozen, others, err := sort(c, addrs[0])
	if err != nil {
		return err
	}
	f := &Frozen{}
	before, _ := load(c, nil, others, d/2)
	f.OthersBefore = quantile(before, 0.99)
	if err := all[0].processes[0].cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	then, late := load(c, frozen, others, d)
	f.OthersThen = quantile(then, 0.99)
	f.CallsToFrozen = len(late)
	f.LateP99, f.LateMax = quantile(late, 0.99), quantile(late, 1)
	f.cancelMany(c, frozen, cancels)
	if err := all[0].processes[0].cmd.Process.Signal(syscall.SIGCONT); err != nil {
		return err
	}
	r.Frozen = f
	return nil
}

// sort stores keys and finds out which of them the given server has.
func sort(c *cache.Cache, addr string) (its, others []string, err error) {
	h, err := dialHand("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	defer h.c.Close()
	value := workload.Value(workload.Rand(1), valueSize)
	for i := range keyCount {
		key := workload.Key(i)
		if err := c.Set(context.Background(), key, value, ttl); err != nil {
			return nil, nil, err
		}
		h.out = append(append(append(h.out[:0], "mg "...), key...), "\r\n"...)
		if err := h.pipe(1, func(_ int, line, _ []byte) {
			if line[0] == 'H' {
				its = append(its, key)
			} else {
				others = append(others, key)
			}
		}); err != nil {
			return nil, nil, err
		}
	}
	if len(its) == 0 || len(others) == 0 {
		err = fmt.Errorf("%d keys on one server, %d on the others", len(its), len(others))
	}
	return its, others, err
}

// load lets 64 goroutines get keys, and returns how long those of others took, and how late
// after the deadline those of the frozen server returned.
func load(c *cache.Cache, frozen, others []string, d time.Duration) (took, late []time.Duration) {
	var mu sync.Mutex
	var stop stopFlag
	var wg sync.WaitGroup
	for g := range 64 {
		wg.Go(func() {
			var mine, behind []time.Duration
			for i := g; !stop.isSet(); i++ {
				ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
				began := time.Now()
				if frozen != nil && g%3 == 0 {
					_, _ = c.Get(ctx, frozen[i%len(frozen)])
					behind = append(behind, time.Since(began)-callDeadline)
				} else {
					_, _ = c.Get(ctx, others[i%len(others)])
					mine = append(mine, time.Since(began))
				}
				cancel()
			}
			mu.Lock()
			took, late = append(took, mine...), append(late, behind...)
			mu.Unlock()
		})
	}
	time.Sleep(d)
	stop.set()
	wg.Wait()
	return took, late
}

// cancelMany makes calls to the frozen server whose contexts end.
func (f *Frozen) cancelMany(c *cache.Cache, frozen []string, n int) {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / (1 << 20)
	}
	var left atomic.Int64
	run := func(n int) {
		left.Store(int64(n))
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				for i := g; left.Add(-1) >= 0; i++ {
					ctx, cancel := context.WithTimeout(context.Background(), 50*time.Microsecond)
					_, _ = c.Get(ctx, frozen[i%len(frozen)])
					cancel()
				}
			})
		}
		wg.Wait()
	}
	run(n / 10)
	f.GoroutinesBefore, f.HeapBeforeMiB = runtime.NumGoroutine(), heap()
	run(n)
	f.Cancels, f.Goroutines, f.HeapMiB = n, runtime.NumGoroutine(), heap()
}
