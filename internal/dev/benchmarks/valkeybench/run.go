// Package valkeybench compares larder's driver for Valkey and Redis with the client library
// that it is built on and with go-redis. It starts the servers.
package valkeybench

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
)

// Options say what to measure.
type Options struct {
	Parts []string
	Quick bool
	Log   io.Writer
}

// Parts are the names of the parts, in the order in which they run.
func Parts() []string { return []string{"single", "batch", "dependency", "near"} }

// A Row is one operation and what it came to for each client, round by round.
type Row struct {
	Op    string
	N     int                      // goroutines, or keys
	Times map[string]report.Sample // µs of a call among N goroutines, or ms of a call with N keys
	// Allocs are allocations of a call.
	Allocs map[string]float64
}

// Results are all that was measured; a part that did not run is empty.
type Results struct {
	Command, Machine, Took, Server string
	Single, Batch, Dependency      []Row
	Near                           []Row
	Stale                          []Stale
}

const (
	valueSize  = 128
	singleKeys = 1000
)

// Run measures the parts one after the other.
func Run(o Options) (*Results, error) {
	r := &Results{Server: version()}
	for _, part := range o.Parts {
		began := time.Now()
		run, ok := map[string]func(Options) error{
			"single": r.runSingle, "batch": r.runBatch, "dependency": r.runDependency, "near": r.runNear,
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

// with calls f with the clients on a new server.
func with(f func(clients map[string]client) error) (err error) {
	s, err := startServer(false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	ours, err := newLarder(valkey.Config{Servers: []string{s.addr}})
	if err != nil {
		return err
	}
	b, err := newBare(s.addr)
	if err != nil {
		return err
	}
	clients := map[string]client{nameLarder: ours, nameBare: b, nameRedis: newGoRedis(s.addr)}
	for _, c := range clients {
		defer func() { err = errors.Join(err, c.close()) }()
	}
	return f(clients)
}

// turns has the named clients take turns, round after round, in a changing order. A first
// round does not count.
func turns(row Row, names []string, rounds int, measure func(name string) (took, allocs float64, err error)) (Row, error) {
	row.Times, row.Allocs = map[string]report.Sample{}, map[string]float64{}
	for round := range rounds + 1 {
		for i := range names {
			name := names[(i+round)%len(names)]
			took, allocs, err := measure(name)
			if err != nil {
				return row, fmt.Errorf("%s, %s, %d: %w", name, row.Op, row.N, err)
			}
			if round > 0 {
				row.Times[name] = append(row.Times[name], took)
				row.Allocs[name] = allocs
			}
		}
	}
	return row, nil
}

func rounds(o Options) int {
	if o.Quick {
		return 2
	}
	return 11
}

func (r *Results) runSingle(o Options) error {
	return with(func(clients map[string]client) error {
		value := workload.Value(workload.Rand(1), valueSize)
		keys := make([]string, singleKeys)
		for i := range keys {
			keys[i] = workload.Key(i)
		}
		if err := clients[nameBare].setAll(valuesOf(keys, value)); err != nil {
			return err
		}
		for _, goroutines := range []int{1, 8, 64} {
			for _, op := range []string{"get", "set"} {
				row, err := turns(Row{Op: op, N: goroutines}, names, rounds(o), func(name string) (float64, float64, error) {
					c := clients[name]
					call := c.get
					if op == "set" {
						call = func(key string) error { return c.set(key, value) }
					}
					return timeSingle(call, keys, goroutines, 200*time.Millisecond)
				})
				if err != nil {
					return err
				}
				r.Single = append(r.Single, row)
			}
		}
		return nil
	})
}

// callsOfClock is the number of calls after each reading of the clock, which takes as long as
// half a get from memory.
const callsOfClock = 16

// timeSingle returns the time and the allocations of a call, while so many goroutines call.
func timeSingle(call func(key string) error, keys []string, goroutines int, d time.Duration) (took, allocs float64, err error) {
	counts, errs := make([]int, goroutines), make([]error, goroutines)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			n, key := 0, g*7
			var err error
			for err == nil && (n%callsOfClock != 0 || time.Since(began) < d) {
				err = call(keys[key])
				n++
				if key++; key == len(keys) {
					key = 0
				}
			}
			counts[g], errs[g] = n, err
		})
	}
	wg.Wait()
	passed := time.Since(began)
	runtime.ReadMemStats(&after)
	total := 0
	for _, n := range counts {
		total += n
	}
	return passed.Seconds() * 1e6 / float64(total), float64(after.Mallocs-before.Mallocs) / float64(total), errors.Join(errs...)
}

func (r *Results) runBatch(o Options) error {
	return with(func(clients map[string]client) error {
		value := workload.Value(workload.Rand(1), valueSize)
		for _, n := range []int{100, 1000, 10_000} {
			keys := keysOf("b", n)
			values := valuesOf(keys, value)
			for _, op := range []string{"set", "get"} {
				row, err := turns(Row{Op: op, N: n}, names, rounds(o), func(name string) (float64, float64, error) {
					c := clients[name]
					return timeBatch(max(1, 10_000/n), func() error {
						if op == "set" {
							return c.setAll(values)
						}
						found, err := c.getAll(keys)
						if err == nil && found != n {
							err = fmt.Errorf("%d of %d keys were found", found, n)
						}
						return err
					})
				})
				if err != nil {
					return err
				}
				r.Batch = append(r.Batch, row)
			}
		}
		return nil
	})
}

// timeBatch returns the time of a call in ms, and its allocations.
func timeBatch(repeat int, call func() error) (took, allocs float64, err error) {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began := time.Now()
	for range repeat {
		if err := call(); err != nil {
			return 0, 0, err
		}
	}
	passed := time.Since(began)
	runtime.ReadMemStats(&after)
	return passed.Seconds() * 1e3 / float64(repeat), float64(after.Mallocs-before.Mallocs) / float64(repeat), nil
}

func keysOf(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = prefix + strconv.Itoa(i)
	}
	return keys
}

func valuesOf(keys []string, value []byte) map[string][]byte {
	values := make(map[string][]byte, len(keys))
	for _, key := range keys {
		values[key] = value
	}
	return values
}

// The two ways to run the scripts.
const (
	nameGroups = "128 keys in a script"
	nameEach   = "a script for each key"
)

// runDependency compares scripts for many keys with one script a key, which a cluster
// needs: the second one is a cluster of one node.
func (r *Results) runDependency(o Options) (err error) {
	clients := map[string]*larder{}
	for name, cluster := range map[string]bool{nameGroups: false, nameEach: true} {
		s, err := startServer(cluster)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		c, err := newLarder(valkey.Config{Servers: []string{s.addr}, Cluster: cluster})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		clients[name] = c
	}
	value := workload.Value(workload.Rand(1), valueSize)
	for _, n := range []int{1000, 10_000} {
		keys := keysOf("d", n)
		values := valuesOf(keys, value)
		for _, op := range []string{"add", "delete"} {
			row, err := turns(Row{Op: "dependency, " + op, N: n}, []string{nameGroups, nameEach}, rounds(o), func(name string) (float64, float64, error) {
				c := clients[name]
				if err := c.setAll(values); err != nil {
					return 0, 0, err
				}
				add := func() error { return c.deps.AddMulti(ctx, "master", keys) }
				drop := func() error { return c.deps.Delete(ctx, "master") }
				first, second := add, drop
				if op == "delete" {
					first, second = drop, func() error { return nil }
					if err := add(); err != nil {
						return 0, 0, err
					}
				}
				took, allocs, err := timeBatch(1, first)
				return took, allocs, errors.Join(err, second())
			})
			if err != nil {
				return err
			}
			r.Dependency = append(r.Dependency, row)
		}
	}
	return nil
}
