package membench

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// targets are the ratios to the fastest peer that larder sets itself.
var targets = map[string]float64{
	"get, 10k": 0.6, "get, zipf": 0.6, "get, uniform": 0.6, "get, absent": 1,
	"90/10, zipf": 0.7, "overwrite, 10k": 1, "overwrite, zipf": 1,
	"add, present": 0.5, "increment": 0.7,
}

func (r *Results) renderSpeed() section {
	var s section
	var b strings.Builder
	for _, procs := range processors {
		fmt.Fprintf(&b, "\n### GOMAXPROCS=%d\n\n", procs)
		b.WriteString(r.ratios(procs).String())
		b.WriteString("\n" + r.speedTable(procs).String())
	}
	b.WriteString("\n### Allocations per operation\n\n" + r.allocations().String())
	if notes := r.unfound(); notes != "" {
		b.WriteString("\n" + notes)
	}
	b.WriteString("\n" + r.disturbed())
	s.body = b.String()
	for _, row := range speedRows {
		plot := report.Plot{Title: row.Name, Unit: "ns per operation"}
		for _, procs := range processors {
			plot.Panels = append(plot.Panels, report.Panel{
				Title: fmt.Sprintf("GOMAXPROCS=%d", procs),
				Bars:  r.speedBars(procs, row.Name),
			})
		}
		name := "speed-" + strings.NewReplacer(", ", "-", "/", "-", "+", "-").Replace(row.Name)
		s.plots = append(s.plots, namedPlot{name, plot})
	}
	return s
}

// speedBars has a bar for each implementation that was measured, be it that it cannot
// do what the row asks for.
func (r *Results) speedBars(procs int, row string) []report.Bar {
	list := bars(func(p peers.Peer) report.Sample { return r.speed(procs, p.Name, row) })
	return slices.DeleteFunc(list, func(b report.Bar) bool { return len(r.Speed[procs][b.Label]) == 0 })
}

func (r *Results) speed(procs int, peer, row string) report.Sample {
	cell := r.Speed[procs][peer][row]
	if cell == nil {
		return nil
	}
	return cell.Ns
}

// ratios compares larder with the fastest peer of each row.
func (r *Results) ratios(procs int) report.Table {
	t := report.Table{Head: []string{"row", "fastest peer", "its ns", "larder ns", "ratio", "target"}}
	for _, row := range speedRows {
		best, name := math.Inf(1), ""
		for _, p := range peers.All() {
			if ns := r.speed(procs, p.Name, row.Name).Median(); isPeer(p) && ns < best {
				best, name = ns, p.Name
			}
		}
		theirs, ours := r.speed(procs, name, row.Name), r.speed(procs, "larder", row.Name)
		if len(theirs) == 0 || len(ours) == 0 {
			continue
		}
		var each report.Sample // the ratio in each pass, for its spread
		for i := range min(len(theirs), len(ours)) {
			each = append(each, ours[i]/theirs[i])
		}
		ratio := fmt.Sprintf("**%.2f** (%.2f–%.2f)", ours.Median()/theirs.Median(), each.Min(), each.Max())
		target := "-"
		if limit, ok := targets[row.Name]; ok {
			target = fmt.Sprintf("<= %.1f", limit)
		}
		t.Add(row.Name, name, theirs.String(), ours.String(), ratio, target)
	}
	return t
}

func (r *Results) speedTable(procs int) report.Table {
	t := report.Table{Head: []string{"ns per operation"}}
	for _, row := range speedRows {
		t.Head = append(t.Head, row.Name)
	}
	for _, p := range append(peers.All(), peers.Idle) {
		if len(r.Speed[procs][p.Name]) == 0 {
			continue
		}
		cells := []string{p.Name}
		for _, row := range speedRows {
			cells = append(cells, r.speed(procs, p.Name, row.Name).String())
		}
		t.Add(cells...)
	}
	return t
}

func (r *Results) allocations() report.Table {
	t := report.Table{Head: []string{"GOMAXPROCS=1"}}
	for _, row := range speedRows {
		t.Head = append(t.Head, row.Name)
	}
	for _, p := range peers.All() {
		cells := []string{p.Name}
		for _, row := range speedRows {
			cell := r.Speed[1][p.Name][row.Name]
			if cell == nil {
				cells = append(cells, "-")
				continue
			}
			cells = append(cells, fmt.Sprintf("%.1f", math.Abs(cell.Allocs)))
		}
		if len(r.Speed[1][p.Name]) > 0 {
			t.Add(cells...)
		}
	}
	return t
}

// unfound names the rows in which gets of stored keys missed: such a row says less.
func (r *Results) unfound() string {
	var notes []string
	for _, procs := range processors {
		for _, p := range peers.All() {
			for _, row := range speedRows {
				cell := r.Speed[procs][p.Name][row.Name]
				if cell != nil && row.Keys != absentKeys && cell.Hits >= 0 && cell.Hits < 0.9995 {
					notes = append(notes, fmt.Sprintf("%s, %s, GOMAXPROCS=%d: %.1f %%", p.Name, row.Name, procs, 100*cell.Hits))
				}
			}
		}
	}
	if len(notes) == 0 {
		return "Every get of a stored key found it.\n"
	}
	return "Gets that found the key, where not all did: " + strings.Join(notes, "; ") + ".\n"
}

// disturbed says how quiet the machine was.
func (r *Results) disturbed() string {
	all, disturbed := 0, 0
	for _, procs := range processors {
		for _, rows := range r.Speed[procs] {
			for _, cell := range rows {
				for _, part := range cell.Others {
					all++
					if part > maxOthers {
						disturbed++
					}
				}
			}
		}
	}
	return fmt.Sprintf("In %d of %d measurements the rest of the machine used more than %.0f %% of the processors.\n", disturbed, all, 100*maxOthers)
}
