// Package membench compares caches in the process. Each implementation runs in a new
// process for each pass. The passes alternate between the implementations, so that a
// disturbance of the machine affects all of them alike.
package membench

import (
	"fmt"

	"github.com/larder-go/larder/internal/dev/benchmarks/child"
)

// Job is the measurement of one process.
type Job struct {
	Peer  string
	Seed  uint64
	Quick bool
	Mixes bool   `json:",omitempty"` // of the part speed: only the small mixes
	Mix   string `json:",omitempty"` // of sizes, for the part bound
}

// Children are the measurements that run in separate processes.
var Children = child.Parts{
	"speed":     child.Part(runSpeed),
	"space":     child.Part(runSpace),
	"expiry":    child.Part(runExpiry),
	"overwrite": child.Part(runOverwrite),
	"hits":      child.Part(runHits),
	"bound":     child.Part(runBound),
	"stats":     child.Part(runStats),
	"beside":    child.Part(runBeside),
	"churn":     child.Part(runChurn),
}

// spawn does the job in a new process, with that many processors.
func spawn[T any](part string, j Job, procs int) (T, error) {
	result, err := child.Spawn[T](part, j, child.Place{Procs: procs})
	if err != nil {
		err = fmt.Errorf("%s: %w", j.Peer, err)
	}
	return result, err
}
