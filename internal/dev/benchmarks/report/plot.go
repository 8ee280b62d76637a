package report

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// Bar is one bar of a plot.
type Bar struct {
	Label  string
	Sample Sample
	Ours   bool // drawn in the color of this library
	Faint  bool // a reference, drawn in gray
}

// Panel is a group of bars with a title and an axis.
type Panel struct {
	Title string
	Bars  []Bar
}

// Plot is a picture of horizontal bars: the median, with a whisker from the smallest
// to the largest value.
type Plot struct {
	Title  string
	Unit   string
	Log    bool // the axis is logarithmic
	Panels []Panel
}

const (
	labelWidth = 140
	barsWidth  = 270
	valueWidth = 50
	rowHeight  = 20
	panelWidth = labelWidth + barsWidth + valueWidth
	headHeight = 56
	footHeight = 34
)

// SVG returns the picture. Panels are side by side, two in a row.
func (p Plot) SVG() string {
	var b strings.Builder
	rows := (len(p.Panels) + 1) / 2
	height := headHeight
	tops := make([]int, rows)
	for r := range rows {
		tops[r] = height
		most := 0
		for _, panel := range p.Panels[2*r : min(2*r+2, len(p.Panels))] {
			most = max(most, len(panel.Bars))
		}
		height += 24 + most*rowHeight + footHeight
	}
	width := panelWidth*min(2, len(p.Panels)) + 20
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n",
		width, height, width, height)
	fmt.Fprintf(&b, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", width, height)
	text(&b, 12, 24, "start", "font-size=\"15\" font-weight=\"bold\"", p.Title)
	note := p.Unit
	if p.repeated() {
		note += "; bar: median, whisker: smallest to largest"
	}
	if p.Log {
		note += "; logarithmic axis"
	}
	text(&b, 12, 42, "start", "fill=\"#555\"", note)
	for i, panel := range p.Panels {
		p.panel(&b, panel, i%2*panelWidth+10, tops[i/2])
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// repeated reports whether there is a figure that was measured several times.
func (p Plot) repeated() bool {
	for _, panel := range p.Panels {
		for _, bar := range panel.Bars {
			if len(bar.Sample) > 1 {
				return true
			}
		}
	}
	return false
}

func (p Plot) panel(b *strings.Builder, panel Panel, left, top int) {
	text(b, left+labelWidth, top+14, "start", "font-weight=\"bold\"", panel.Title)
	axis := p.axis(panel.Bars)
	x0, y0 := left+labelWidth, top+22
	bottom := y0 + len(panel.Bars)*rowHeight
	for _, tick := range axis.ticks {
		x := float64(x0) + axis.at(tick)*barsWidth
		fmt.Fprintf(b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" stroke="#ddd"/>`+"\n", x, y0, x, bottom)
		text(b, int(x), bottom+14, "middle", "fill=\"#555\" font-size=\"10\"", Number(tick))
	}
	for i, bar := range panel.Bars {
		y := y0 + i*rowHeight
		text(b, x0-6, y+14, "end", "", bar.Label)
		median := bar.Sample.Median()
		if math.IsNaN(median) {
			text(b, x0+4, y+14, "start", "fill=\"#888\"", "cannot")
			continue
		}
		fill := "#8fb3d9"
		if bar.Ours {
			fill = "#e07b39"
		} else if bar.Faint {
			fill = "#c8c8c8"
		}
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" fill="%s"/>`+"\n", x0, y+3, axis.at(median)*barsWidth, rowHeight-6, fill)
		low, high := axis.at(bar.Sample.Min())*barsWidth, axis.at(bar.Sample.Max())*barsWidth
		if len(bar.Sample) > 1 {
			middle := float64(y) + rowHeight/2
			fmt.Fprintf(b, `<path d="M%.1f %.1fH%.1fM%.1f %.1fv6M%.1f %.1fv6" stroke="#333" fill="none"/>`+"\n",
				float64(x0)+low, middle, float64(x0)+high, float64(x0)+low, middle-3, float64(x0)+high, middle-3)
		}
		text(b, x0+int(high)+5, y+14, "start", "font-size=\"11\"", Number(median))
	}
}

// axis maps values to 0..1.
type axis struct {
	low, high float64
	log       bool
	ticks     []float64
}

func (p Plot) axis(bars []Bar) axis {
	a := axis{high: math.SmallestNonzeroFloat64, low: math.MaxFloat64, log: p.Log}
	for _, bar := range bars {
		if len(bar.Sample) == 0 {
			continue
		}
		a.high = max(a.high, bar.Sample.Max())
		if low := bar.Sample.Min(); low > 0 {
			a.low = min(a.low, low)
		}
	}
	if p.Log {
		a.low = math.Pow(10, math.Floor(math.Log10(a.low)))
		if a.low == a.high {
			a.low /= 10
		}
		for t := a.low; t <= a.high; t *= 10 {
			a.ticks = append(a.ticks, t)
		}
		return a
	}
	a.low = 0
	step := math.Pow(10, math.Floor(math.Log10(a.high)))
	for _, part := range []float64{0.2, 0.5, 1} {
		if a.high/(step*part) <= 5.5 {
			step *= part
			break
		}
	}
	for t := 0.0; t <= a.high; t += step {
		a.ticks = append(a.ticks, t)
	}
	return a
}

func (a axis) at(x float64) float64 {
	if !a.log {
		return x / a.high
	}
	if x <= a.low {
		return 0
	}
	return math.Log(x/a.low) / math.Log(a.high/a.low)
}

func text(b *strings.Builder, x, y int, anchor, attributes, s string) {
	fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="%s" %s>%s</text>`+"\n", x, y, anchor, attributes, html.EscapeString(s))
}
