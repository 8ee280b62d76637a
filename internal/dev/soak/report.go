package soak

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A report counts the work of one workload, in one process or in all.
type report struct {
	Reads         int // of which every one was checked
	Hits          int // of them, values from the cache
	Loads         int
	Invalidations int            // that were confirmed
	Stale         map[string]int // stale reads by cause
	Errors        map[string]int // errors by text, without the parts that differ
	Wrong         []string       // what must not be: the first few
	WrongCount    int
}

func (r *report) add(o report) {
	r.Reads += o.Reads
	r.Hits += o.Hits
	r.Loads += o.Loads
	r.Invalidations += o.Invalidations
	r.Stale = sum(r.Stale, o.Stale)
	r.Errors = sum(r.Errors, o.Errors)
	r.Wrong = append(r.Wrong, o.Wrong...)
	r.WrongCount += o.WrongCount
}

func sum(a, b map[string]int) map[string]int {
	if a == nil {
		a = map[string]int{}
	}
	for k, n := range b {
		a[k] += n
	}
	return a
}

// String returns one line of a table.
func (r *report) String() string {
	return fmt.Sprintf("%9d reads %9d hits %8d loads %8d invalidations, stale: %s, errors: %s",
		r.Reads, r.Hits, r.Loads, r.Invalidations, list(r.Stale), list(r.Errors))
}

func list(counts map[string]int) string {
	if len(counts) == 0 {
		return "none"
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(counts[b]-counts[a], strings.Compare(a, b))
	})
	var parts []string
	for _, k := range keys {
		parts = append(parts, fmt.Sprint(counts[k], " ", k))
	}
	return strings.Join(parts, ", ")
}

// A recorder makes a report, for the goroutines of a workload.
type recorder struct {
	mu sync.Mutex
	report
}

func (r *recorder) read(hit bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Reads++
	if hit {
		r.Hits++
	}
}

func (r *recorder) loaded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Loads++
}

func (r *recorder) invalidated() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Invalidations++
}

func (r *recorder) stale(cause string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Stale = sum(r.Stale, map[string]int{cause: 1})
}

func (r *recorder) failedAs(class string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Errors = sum(r.Errors, map[string]int{class: 1})
}

func (r *recorder) wrong(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.WrongCount++; r.WrongCount <= 5 {
		r.Wrong = append(r.Wrong, fmt.Sprintf(format, args...))
	}
}
