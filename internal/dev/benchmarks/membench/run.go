package membench

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// Options say what to measure.
type Options struct {
	Parts  []string
	Only   []string // names of implementations; empty: all
	Quick  bool     // fewer passes, shorter rows, smaller caches: a smoke test
	Passes int      // of the speed part; 0: 5, or 1 if Quick
	Log    io.Writer
}

// Parts are the names of the parts, in the order in which they run.
func Parts() []string {
	return []string{"speed", "mixes", "space", "expiry", "overwrite", "churn", "hits", "bound", "beside", "stats"}
}

// Results are all that was measured; a part that did not run is nil.
type Results struct {
	Command   string
	Machine   string
	Took      string
	Quick     bool
	Speed     map[int]map[string]map[string]*SpeedCell // by processors, implementation, row
	Mixes     map[int]map[string]map[string]*SpeedCell // rows of small mixes alone
	Space     map[string]Space
	Expiry    map[string]Expiry
	Overwrite map[string]Overwrite
	Churn     map[string][]Churn
	Beside    map[string]Beside
	Hits      map[string][]HitRatio
	Bound     map[string]Bound
	Stats     []Count
}

// SpeedCell is one row of one implementation; one figure for each pass.
type SpeedCell struct {
	Ns     report.Sample
	Allocs float64
	Hits   float64 // the fewest of all passes
	Others report.Sample

	Garbage float64 // bytes allocated per operation
}

// processors are the values of GOMAXPROCS that are measured.
var processors = []int{1, 2}

// Run measures the parts one after the other.
func Run(o Options) (*Results, error) {
	if o.Passes == 0 {
		o.Passes = 5
		if o.Quick {
			o.Passes = 1
		}
	}
	results := &Results{Quick: o.Quick}
	for _, part := range o.Parts {
		began := time.Now()
		run, ok := map[string]func(*Results, Options) error{
			"speed": (*Results).runSpeed, "mixes": (*Results).runMixes, "churn": (*Results).runChurn, "beside": (*Results).runBeside, "space": (*Results).runSpace, "expiry": (*Results).runExpiry,
			"overwrite": (*Results).runOverwrite, "hits": (*Results).runHits, "bound": (*Results).runBound, "stats": (*Results).runStats,
		}[part]
		if !ok {
			return nil, fmt.Errorf("unknown part %q; there are: %s", part, strings.Join(Parts(), ", "))
		}
		if err := run(results, o); err != nil {
			return nil, err
		}
		fmt.Fprintf(o.Log, "%s: %s\n", part, time.Since(began).Round(time.Second))
	}
	return results, nil
}

// chosen returns the implementations that are asked for and fit.
func (o Options) chosen(fits func(peers.Peer) bool) []peers.Peer {
	var list []peers.Peer
	for _, p := range peers.All() {
		if (len(o.Only) == 0 || slices.Contains(o.Only, p.Name)) && fits(p) {
			list = append(list, p)
		}
	}
	return list
}

// each does one part for each implementation that fits.
func each[T any](o Options, part string, fits func(peers.Peer) bool) (map[string]T, error) {
	results := map[string]T{}
	for _, p := range o.chosen(fits) {
		r, err := spawn[T](part, Job{Peer: p.Name, Seed: 1, Quick: o.Quick}, 2)
		if err != nil {
			return nil, err
		}
		results[p.Name] = r
		fmt.Fprintf(o.Log, "%s %s: %+v\n", part, p.Name, r)
	}
	return results, nil
}

// runSpeed goes round: each pass takes every implementation with each number of
// processors once, beginning with another one each time.
func (r *Results) runSpeed(o Options) (err error) {
	r.Speed, err = speedOf(o, false)
	return err
}

func (r *Results) runMixes(o Options) (err error) {
	r.Mixes, err = speedOf(o, true)
	return err
}

func speedOf(o Options, mixes bool) (map[int]map[string]map[string]*SpeedCell, error) {
	list := append(o.chosen(func(peers.Peer) bool { return true }), peers.Idle)
	cells := map[int]map[string]map[string]*SpeedCell{}
	for _, procs := range processors {
		cells[procs] = map[string]map[string]*SpeedCell{}
		for _, p := range list {
			cells[procs][p.Name] = map[string]*SpeedCell{}
		}
	}
	for pass := range o.Passes {
		began := time.Now()
		for i := range list {
			p := list[(i+pass*len(list)/o.Passes)%len(list)]
			for _, procs := range processors {
				timings, err := spawn[[]Timing]("speed", Job{Peer: p.Name, Seed: uint64(pass + 1), Quick: o.Quick, Mixes: mixes}, procs)
				if err != nil {
					return nil, err
				}
				for _, t := range timings {
					addTiming(cells[procs][p.Name], t)
				}
			}
		}
		fmt.Fprintf(o.Log, "speed, pass %d of %d: %s\n", pass+1, o.Passes, time.Since(began).Round(time.Second))
	}
	return cells, nil
}

func (r *Results) runSpace(o Options) (err error) {
	r.Space, err = each[Space](o, "space", func(p peers.Peer) bool {
		return p.Name != "larder-cancel" && p.Name != "otter-coarse"
	})
	return err
}

func (r *Results) runExpiry(o Options) (err error) {
	r.Expiry, err = each[Expiry](o, "expiry", func(p peers.Peer) bool {
		return p.Expires && p.Name != "larder-cancel" && p.Name != "otter"
	})
	return err
}

func (r *Results) runOverwrite(o Options) (err error) {
	r.Overwrite, err = each[Overwrite](o, "overwrite", func(p peers.Peer) bool {
		return p.Name != "larder-cancel" && p.Name != "otter"
	})
	return err
}

// runChurn leaves out caches that keep every store: bigcache, and those that fill a ring.
func (r *Results) runChurn(o Options) (err error) {
	r.Churn, err = each[[]Churn](o, "churn", func(p peers.Peer) bool {
		return p.Name != "larder-cancel" && p.Name != "otter" && p.Name != "bigcache" && p.Name != "fastcache"
	})
	return err
}

func (r *Results) runBeside(o Options) (err error) {
	r.Beside, err = each[Beside](o, "beside", func(p peers.Peer) bool {
		return p.Evicts || p.Name == "larder-bytes" || p.Name == "fastcache" || p.Name == "freecache"
	})
	if err != nil {
		return err
	}
	r.Beside[peers.Idle.Name], err = spawn[Beside]("beside", Job{Peer: peers.Idle.Name, Seed: 1, Quick: o.Quick}, 2)
	fmt.Fprintf(o.Log, "beside %s: %+v\n", peers.Idle.Name, r.Beside[peers.Idle.Name])
	return err
}

func (r *Results) runHits(o Options) (err error) {
	r.Hits, err = each[[]HitRatio](o, "hits", func(p peers.Peer) bool {
		return p.Evicts && p.Name != "sturdyc" || p.Name == "larder-bytes"
	})
	return err
}

func (r *Results) runBound(o Options) error {
	r.Bound = map[string]Bound{}
	for _, mix := range sizeMixes {
		b, err := spawn[Bound]("bound", Job{Peer: "larder", Mix: mix.Name, Seed: 1, Quick: o.Quick}, 2)
		if err != nil {
			return err
		}
		r.Bound[mix.Name] = b
		fmt.Fprintf(o.Log, "bound %s: %+v\n", mix.Name, b)
	}
	return nil
}

func (r *Results) runStats(o Options) (err error) {
	r.Stats, err = spawn[[]Count]("stats", Job{Peer: "larder", Seed: 1, Quick: o.Quick}, 2)
	return err
}

func addTiming(cells map[string]*SpeedCell, t Timing) {
	cell := cells[t.Row]
	if cell == nil {
		cell = &SpeedCell{Hits: t.Hits}
		cells[t.Row] = cell
	}
	cell.Ns = append(cell.Ns, t.Ns)
	cell.Allocs, cell.Garbage = t.Allocs, t.Garbage
	cell.Others = append(cell.Others, t.Others)
	cell.Hits = min(cell.Hits, t.Hits)
}
