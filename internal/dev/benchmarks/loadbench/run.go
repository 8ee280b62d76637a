// Package loadbench compares reading through a cache with package load with what programs
// do by hand, with the loaders of caches in the process and with one for Redis, and measures
// invalidations. It starts the servers that it needs.
package loadbench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// Options say what to measure.
type Options struct {
	Parts []string
	Quick bool
	Log   io.Writer
}

// Parts are the names of the parts, in the order in which they run.
func Parts() []string { return []string{"hits", "redis", "invalidate"} }

// A Row is one way to do something, and what it came to, round by round.
type Row struct {
	Group    string // rows of a group are compared with its first one
	Name     string
	Times    report.Sample // of a call, in the unit of the table
	Allocs   float64       // of a call
	Commands int           // to delete, that the server received for a call
}

// Results are all that was measured; a part that did not run is empty.
type Results struct {
	Command, Machine, Took, Server string
	Hits, Redis, Invalidations     []Row
}

// Run measures the parts one after the other.
func Run(o Options) (*Results, error) {
	r := &Results{Server: versions()}
	for _, part := range o.Parts {
		began := time.Now()
		run, ok := map[string]func(Options) error{"hits": r.runHits, "redis": r.runRedis, "invalidate": r.runInvalidations}[part]
		if !ok {
			return nil, fmt.Errorf("unknown part %q; there are: %s", part, strings.Join(Parts(), ", "))
		}
		if err := run(o); err != nil {
			return nil, fmt.Errorf("%s: %w", part, err)
		}
		fmt.Fprintf(o.Log, "%s: %s\n", part, time.Since(began).Round(time.Second))
	}
	return r, nil
}

var ctx = context.Background()

// A way is one way to do something.
type way struct {
	name string
	do   func(i int) error
}

// turns has ways take turns, round after round, in a changing order. A first round does not
// count. Each turn lasts d.
func turns(group string, ways []way, rounds int, d time.Duration) ([]Row, error) {
	rows := make([]Row, len(ways))
	for round := range rounds + 1 {
		for i := range ways {
			n := (i + round) % len(ways)
			took, allocs, err := timed(ways[n].do, d)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", group, ways[n].name, err)
			}
			rows[n].Group, rows[n].Name, rows[n].Allocs = group, ways[n].name, allocs
			if round > 0 {
				rows[n].Times = append(rows[n].Times, took)
			}
		}
	}
	return rows, nil
}

// timed calls do for d, and returns the ns and the allocations of a call.
func timed(do func(i int) error, d time.Duration) (ns, allocs float64, err error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	calls := 0
	began := time.Now()
	for time.Since(began) < d {
		for range 100 { // reading the clock takes about as long as a hit
			if err := do(calls); err != nil {
				return 0, 0, err
			}
			calls++
		}
	}
	passed := time.Since(began)
	runtime.ReadMemStats(&after)
	return float64(passed) / float64(calls), float64(after.Mallocs-before.Mallocs) / float64(calls), nil
}

var errLoaded = errors.New("a value was loaded that was to be in the cache")
