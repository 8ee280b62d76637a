package report

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSample(t *testing.T) {
	for _, tt := range []struct {
		sample Sample
		want   string
	}{
		{nil, "-"},
		{Sample{3}, "3"},
		{Sample{3, 1, 2}, "2 (1–3)"},
		{Sample{4, 1, 2, 3}, "2.50 (1–4)"},
	} {
		if got := tt.sample.String(); got != tt.want {
			t.Errorf("%v: %q, want %q", []float64(tt.sample), got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	for x, want := range map[float64]string{
		0: "0", 0.0000391: "0.000039", 0.0123: "0.012", 0.5: "0.50", 1.234: "1.23", 12.34: "12.3", 123.4: "123",
		1234: "1234", 1234567: "1,234,567", -1234567: "-1,234,567", 100000: "100,000",
	} {
		if got := Number(x); got != want {
			t.Errorf("Number(%v): %q, want %q", x, got, want)
		}
	}
}

func TestTable(t *testing.T) {
	table := Table{Head: []string{"a", "b"}}
	table.Add("x", "1")
	if got, want := table.String(), "| a | b |\n|---|---:|\n| x | 1 |\n"; got != want {
		t.Errorf("String: %q, want %q", got, want)
	}
}

func TestReplace(t *testing.T) {
	d := Document{filepath.Join(t.TempDir(), "doc.md")}
	text := "before\n<!-- begin a -->\nold\n<!-- end a -->\nbetween\n<!-- begin b -->\n<!-- end b -->\nafter\n"
	if err := os.WriteFile(d.Path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{"first", "second"} {
		if err := d.Replace("a", body); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(d.Path)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.Replace(text, "old\n", "\nsecond\n\n", 1); string(got) != want {
		t.Errorf("the document is %q, want %q", got, want)
	}
	if err := d.Replace("c", "x"); err == nil {
		t.Error("a section that is not there: no error")
	}
}

func TestPlotIsXML(t *testing.T) {
	p := Plot{Title: "a < b & c", Unit: "ns", Panels: []Panel{
		{Title: "1", Bars: []Bar{{Label: "x", Sample: Sample{1, 2, 3}, Ours: true}, {Label: "y"}, {Label: "z", Sample: Sample{0}}}},
		{Title: "2"},
		{Title: "3", Bars: []Bar{{Label: "x", Sample: Sample{0.5}, Faint: true}}},
	}}
	for _, p.Log = range []bool{false, true} {
		text := p.SVG()
		for decoder := xml.NewDecoder(strings.NewReader(text)); ; {
			if _, err := decoder.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("log %t: %v in\n%s", p.Log, err, text)
			}
		}
		if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
			t.Errorf("log %t: the plot has a NaN or an infinity:\n%s", p.Log, text)
		}
	}
}
