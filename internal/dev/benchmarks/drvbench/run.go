package drvbench

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/child"
)

// Options say what to measure.
type Options struct {
	Parts []string
	Quick bool
	Log   io.Writer
}

// Parts are the names of the parts, in the order in which they run.
func Parts() []string { return []string{"single", "batch", "dependency", "eviction"} }

// Results are all that was measured; a part that did not run is empty.
type Results struct {
	Command, Machine, Took string
	Memcached              string
	Python                 []string
	Pinned                 bool // the process of one goroutine was kept on one core
	Single                 []Single
	Batch                  []Batch
	Dependency             []Batch
	Eviction               []Eviction
}

// Run measures the parts one after the other.
func Run(o Options) (*Results, error) {
	r := &Results{Pinned: child.CanPin(), Memcached: memcachedVersion()}
	for _, part := range o.Parts {
		began := time.Now()
		run, ok := map[string]func(Options) error{
			"single": r.runSingle, "batch": r.runBatch, "dependency": r.runDependency, "eviction": r.runEviction,
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

func memcachedVersion() string {
	out, err := exec.Command("memcached", "-V").Output()
	if err != nil {
		return "memcached"
	}
	return strings.TrimSpace(string(out))
}

func (r *Results) runSingle(o Options) error {
	for _, goroutines := range []int{1, 64, 256} {
		place := child.Place{Procs: runtime.NumCPU()}
		if goroutines == 1 {
			place = child.Place{Procs: 1, Pinned: true}
		}
		singles, err := child.Spawn[[]Single]("single", singleJob{goroutines, o.Quick}, place)
		if err != nil {
			return err
		}
		r.Single = append(r.Single, singles...)
	}
	return nil
}

func (r *Results) runBatch(o Options) (err error) {
	r.Batch, err = r.batches(o, batchSizes, func(f *field, n, rounds int) ([]Batch, error) {
		return f.measure([]string{opSet, opGet, opDelete}, n, rounds)
	})
	return err
}

func (r *Results) runDependency(o Options) (err error) {
	r.Dependency, err = r.batches(o, dependencySizes, func(f *field, n, rounds int) ([]Batch, error) {
		list, err := f.measure([]string{opSet, opWire, opDrop}, n, rounds)
		if err != nil {
			return nil, err
		}
		return list[1:], nil // setting the keys does not belong to it
	})
	return err
}

// batches measures each size on a new server.
func (r *Results) batches(o Options, sizes []int, measure func(f *field, n, rounds int) ([]Batch, error)) (list []Batch, err error) {
	s, err := startServer()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	f, err := newField(s.addr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.python.stop()) }()
	r.Python = []string{f.python.version("pylibmc"), f.python.version("python-memcached")}
	for _, n := range sizes {
		rounds := 7
		if o.Quick {
			rounds = 2
		}
		batches, err := measure(f, n, rounds)
		if err != nil {
			return nil, err
		}
		list = append(list, batches...)
		fmt.Fprintf(o.Log, "%d keys: done\n", n)
	}
	return list, nil
}
