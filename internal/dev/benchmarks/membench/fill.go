package membench

import (
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// settleEvery bounds the stores that wait in the buffers of a cache that drops some
// when they are full.
const settleEvery = 4096

func peer(name string) (peers.Peer, error) {
	p, ok := peers.ByName(name)
	if !ok {
		return p, fmt.Errorf("unknown implementation %q", name)
	}
	return p, nil
}

// fill stores entries 0 to n-1, with as many goroutines as there are processors. No two
// keys or values share memory.
func fill(c peers.Cache, n, valueSize int, store func(w peers.Worker, key string, value []byte)) {
	workers := runtime.GOMAXPROCS(0)
	var wg sync.WaitGroup
	for i := range workers {
		wg.Go(func() {
			w := c.Worker()
			r := workload.Rand(uint64(i))
			stored := 0
			for id := i; id < n; id += workers {
				store(w, workload.Key(id), workload.Value(r, valueSize))
				if stored++; stored%settleEvery == 0 {
					c.Settle()
				}
			}
		})
	}
	wg.Wait()
	c.Settle()
}

func set(w peers.Worker, key string, value []byte) { w.Set(key, value) }

// found returns which part of sampled entries 0 to n-1 are there.
func found(c peers.Cache, n int) float64 {
	const samples = 100_000
	w, r := c.Worker(), workload.Rand(9)
	hits := 0
	for range samples {
		if w.Get(workload.Key(r.IntN(n))) != nil {
			hits++
		}
	}
	return float64(hits) / samples
}

// errNoRSS is for systems without /proc.
var errNoRSS = errors.New("the resident size of a process is read from /proc, which this system lacks")

// settled collects garbage until nothing more goes, gives free memory back, and
// returns the heap and the resident size in bytes.
func settled() (heap, resident float64, err error) {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	debug.FreeOSMemory()
	resident, err = processMemory("VmRSS:")
	return float64(m.HeapAlloc), resident, err
}
