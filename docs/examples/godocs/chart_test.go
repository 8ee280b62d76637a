package main

import "testing"

func TestChart(t *testing.T) {
	recent := make([]tally, periods)
	recent[periods-3] = tally{Loads: 99}
	recent[periods-1] = tally{Hits: 9, Refreshes: 9, Invalidations: 1}
	c := newChart(recent)
	for i, want := range []struct {
		name  string
		bar   bar
		label string
	}{
		// The scale is logarithmic: 99 is the most, and 9 is half as high.
		{"hits", bar{periods - 1, 12, 12, "9 hits, 0s ago"}, "9 hits in 5m0s, at most 9 in 5s"},
		{"loads", bar{periods - 3, 0, 24, "99 loads, 10s ago"}, "99 loads in 5m0s, at most 99 in 5s"},
		{"refreshes", bar{periods - 1, 12, 12, "9 refreshes, 0s ago"}, "9 refreshes in 5m0s, at most 9 in 5s"},
		{"invalidations", bar{periods - 1, 20.4, 3.6, "1 invalidations, 0s ago"}, "1 invalidations in 5m0s, at most 1 in 5s"},
	} {
		l := c.Lanes[i]
		if l.Name != want.name || l.Label != want.label || len(l.Bars) != 1 || l.Bars[0] != want.bar {
			t.Errorf("the lane is %+v, want %+v", l, want)
		}
	}
}

func TestChartOfNothing(t *testing.T) {
	for _, l := range newChart(make([]tally, periods)).Lanes {
		if len(l.Bars) != 0 || l.Sum != 0 {
			t.Errorf("the lane of nothing is %+v", l)
		}
	}
}
