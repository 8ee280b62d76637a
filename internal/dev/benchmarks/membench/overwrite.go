package membench

import (
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Overwrite is the cost of storing to one key again and again.
type Overwrite struct {
	Heap     float64 // MiB that the heap grew by
	Resident float64 // MiB that the process grew by
	Ns       float64 // per store, one goroutine
}

const overwrites = 10_000_000

func runOverwrite(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	n := overwrites
	if j.Quick {
		n /= 10
	}
	c := p.New(peers.Sizing{Entries: smallEntries, KeySize: workload.KeySize, ValueSize: valueSize, TTL: longTTL})
	w := c.Worker()
	key := workload.Key(1)
	values := workload.Values(workload.Rand(j.Seed), 64, valueSize)
	for i := range 1000 {
		w.Set(key, values[i%len(values)])
	}
	heap, resident, err := settled()
	if err != nil {
		return nil, err
	}
	began := time.Now()
	for i := range n {
		w.Set(key, values[i%len(values)])
	}
	took := time.Since(began)
	c.Settle()
	heapAfter, residentAfter, err := settled()
	if err != nil {
		return nil, err
	}
	if w.Get(key) == nil {
		return nil, errLost
	}
	c.Close()
	return Overwrite{(heapAfter - heap) / (1 << 20), (residentAfter - resident) / (1 << 20), float64(took) / float64(n)}, nil
}
