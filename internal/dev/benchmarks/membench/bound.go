package membench

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/larder-go/larder/memory"

	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Bound is the memory of the process with max_bytes, in parts of the bound.
type Bound struct {
	Peak    float64 // the most that was ever resident, without what was before
	End     float64 // what is resident at the end, free memory given back
	Counted float64 // Stats.Bytes at the end
	Entries uint64
	Evicted uint64
	MBps    float64 // of values stored
}

// sizeMix draws the sizes of values; done is the part of the run that is over.
type sizeMix struct {
	Name string
	size func(r *rand.Rand, done float64) int
}

func fixed(n int) func(*rand.Rand, float64) int {
	return func(*rand.Rand, float64) int { return n }
}

var sizeMixes = []sizeMix{
	{"1 B", fixed(1)},
	{"100 B", fixed(100)},
	{"1 KiB", fixed(1 << 10)},
	{"64 KiB", fixed(64 << 10)},
	{"1 MiB", fixed(1 << 20)},
	{"1 B to 1 MiB, each magnitude alike", func(r *rand.Rand, _ float64) int {
		return int(math.Exp2(r.Float64() * 20))
	}},
	{"1 B to 16 KiB, uniform", func(r *rand.Rand, _ float64) int { return 1 + r.IntN(16<<10) }},
	{"9 of 10 32 B, the others 64 KiB", func(r *rand.Rand, _ float64) int {
		if r.IntN(10) == 0 {
			return 64 << 10
		}
		return 32
	}},
	{"64 B, then 256 KiB, then 1 KiB", func(_ *rand.Rand, done float64) int {
		switch {
		case done < 1.0/3:
			return 64
		case done < 2.0/3:
			return 256 << 10
		}
		return 1 << 10
	}},
}

const (
	boundBytes = 256 << 20
	boundTurns = 4       // how often the bound's worth of values is stored
	boundKeys  = 4 << 20 // drawn from as many
	boundOps   = 6_000_000
)

func runBound(j Job) (any, error) {
	var mix sizeMix
	for _, m := range sizeMixes {
		if m.Name == j.Mix {
			mix = m
		}
	}
	if mix.size == nil {
		return nil, fmt.Errorf("unknown mix %q", j.Mix)
	}
	bound := float64(boundBytes)
	if j.Quick {
		bound /= 4
	}
	// Made beforehand, so that all the garbage of the run is the cache's own.
	source := workload.Value(workload.Rand(1), 1<<20)
	r := workload.Rand(j.Seed)
	keys, err := workload.DrawOutside(boundKeys, workload.Uniform(r, boundKeys))
	if err != nil {
		return nil, err
	}
	runtime.GC()
	debug.FreeOSMemory()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil { // resets VmHWM
		return nil, err
	}
	before, err := processMemory("VmRSS:")
	if err != nil {
		return nil, err
	}
	c, err := memory.New(memory.Config{MaxBytes: int64(bound)})
	if err != nil {
		return nil, err
	}
	ctx := context.Background()
	total, want, ops := 0.0, boundTurns*bound, 0
	maxOps := boundOps
	if j.Quick {
		maxOps /= 4
	}
	began := time.Now()
	for total < want && ops < maxOps {
		done := max(total/want, float64(ops)/float64(maxOps))
		size := mix.size(r, done)
		if err := c.Set(ctx, keys.At(ops%keys.Len()), source[:size], longTTL); err != nil {
			return nil, err
		}
		total += float64(size)
		ops++
	}
	took := time.Since(began)
	peak, err := processMemory("VmHWM:")
	if err != nil {
		return nil, err
	}
	runtime.GC()
	debug.FreeOSMemory()
	end, err := processMemory("VmRSS:")
	if err != nil {
		return nil, err
	}
	stats, err := c.Stats(ctx)
	if err != nil {
		return nil, err
	}
	return Bound{
		Peak: (peak - before) / bound, End: (end - before) / bound, Counted: float64(stats.Bytes) / bound,
		Entries: stats.Entries, Evicted: stats.EvictionsBySize, MBps: total / 1e6 / took.Seconds(),
	}, c.Close()
}
