package membench

import (
	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Churn is the memory of entries after each was read and stored again several times.
type Churn struct {
	Entries     int
	Full        float64 // bytes per entry once all are stored, resident
	Overwritten float64 // the most after each of the rounds that follow
	Heap        float64 // of these on the Go heap, garbage collected
}

var churnSizes = []int{10_000, 100_000, 1_000_000}

const churnRounds = 5

func runChurn(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	var all []Churn
	for _, n := range churnSizes {
		if j.Quick && n > churnSizes[0] {
			break
		}
		heap, resident, err := settled()
		if err != nil {
			return nil, err
		}
		c := p.New(peers.Sizing{Entries: n, KeySize: workload.KeySize, ValueSize: valueSize, TTL: longTTL})
		fill(c, n, valueSize, set)
		_, residentFull, err := settled()
		if err != nil {
			return nil, err
		}
		churn := Churn{Entries: n, Full: (residentFull - resident) / float64(n)}
		r, w := workload.Rand(j.Seed), c.Worker()
		value := workload.Value(r, valueSize)
		for range churnRounds {
			for range n {
				key := workload.Key(r.IntN(n))
				w.Get(key)
				w.Set(key, append([]byte(nil), value...))
			}
			c.Settle()
			heapNow, residentNow, err := settled()
			if err != nil {
				return nil, err
			}
			churn.Overwritten = max(churn.Overwritten, (residentNow-resident)/float64(n))
			churn.Heap = max(churn.Heap, (heapNow-heap)/float64(n))
		}
		all = append(all, churn)
		c.Close()
	}
	return all, nil
}
