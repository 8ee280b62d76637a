// Package report turns measurements into Markdown tables and SVG plots.
package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Sample is one figure, measured several times.
type Sample []float64

// Median returns the middle value, NaN of an empty sample.
func (s Sample) Median() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(s))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}

// Min returns the smallest value.
func (s Sample) Min() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return slices.Min(s)
}

// Max returns the largest value.
func (s Sample) Max() float64 {
	if len(s) == 0 {
		return math.NaN()
	}
	return slices.Max(s)
}

// String returns "median (min–max)", "-" of an empty sample.
func (s Sample) String() string {
	switch len(s) {
	case 0:
		return "-"
	case 1:
		return Number(s[0])
	}
	return fmt.Sprintf("%s (%s–%s)", Number(s.Median()), Number(s.Min()), Number(s.Max()))
}

// Number formats x with about three digits.
func Number(x float64) string {
	abs := math.Abs(x)
	switch {
	case math.IsNaN(x):
		return "-"
	case abs >= 1e5:
		return group(fmt.Sprintf("%.0f", x))
	case abs >= 100 || x == math.Trunc(x):
		return fmt.Sprintf("%.0f", x)
	case abs >= 10:
		return fmt.Sprintf("%.1f", x)
	case abs >= 0.095:
		return fmt.Sprintf("%.2f", x)
	}
	// Two digits, without an exponent.
	two, _ := strconv.ParseFloat(fmt.Sprintf("%.2g", x), 64) // it was a number before
	return strconv.FormatFloat(two, 'f', -1, 64)
}

// group puts commas between the thousands of a number without a fraction.
func group(s string) string {
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// Table is a Markdown table. The first column is of text, the others of numbers.
type Table struct {
	Head []string
	Rows [][]string
}

// Add appends a row.
func (t *Table) Add(cells ...string) { t.Rows = append(t.Rows, cells) }

// String returns the table with a line break at its end.
func (t Table) String() string {
	var b strings.Builder
	line := func(cells []string) {
		b.WriteString("| " + strings.Join(cells, " | ") + " |\n")
	}
	line(t.Head)
	b.WriteString("|---|" + strings.Repeat("---:|", len(t.Head)-1) + "\n")
	for _, row := range t.Rows {
		line(row)
	}
	return b.String()
}
