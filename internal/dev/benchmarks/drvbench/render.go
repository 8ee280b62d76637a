package drvbench

import (
	"fmt"
	"io"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// modules are those whose versions the report names.
var modules = []string{
	"github.com/larder-go/larder", "github.com/larder-go/larder/drivers/gomemcache", "github.com/larder-go/larder/drivers/ketama",
	"github.com/bradfitz/gomemcache", "github.com/rainycape/memcache", "github.com/jackc/puddle/v2",
}

// Write replaces the sections of what was measured.
func (r *Results) Write(d report.Document) error {
	if len(r.Single) > 0 {
		if err := d.Replace("drivers-single", r.single()+r.origin()); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name, title string
		batches     []Batch
	}{{"batch", "Many keys", r.Batch}, {"dependency", "Cache dependency", r.Dependency}} {
		if len(part.batches) == 0 {
			continue
		}
		image, err := d.Plot("drivers-"+part.name, plot(part.title, part.batches))
		if err != nil {
			return err
		}
		if err := d.Replace("drivers-"+part.name, table(part.batches)+"\n"+ratios(part.batches)+r.origin()+"\n"+image); err != nil {
			return err
		}
	}
	if len(r.Eviction) > 0 {
		return d.Replace("drivers-eviction", evictionTable(r.Eviction)+r.origin())
	}
	return nil
}

// Print writes the tables.
func (r *Results) Print(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%s\n%s\n%s\n%s\n%s\n%s\n%s", r.single(),
		table(r.Batch), ratios(r.Batch), table(r.Dependency), ratios(r.Dependency), evictionTable(r.Eviction), r.origin())
	return err
}

func (r *Results) origin() string {
	versions := append([]string{r.Memcached}, r.Python...)
	versions = append(versions, report.Versions(modules)...)
	pinned := "one goroutine: not pinned"
	if r.Pinned {
		pinned = "one goroutine: client and server pinned to one core"
	}
	return fmt.Sprintf("\n`%s` (took %s in all). %s %s; %s.\n", r.Command, r.Took, r.Machine, strings.Join(versions, ", "), pinned)
}

func (r *Results) single() string {
	t := report.Table{Head: []string{
		"driver, operation, goroutines", "bare library, 1000/s", "driver, 1000/s", "ratio",
		"allocations, bare", "driver", "added CPU, µs",
	}}
	for _, s := range r.Single {
		var ratio, bare, ours, added report.Sample
		for i := range s.Bare {
			ratio = append(ratio, s.Ours[i]/s.Bare[i])
			bare, ours = append(bare, s.Bare[i]/1000), append(ours, s.Ours[i]/1000)
			added = append(added, s.OurCPU[i]-s.BareCPU[i])
		}
		t.Add(fmt.Sprintf("%s, %s, %d", s.Driver, s.Op, s.Goroutines), bare.String(), ours.String(),
			fmt.Sprintf("**%.2f** (%.2f–%.2f)", ratio.Median(), ratio.Min(), ratio.Max()),
			fmt.Sprintf("%.1f", s.BareAllocs), fmt.Sprintf("%.1f", s.OurAllocs), added.String())
	}
	return t.String()
}

// titles are the operations in words.
var titles = map[string]string{
	opSet: "set", opGet: "get", opDelete: "delete", opWire: "dependency, add", opDrop: "dependency, delete",
}

func table(batches []Batch) string {
	t := report.Table{Head: append([]string{"ms"}, contenders...)}
	for _, b := range batches {
		cells := []string{fmt.Sprintf("%s, %d keys", titles[b.Op], b.N)}
		for _, name := range contenders {
			cells = append(cells, b.Times[name].String())
		}
		t.Add(cells...)
	}
	return t.String()
}

// ratios compares the drivers with their libraries and with pylibmc, round by round.
func ratios(batches []Batch) string {
	pairs := [][2]string{
		{"larder/gomemcache", "gomemcache"}, {"larder/gomemcache", "pylibmc"},
		{"larder/ketama", "rainycape"}, {"larder/ketama", "pylibmc"},
	}
	t := report.Table{Head: []string{"ratio of times"}}
	for _, p := range pairs {
		t.Head = append(t.Head, p[0]+" : "+p[1])
	}
	for _, b := range batches {
		cells := []string{fmt.Sprintf("%s, %d keys", titles[b.Op], b.N)}
		for _, p := range pairs {
			var each report.Sample
			for i, ours := range b.Times[p[0]] {
				each = append(each, ours/b.Times[p[1]][i])
			}
			cells = append(cells, fmt.Sprintf("**%.2f** (%.2f–%.2f)", each.Median(), each.Min(), each.Max()))
		}
		t.Add(cells...)
	}
	return t.String()
}

func plot(title string, batches []Batch) report.Plot {
	p := report.Plot{Title: title, Unit: "ms"}
	for _, b := range batches {
		panel := report.Panel{Title: fmt.Sprintf("%s, %d keys", titles[b.Op], b.N)}
		for _, name := range contenders {
			panel.Bars = append(panel.Bars, report.Bar{Label: name, Sample: b.Times[name], Ours: strings.HasPrefix(name, "larder")})
		}
		p.Panels = append(p.Panels, panel)
	}
	return p
}
