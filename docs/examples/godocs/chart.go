package main

import (
	"fmt"
	"math"
	"time"
)

// chart is a picture of activity: one lane of bars for each thing that is counted. The
// lanes share a logarithmic scale, so that the start of the program, with hundreds of
// loads, does not hide the click of one reader.
type chart struct {
	Width, Height int // of a lane, in the units of the bars
	Lanes         []lane
}

type lane struct {
	Name  string // also the class of the bars
	Sum   int
	Most  int // in one period
	Bars  []bar
	Label string // what the picture shows, for those who cannot see it
}

type bar struct {
	X      int
	Y      float64
	Height float64
	Title  string
}

const laneHeight = 24

func newChart(recent []tally) chart {
	c := chart{Width: periods, Height: laneHeight}
	for _, l := range []struct {
		name  string
		count func(tally) int
	}{
		{"hits", func(t tally) int { return t.Hits }},
		{"loads", func(t tally) int { return t.Loads }},
		{"refreshes", func(t tally) int { return t.Refreshes }},
		{"invalidations", func(t tally) int { return t.Invalidations }},
	} {
		counts := make([]int, len(recent))
		for i, t := range recent {
			counts[i] = l.count(t)
		}
		c.Lanes = append(c.Lanes, newLane(l.name, counts))
	}
	most := 1
	for _, l := range c.Lanes {
		most = max(most, l.Most)
	}
	for _, l := range c.Lanes {
		for i := range l.Bars {
			l.Bars[i].scale(most)
		}
	}
	return c
}

func newLane(name string, counts []int) lane {
	l := lane{Name: name}
	for i, n := range counts {
		l.Sum += n
		l.Most = max(l.Most, n)
		if n > 0 {
			ago := time.Duration(len(counts)-1-i) * period
			l.Bars = append(l.Bars, bar{X: i, Height: float64(n), Title: fmt.Sprintf("%d %s, %v ago", n, name, ago)})
		}
	}
	l.Label = fmt.Sprintf("%d %s in %v, at most %d in %v", l.Sum, name, periods*period, l.Most, period)
	return l
}

// scale turns the count that Height holds into the height of the bar.
func (b *bar) scale(most int) {
	height := laneHeight * math.Log1p(b.Height) / math.Log1p(float64(most))
	b.Height = math.Round(10*height) / 10
	b.Y = math.Round(10*(laneHeight-height)) / 10
}
