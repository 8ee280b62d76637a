package membench

import (
	"runtime"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Space is the memory of many small entries.
type Space struct {
	Heap       float64 // bytes per entry on the Go heap
	Resident   float64 // bytes per entry of the process
	Found      float64 // part of the entries that are there
	FillNs     float64 // per entry, both processors together
	GC         report.Sample
	Goroutines int // that run while nobody uses the cache
}

const (
	spaceEntries   = 5_000_000
	spaceValueSize = 16
	collections    = 20
	collectionTime = 10 * time.Second // then fewer collections must do
)

func runSpace(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	entries := spaceEntries
	if j.Quick {
		entries /= 5
	}
	heap, resident, err := settled()
	if err != nil {
		return nil, err
	}
	goroutines := runtime.NumGoroutine()
	began := time.Now()
	c := p.New(peers.Sizing{Entries: entries, KeySize: workload.KeySize, ValueSize: spaceValueSize, TTL: longTTL})
	fill(c, entries, spaceValueSize, set)
	s := Space{FillNs: float64(time.Since(began)) / float64(entries)}
	heapFull, residentFull, err := settled()
	if err != nil {
		return nil, err
	}
	s.Goroutines = runtime.NumGoroutine() - goroutines
	s.Heap = (heapFull - heap) / float64(entries)
	s.Resident = (residentFull - resident) / float64(entries)
	s.Found = found(c, entries)
	patience := collectionTime
	if j.Quick {
		patience /= 5
	}
	for began = time.Now(); len(s.GC) < collections && time.Since(began) < patience; {
		t := time.Now()
		runtime.GC()
		s.GC = append(s.GC, time.Since(t).Seconds()*1e3)
	}
	c.Close()
	return s, nil
}
