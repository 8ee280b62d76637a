package membench

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/larder-go/larder/internal/dev/benchmarks/peers"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
)

// section is one generated part of the document.
type section struct {
	body  string
	plots []namedPlot
}

type namedPlot struct {
	name string
	plot report.Plot
}

// sections renders what was measured, by the name of the section.
func (r *Results) sections() map[string]section {
	all := map[string]section{}
	if r.Speed != nil {
		all["speed"] = r.renderSpeed()
	}
	if r.Mixes != nil {
		all["mixes"] = r.renderMixes()
	}
	if r.Churn != nil {
		all["churn"] = r.renderChurn()
	}
	if r.Beside != nil {
		all["beside"] = r.renderBeside()
	}
	if r.Space != nil {
		all["space"] = r.renderSpace()
	}
	if r.Expiry != nil {
		all["expiry"] = r.renderExpiry()
	}
	if r.Overwrite != nil {
		all["overwrite"] = r.renderOverwrite()
	}
	if r.Hits != nil {
		all["hits"] = r.renderHits()
	}
	if r.Bound != nil {
		all["bound"] = r.renderBound()
	}
	if r.Stats != nil {
		all["stats"] = r.renderStats()
	}
	for name, s := range all {
		s.body += fmt.Sprintf("\n`%s` (took %s in all). %s\n", r.Command, r.Took, r.Machine)
		all[name] = s
	}
	return all
}

// Write replaces the sections of what was measured in d, and the list of peers.
func (r *Results) Write(d report.Document) error {
	for name, s := range r.sections() {
		body := s.body
		for _, p := range s.plots {
			image, err := d.Plot(p.name, p.plot)
			if err != nil {
				return err
			}
			body += "\n" + image
		}
		if err := d.Replace(name, body); err != nil {
			return err
		}
	}
	return d.Replace("peers", peerTable())
}

// Print writes the tables.
func (r *Results) Print(w io.Writer) error {
	all := r.sections()
	for _, name := range Parts() {
		if s, ok := all[name]; ok {
			if _, err := fmt.Fprintf(w, "## %s\n\n%s\n", name, s.body); err != nil {
				return err
			}
		}
	}
	return nil
}

// peerTable lists what is compared: version, configuration, what it does beyond.
func peerTable() string {
	table := report.Table{Head: []string{"implementation", "version", "configuration"}}
	beyond := ""
	seen := map[string]bool{}
	for _, p := range peers.All() {
		version := ""
		if list := report.Versions([]string{p.Module}); len(list) == 1 {
			version = list[0]
		}
		table.Add(p.Name, version, p.Config)
		if p.Beyond != "" && !seen[p.Module] {
			seen[p.Module] = true
			beyond += fmt.Sprintf("- **%s**: %s.\n", p.Name, p.Beyond)
		}
	}
	text := strings.ReplaceAll(table.String(), "---:", "---")
	return text + "\nWhat they do that larder's memory cache does not:\n\n" + beyond
}

// isPeer reports whether an implementation is one that larder is measured against.
func isPeer(p peers.Peer) bool { return !p.Larder && !p.Yardstick && p.Name != peers.Idle.Name }

// bars makes a bar for each implementation, the smallest first, those without a
// figure last.
func bars(sample func(p peers.Peer) report.Sample) []report.Bar {
	var list []report.Bar
	for _, p := range peers.All() {
		list = append(list, report.Bar{Label: p.Name, Sample: sample(p), Ours: p.Larder, Faint: p.Yardstick})
	}
	slices.SortStableFunc(list, func(a, b report.Bar) int {
		if len(a.Sample) == 0 || len(b.Sample) == 0 {
			return cmp.Compare(len(b.Sample), len(a.Sample))
		}
		return cmp.Compare(a.Sample.Median(), b.Sample.Median())
	})
	return list
}

// present leaves out bars without a figure.
func present(list []report.Bar) []report.Bar {
	return slices.DeleteFunc(list, func(b report.Bar) bool { return len(b.Sample) == 0 })
}

func figure(x float64) string { return report.Number(x) }
