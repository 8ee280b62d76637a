package valkeybench

import (
	"fmt"
	"io"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

var modules = []string{
	"github.com/larder-go/larder", "github.com/larder-go/larder/drivers/valkey", "github.com/valkey-io/valkey-go", "github.com/redis/go-redis/v9",
}

// Write replaces the sections of what was measured.
func (r *Results) Write(d report.Document) error {
	for name, text := range r.sections() {
		if err := d.Replace("valkey-"+name, text+r.origin()); err != nil {
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
	for _, part := range []struct {
		name, what string
		rows       []Row
		names      []string
	}{
		{"single", "µs a call; goroutines", r.Single, names},
		{"batch", "ms a call; keys", r.Batch, names},
		{"dependency", "ms a call; keys", r.Dependency, []string{nameGroups, nameEach}},
		{"near", "µs a call; goroutines", r.Near, []string{nameNear, nameRound}},
	} {
		if len(part.rows) > 0 {
			s[part.name] = table(part.what, part.rows, part.names)
		}
	}
	if len(r.Stale) > 0 {
		s["stale"] = staleTable(r.Stale)
	}
	return s
}

// table compares the first of the names with the others, round by round.
func table(what string, rows []Row, names []string) string {
	t := report.Table{Head: append([]string{what}, names...)}
	for _, other := range names[1:] {
		t.Head = append(t.Head, "time, relative to "+other)
	}
	t.Head = append(t.Head, "allocations")
	for _, row := range rows {
		cells := []string{fmt.Sprintf("%s; %d", row.Op, row.N)}
		var allocs []string
		for _, name := range names {
			cells = append(cells, row.Times[name].String())
			allocs = append(allocs, fmt.Sprintf("%.0f", row.Allocs[name]))
		}
		for _, other := range names[1:] {
			var ratio report.Sample
			for i, t := range row.Times[names[0]] {
				ratio = append(ratio, t/row.Times[other][i])
			}
			cells = append(cells, fmt.Sprintf("**%.3g** (%.3g–%.3g)", ratio.Median(), ratio.Min(), ratio.Max()))
		}
		t.Add(append(cells, strings.Join(allocs, " / "))...)
	}
	return t.String()
}

func (r *Results) origin() string {
	versions := append([]string{r.Server}, report.Versions(modules)...)
	return fmt.Sprintf("\n`%s` (took %s). %s %s.\n", r.Command, r.Took, r.Machine, strings.Join(versions, ", "))
}
