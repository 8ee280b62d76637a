package nativebench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// Options say what to measure.
type Options struct {
	Parts []string
	Only  []string // clients; all if empty
	Quick bool
	Log   io.Writer
}

func (o *Options) wants(name string) bool {
	return len(o.Only) == 0 || slices.Contains(o.Only, name)
}

// Parts are the names of the parts, in the order in which they run.
func Parts() []string { return []string{"closed", "batches", "latency", "frozen"} }

// Results are all that was measured; a part that did not run is empty.
type Results struct {
	Command, Machine, Took string
	Closed                 []Closed
	Batches                []Batch
	Latency                []Latency
	Frozen                 *Frozen
}

// Run measures the parts one after the other.
func Run(o Options) (*Results, error) {
	r := &Results{}
	for _, part := range o.Parts {
		began := time.Now()
		run, ok := map[string]func(Options) error{
			"closed": r.runClosed, "batches": r.runBatches, "latency": r.runLatency, "frozen": r.runFrozen,
		}[part]
		if !ok {
			return nil, fmt.Errorf("unknown part %q; there are: %s", part, strings.Join(Parts(), ", "))
		}
		if err := run(o); err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Log, "%s: %s\n", part, time.Since(began).Round(time.Second))
	}
	return r, nil
}
