package membench

import (
	"fmt"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// The tables on the cost of a cache to its process.

func (r *Results) renderMixes() section {
	body := ""
	for _, procs := range processors {
		t := report.Table{Head: []string{fmt.Sprintf("ns per operation, GOMAXPROCS=%d", procs)}}
		for _, row := range speedRows {
			if row.isMix() {
				t.Head = append(t.Head, row.Name, "garbage, bytes")
			}
		}
		for _, p := range append(peers.All(), peers.Idle) {
			cells := []string{p.Name}
			for _, row := range speedRows {
				if !row.isMix() {
					continue
				}
				if cell := r.Mixes[procs][p.Name][row.Name]; cell != nil {
					cells = append(cells, cell.Ns.String(), figure(cell.Garbage))
				} else {
					cells = append(cells, "-", "-")
				}
			}
			if len(r.Mixes[procs][p.Name]) > 0 {
				t.Add(cells...)
			}
		}
		body += t.String() + "\n"
	}
	return section{body: body}
}

func (r *Results) renderChurn() section {
	t := report.Table{Head: []string{"implementation", "entries", "bytes per entry, resident", "after overwriting", "ratio", "of these on the heap"}}
	for _, p := range peers.All() {
		for _, c := range r.Churn[p.Name] {
			t.Add(p.Name, figure(float64(c.Entries)), figure(c.Full), figure(c.Overwritten), figure(round(c.Overwritten/c.Full)), figure(c.Heap))
		}
	}
	return section{body: t.String()}
}

func (r *Results) renderBeside() section {
	steady := report.Table{Head: []string{"implementation"}}
	for _, of := range collectors {
		steady.Head = append(steady.Head, of.Name+": GC, % of processors", "collections", "longest store, ms")
	}
	full := report.Table{Head: []string{"90/10 at full rate", "ns", "GC, % of processors", "longest store, ms"}}
	for _, p := range append(peers.All(), peers.Idle) {
		b, ok := r.Beside[p.Name]
		if !ok {
			continue
		}
		cells := []string{p.Name}
		for _, s := range b.Steady {
			cells = append(cells, figure(round(100*s.GC)), figure(float64(s.Collections)), figure(round(s.LongestMs)))
		}
		steady.Add(cells...)
		full.Add(p.Name, figure(b.FullNs), figure(round(100*b.FullGC)), figure(round(b.FullLongMs)))
	}
	return section{body: steady.String() + "\n" + full.String()}
}
