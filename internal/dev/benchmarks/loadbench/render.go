package loadbench

import (
	"fmt"
	"io"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

var modules = []string{
	"github.com/larder-go/larder", "github.com/larder-go/larder/drivers/memcached",
	"github.com/larder-go/larder/drivers/valkey", "github.com/go-redis/cache/v9", "github.com/redis/go-redis/v9",
	"github.com/maypok86/otter/v2", "github.com/viccon/sturdyc",
}

// Write replaces the sections of what was measured.
func (r *Results) Write(d report.Document) error {
	for name, text := range r.sections() {
		if err := d.Replace("load-"+name, text+r.origin()); err != nil {
			return err
		}
	}
	return nil
}

// Print writes the tables.
func (r *Results) Print(w io.Writer) error {
	for _, text := range r.sections() {
		if _, err := fmt.Fprintln(w, text); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(w, r.origin())
	return err
}

// sections are the tables of what was measured.
func (r *Results) sections() map[string]string {
	s := map[string]string{}
	if len(r.Hits) > 0 {
		t := report.Table{Head: []string{"a hit", "ns", "time of load, relative to this", "allocations"}}
		for _, row := range r.Hits {
			t.Add(row.Group+"; "+row.Name, row.Times.String(), relative(r.Hits, row), fmt.Sprintf("%.0f", row.Allocs))
		}
		s["hits"] = t.String()
	}
	if len(r.Redis) > 0 {
		t := report.Table{Head: []string{"on Redis", "µs", "time of load, relative to this"}}
		for _, row := range r.Redis {
			µs := make(report.Sample, len(row.Times))
			for i, ns := range row.Times {
				µs[i] = ns / 1000
			}
			t.Add(row.Group+"; "+row.Name, µs.String(), relative(r.Redis, row))
		}
		s["redis"] = t.String()
	}
	if len(r.Invalidations) > 0 {
		t := report.Table{Head: []string{"items", "µs", "time of load, relative to this", "commands"}}
		for _, row := range r.Invalidations {
			t.Add(row.Group+"; "+row.Name, row.Times.String(), relative(r.Invalidations, row), report.Number(float64(row.Commands)))
		}
		s["invalidate"] = t.String()
	}
	return s
}

// relative compares the first row of the group of a row with it, round by round.
func relative(rows []Row, row Row) string {
	for _, first := range rows {
		if first.Group != row.Group {
			continue
		}
		if first.Name == row.Name {
			return ""
		}
		var ratio report.Sample
		for i, t := range first.Times {
			ratio = append(ratio, t/row.Times[i])
		}
		return fmt.Sprintf("**%s** (%s–%s)", report.Number(ratio.Median()), report.Number(ratio.Min()), report.Number(ratio.Max()))
	}
	return ""
}

func (r *Results) origin() string {
	versions := append([]string{r.Server}, report.Versions(modules)...)
	return fmt.Sprintf("\n`%s` (took %s). %s %s.\n", r.Command, r.Took, r.Machine, strings.Join(versions, ", "))
}
