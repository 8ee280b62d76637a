package membench

import (
	"errors"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

var errLost = errors.New("a key that was just stored is not there")

// trace is a row of requests, by the number of the key.
type trace struct {
	Name string
	make func(n, capacity int, seed uint64) []int
}

// universe is the number of keys that the popular ones are drawn from, in capacities.
const universe = 20

var traces = []trace{
	{"zipf 0.8", zipfTrace(0.8)},
	{"zipf 1.0", zipfTrace(1.0)},
	{"zipf 1.2", zipfTrace(1.2)},
	{"scan through zipf", scanTrace},
	{"loop", loopTrace},
	{"shifting hot set", shiftTrace},
}

func zipfTrace(s float64) func(n, capacity int, seed uint64) []int {
	return func(n, capacity int, seed uint64) []int {
		next := workload.NewZipf(universe*capacity, s).Draw(workload.Rand(seed))
		ids := make([]int, n)
		for i := range ids {
			ids[i] = next()
		}
		return ids
	}
}

// scanTrace is zipf 1.0 in which each fourth stretch of two capacities is a scan of
// keys that come once.
func scanTrace(n, capacity int, seed uint64) []int {
	ids := zipfTrace(1.0)(n, capacity, seed)
	fresh := universe * capacity
	for i := range ids {
		if i/(2*capacity)%4 == 3 {
			ids[i] = fresh
			fresh++
		}
	}
	return ids
}

// loopTrace asks for one and a half capacities of keys in turn.
func loopTrace(n, capacity int, _ uint64) []int {
	ids := make([]int, n)
	for i := range ids {
		ids[i] = i % (capacity * 3 / 2)
	}
	return ids
}

// shiftTrace asks a hot set of half a capacity in 4 of 5 requests and anything in the
// others. After ten capacities of requests the hot set is another.
func shiftTrace(n, capacity int, seed uint64) []int {
	r := workload.Rand(seed)
	ids := make([]int, n)
	for i := range ids {
		if r.IntN(5) == 0 {
			ids[i] = r.IntN(universe * capacity)
		} else {
			ids[i] = i/(10*capacity)*capacity/2%(universe*capacity) + r.IntN(capacity/2)
		}
	}
	return ids
}

var hitCapacities = []int{10_000, 50_000}

// HitRatio is the result of one trace, in percent.
type HitRatio struct {
	Trace    string
	Capacity int
	Percent  float64
}

func runHits(j Job) (any, error) {
	p, err := peer(j.Peer)
	if err != nil {
		return nil, err
	}
	capacities := hitCapacities
	if j.Quick {
		capacities = capacities[:1]
	}
	var ratios []HitRatio
	for _, capacity := range capacities {
		requests := max(1_000_000, 40*capacity)
		if j.Quick {
			requests /= 2
		}
		for _, t := range traces {
			ids := t.make(requests, capacity, j.Seed)
			ratios = append(ratios, HitRatio{t.Name, capacity, replay(p, ids, capacity)})
		}
	}
	return ratios, nil
}

// replay asks a cache of that capacity for each key and stores those it lacks. The
// first quarter of the requests is not counted.
func replay(p peers.Peer, ids []int, capacity int) float64 {
	c := p.New(peers.Sizing{
		Entries: capacity, Bounded: true, KeySize: workload.KeySize, ValueSize: spaceValueSize, TTL: longTTL, Inline: true,
	})
	defer c.Close()
	w := c.Worker()
	value := workload.Value(workload.Rand(1), spaceValueSize)
	counted, hits := 0, 0
	for i, id := range ids {
		key := workload.Key(id)
		hit := w.Get(key) != nil
		if !hit {
			w.Set(key, value)
		}
		if i < len(ids)/4 {
			continue
		}
		counted++
		if hit {
			hits++
		}
	}
	return 100 * float64(hits) / float64(counted)
}
