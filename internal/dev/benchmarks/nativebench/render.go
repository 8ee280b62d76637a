package nativebench

import (
	"fmt"
	"io"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// modules are those whose versions the report names.
var modules = []string{
	"github.com/bradfitz/gomemcache", "github.com/grafana/gomemcache", "github.com/valkey-io/valkey-go",
}

// Write replaces the sections of what was measured.
func (r *Results) Write(d report.Document) error {
	for _, s := range r.sections() {
		if s.body != "" {
			if err := d.Replace(s.name, s.body+r.origin()); err != nil {
				return err
			}
		}
	}
	return nil
}

// Print writes the tables.
func (r *Results) Print(w io.Writer) error {
	for _, s := range r.sections() {
		if _, err := fmt.Fprintln(w, s.body); err != nil {
			return err
		}
	}
	return nil
}

type section struct{ name, body string }

func (r *Results) sections() []section {
	return []section{
		{"native-closed", r.closed()}, {"native-batches", r.batches()},
		{"native-latency", r.latency()}, {"native-frozen", r.frozen()},
	}
}

func (r *Results) origin() string {
	return fmt.Sprintf("\n`%s` (took %s in all). %s %s.\n", r.Command, r.Took, r.Machine,
		strings.Join(append(versions(), report.Versions(modules)...), ", "))
}

func (r *Results) closed() string {
	if len(r.Closed) == 0 {
		return ""
	}
	names := []string{nameLarder, nameGomemcache, nameGrafana, nameValkey, nameBare}
	t := report.Table{Head: append([]string{"1,000/s"}, names...)}
	t.Head = append(t.Head, ": gomemcache", ": valkey-go", "allocations")
	for _, c := range r.Closed {
		cells := []string{fmt.Sprintf("%s, %s, %d, %s", c.Network, c.Op, c.Goroutines, c.Context)}
		for _, name := range names {
			cells = append(cells, fmt.Sprintf("%.0f", c.Rates[name].Median()/1000))
		}
		for _, other := range []string{nameGomemcache, nameValkey} {
			cells = append(cells, ratio(c.Rates[nameLarder], c.Rates[other]))
		}
		t.Add(append(cells, fmt.Sprintf("%.1f", c.Allocs[nameLarder]))...)
	}
	return t.String()
}

// ratio is that of two medians.
func ratio(a, b report.Sample) string {
	if len(a) == 0 || len(b) == 0 {
		return ""
	}
	return fmt.Sprintf("**%.2f**", a.Median()/b.Median())
}

func (r *Results) batches() string {
	if len(r.Batches) == 0 {
		return ""
	}
	t := report.Table{Head: []string{"ms", nameLarder, nameHand, nameTextual, ": by hand", ": " + nameTextual}}
	for _, b := range r.Batches {
		cells := []string{b.Op}
		for _, name := range []string{nameLarder, nameHand, nameTextual} {
			if len(b.Times[name]) == 0 {
				cells = append(cells, "")
				continue
			}
			cells = append(cells, b.Times[name].String())
		}
		t.Add(append(cells, ratio(b.Times[nameLarder], b.Times[nameHand]), ratio(b.Times[nameLarder], b.Times[nameTextual]))...)
	}
	return t.String()
}

func (r *Results) latency() string {
	if len(r.Latency) == 0 {
		return ""
	}
	t := report.Table{Head: []string{"µs", "client", "p50", "p99", "p99.9"}}
	for _, l := range r.Latency {
		t.Add(l.What, l.Client, l.P50.String(), l.P99.String(), l.P999.String())
	}
	return t.String()
}

func (r *Results) frozen() string {
	f := r.Frozen
	if f == nil {
		return ""
	}
	t := report.Table{Head: []string{"one of three servers stopped, 64 goroutines, deadlines of 50 ms", "value"}}
	t.Add("calls to it that ended with their deadline", fmt.Sprint(f.CallsToFrozen))
	t.Add("p99 of their delay after the deadline, ms", fmt.Sprintf("%.1f", f.LateP99/1e3))
	t.Add("the longest, ms", fmt.Sprintf("%.1f", f.LateMax/1e3))
	t.Add("p99 of a get on the others before, µs", fmt.Sprintf("%.0f", f.OthersBefore))
	t.Add("the same while it is stopped, µs", fmt.Sprintf("%.0f", f.OthersThen))
	t.Add("goroutines before and after "+fmt.Sprint(f.Cancels)+" canceled calls to it", fmt.Sprintf("%d, %d", f.GoroutinesBefore, f.Goroutines))
	t.Add("heap before and after them, MiB", fmt.Sprintf("%.1f, %.1f", f.HeapBeforeMiB, f.HeapMiB))
	return t.String()
}
