package membench

import (
	"testing"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// TestRows runs every row for a moment on every implementation that has it.
func TestRows(t *testing.T) {
	const entries = 1 << 12
	for _, p := range append(peers.All(), peers.Idle) {
		c := p.New(peers.Sizing{Entries: entries, KeySize: workload.KeySize, ValueSize: valueSize, Overwrites: 1 << 18, TTL: longTTL})
		fill(c, entries, valueSize, set)
		r := workload.Rand(1)
		present := []workload.Sequence{workload.Draw(chunk, workload.Uniform(r, entries))}
		missing := []workload.Sequence{workload.Draw(chunk, workload.Absent(r, entries))}
		for _, row := range speedRows {
			keys := present
			if row.Keys == absentKeys || row.Keys == absentSmall {
				keys = missing
			}
			if row.Count {
				keys = []workload.Sequence{workload.Draw(chunk, workload.Uniform(r, smallEntries))}
			}
			timing, ok := timeRow(p, c, row, keys, 100*time.Microsecond, 200*time.Microsecond) // not so long that all Overwrites are used
			if !ok || p.Name == peers.Idle.Name {
				continue
			}
			want := 1.0
			if row.Keys == absentKeys || row.Keys == absentSmall {
				want = 0
			}
			if timing.Ns <= 0 || timing.Hits >= 0 && timing.Hits != want {
				t.Errorf("%s, %s: %v ns, hits %v; want more than 0, and %v", p.Name, row.Name, timing.Ns, timing.Hits, want)
			}
		}
		c.Close()
	}
}

func TestTraces(t *testing.T) {
	const capacity = 1000
	lru, _ := peers.ByName("lru-expirable")
	want := map[string][2]float64{ // what an LRU must reach
		"zipf 0.8": {15, 60}, "zipf 1.0": {45, 80}, "zipf 1.2": {75, 97},
		"scan through zipf": {30, 60}, "loop": {0, 0}, "shifting hot set": {60, 85},
	}
	for _, trace := range traces {
		got := replay(lru, trace.make(40*capacity, capacity, 1), capacity)
		if limits := want[trace.Name]; got < limits[0] || got > limits[1] {
			t.Errorf("%s: an LRU hits %.1f %%, want %v", trace.Name, got, limits)
		}
	}
}

func TestStatistics(t *testing.T) {
	for _, run := range []func(int) ([]Count, error){statsOfTraffic, statsOfEviction, statsOfExpiry} {
		counts, err := run(5000)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range counts {
			if c.Got != c.Want {
				t.Errorf("%s: %s: %d, want %d", c.Case, c.Name, c.Got, c.Want)
			}
		}
	}
}

func TestTop(t *testing.T) {
	slow := []time.Duration{2 * time.Millisecond, 5 * time.Microsecond, 3 * time.Microsecond}
	if maxMs, p999 := top(slow, 2000); maxMs != 2 || p999 != 5 {
		t.Errorf("of 2,000: %v ms, %v µs; want 2 and 5", maxMs, p999)
	}
	if _, p999 := top(slow, 10_000); p999 != 1 {
		t.Errorf("of 10,000: %v µs, want 1", p999)
	}
}
