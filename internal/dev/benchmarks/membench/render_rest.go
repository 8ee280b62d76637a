package membench

import (
	"fmt"
	"math"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

func (r *Results) renderSpace() section {
	t := report.Table{Head: []string{"implementation", "heap, bytes per entry", "resident, bytes per entry", "found", "ns per entry to fill", "forced GC, ms, median", "longest", "goroutines"}}
	for _, p := range peers.All() {
		s, ok := r.Space[p.Name]
		if !ok {
			continue
		}
		t.Add(p.Name, figure(s.Heap), figure(s.Resident), fmt.Sprintf("%.2f %%", 100*s.Found), figure(s.FillNs),
			figure(s.GC.Median()), figure(s.GC.Max()), figure(float64(s.Goroutines)))
	}
	one := func(f func(Space) report.Sample) []report.Bar {
		return present(bars(func(p peers.Peer) report.Sample {
			s, ok := r.Space[p.Name]
			if !ok {
				return nil
			}
			return f(s)
		}))
	}
	return section{t.String(), []namedPlot{
		{"space", report.Plot{Title: "Memory of 5M entries of 21 + 16 bytes", Unit: "bytes per entry", Panels: []report.Panel{
			{Title: "resident", Bars: one(func(s Space) report.Sample { return report.Sample{s.Resident} })},
			{Title: "Go heap", Bars: one(func(s Space) report.Sample { return report.Sample{s.Heap} })},
		}}},
		{"gc", report.Plot{Title: "A forced garbage collection with 5M entries", Unit: "ms", Log: true, Panels: []report.Panel{
			{Bars: one(func(s Space) report.Sample { return s.GC })},
		}}},
	}}
}

func (r *Results) renderExpiry() section {
	t := report.Table{Head: []string{"implementation", "heap when full, MiB", "released after, ms", "heap left, %", "slowest operation before, ms", "slowest after, ms", "p99.9 after, µs"}}
	for _, p := range peers.All() {
		e, ok := r.Expiry[p.Name]
		if !ok {
			continue
		}
		released := figure(e.ReleasedMs)
		if e.ReleasedMs < 0 {
			released = "not in the watch"
		}
		t.Add(p.Name, figure(e.FullMiB), released, figure(e.LeftPercent), figure(e.BeforeMaxMs), figure(e.AfterMaxMs), figure(e.AfterP999Us))
	}
	slowest := present(bars(func(p peers.Peer) report.Sample {
		e, ok := r.Expiry[p.Name]
		if !ok {
			return nil
		}
		return report.Sample{e.AfterMaxMs}
	}))
	return section{t.String(), []namedPlot{
		{"expiry", report.Plot{Title: "Slowest operation while 1M entries expire", Unit: "ms", Log: true, Panels: []report.Panel{{Bars: slowest}}}},
	}}
}

func (r *Results) renderOverwrite() section {
	t := report.Table{Head: []string{"implementation", "heap grew by, MiB", "process grew by, MiB", "ns per store"}}
	for _, p := range peers.All() {
		if o, ok := r.Overwrite[p.Name]; ok {
			t.Add(p.Name, figure(round(o.Heap)), figure(round(o.Resident)), figure(o.Ns))
		}
	}
	return section{body: t.String()}
}

// round drops what is under a hundredth.
func round(x float64) float64 { return math.Round(x*100) / 100 }

func (r *Results) renderHits() section {
	names, body := []string{}, ""
	var plots []namedPlot
	for _, p := range peers.All() {
		if _, ok := r.Hits[p.Name]; ok {
			names = append(names, p.Name)
		}
	}
	for _, capacity := range hitCapacities {
		t := report.Table{Head: append([]string{fmt.Sprintf("%d entries; hits in %%", capacity)}, names...)}
		plot := report.Plot{Title: fmt.Sprintf("Hit ratio with room for %d entries", capacity), Unit: "% of gets"}
		for _, trace := range traces {
			cells := []string{trace.Name}
			for _, name := range names {
				cells = append(cells, figure(round(r.ratio(name, trace.Name, capacity))))
			}
			t.Add(cells...)
			var list []report.Bar
			for _, name := range names {
				p, _ := peers.ByName(name)
				list = append(list, report.Bar{Label: name, Ours: p.Larder, Sample: report.Sample{r.ratio(name, trace.Name, capacity)}})
			}
			plot.Panels = append(plot.Panels, report.Panel{Title: trace.Name, Bars: list})
		}
		if !r.Quick || capacity == hitCapacities[0] {
			body += t.String() + "\n"
			plots = append(plots, namedPlot{fmt.Sprintf("hits-%d", capacity), plot})
		}
	}
	return section{body, plots}
}

func (r *Results) ratio(name, trace string, capacity int) float64 {
	for _, h := range r.Hits[name] {
		if h.Trace == trace && h.Capacity == capacity {
			return h.Percent
		}
	}
	return math.NaN()
}

func (r *Results) renderBound() section {
	t := report.Table{Head: []string{"sizes of values", "most resident / bound", "resident at the end / bound", "counted / bound", "entries", "evicted", "values stored, MB/s"}}
	for _, mix := range sizeMixes {
		if b, ok := r.Bound[mix.Name]; ok {
			t.Add(mix.Name, figure(b.Peak), figure(b.End), figure(b.Counted), figure(float64(b.Entries)), figure(float64(b.Evicted)), figure(b.MBps))
		}
	}
	return section{body: t.String()}
}

func (r *Results) renderStats() section {
	t := report.Table{Head: []string{"case", "statistic", "the cache says", "true", "off by"}}
	for _, c := range r.Stats {
		t.Add(c.Case, c.Name, fmt.Sprint(c.Got), fmt.Sprint(c.Want), fmt.Sprint(int64(c.Got-c.Want)))
	}
	return section{body: t.String()}
}
