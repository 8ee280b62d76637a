package cachetest

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// served is a mapCache that reports statistics of two servers.
type served struct {
	unreachable
	change func(*driver.Stats)
}

func (s served) Stats(context.Context) (driver.Stats, error) {
	st := driver.Stats{Servers: []driver.ServerStats{
		{Server: "server-0", MaxOpen: 5, Open: 3, InUse: 1, Idle: 2, Opened: 7, Closed: 4},
		{Server: "server-1", Failures: driver.Failures{Dial: s.m().failed.Load()}},
	}}
	if s.change != nil {
		s.change(&st)
	}
	return st, nil
}

func (s served) m() *mapCache { return s.mapCache }

// openServed opens such a cache.
func openServed(change func(*driver.Stats)) opener {
	return func(down bool) (subject, *mapCache) {
		m := newMapCache()
		if down {
			m.down = everyOther
		}
		return plain{cache.New(served{unreachable{mapBatches{m}}, change}, cache.Options{Name: "map"})}, m
	}
}

// The statistics of servers are tested as such.
func TestStatsOfServers(t *testing.T) {
	for name, v := range map[string]struct {
		change func(*driver.Stats)
		fails  string // the case that must fail; empty: none
	}{
		"correct":           {nil, ""},
		"hits":              {func(st *driver.Stats) { st.Hits = 1 }, "stats/counts"},
		"no address":        {func(st *driver.Stats) { st.Servers[1].Server = "" }, "stats/counts"},
		"more in use":       {func(st *driver.Stats) { st.Servers[0].InUse++ }, "stats/counts"},
		"over the bound":    {func(st *driver.Stats) { st.Servers[0].MaxOpen = 2 }, "stats/counts"},
		"more opened":       {func(st *driver.Stats) { st.Servers[0].Opened++ }, "stats/counts"},
		"none opened":       {func(st *driver.Stats) { st.Servers = st.Servers[1:] }, "stats/counts"},
		"failed":            {func(st *driver.Stats) { st.Servers[0].Failures.Timeout++ }, "stats/counts"},
		"failures not told": {func(st *driver.Stats) { st.Servers[1].Failures = driver.Failures{} }, "outage/stats"},
	} {
		for _, c := range cases(everyOption) {
			if c.name != "outage/stats" && c.name != "stats/counts" {
				continue
			}
			synctest.Test(t, func(t *testing.T) {
				r := recordCase(everyOption, c, openServed(v.change))
				if (len(r.errors) > 0) != (c.name == v.fails) {
					t.Errorf("%s: %s failed with %q, want a failure of %q", name, c.name, r.errors, v.fails)
				}
				if r.skipped {
					t.Errorf("%s: %s was skipped", name, c.name)
				}
			})
		}
	}
}

// A cache in the process has no servers whose failures could be counted: the case says so.
func TestStatsOfTheProcess(t *testing.T) {
	for _, c := range cases(everyOption) {
		if c.name == "outage/stats" || c.name == "stats/counts" {
			synctest.Test(t, func(t *testing.T) {
				r := recordCase(everyOption, c, brokenMap(breach{}))
				if len(r.errors) > 0 || r.skipped != (c.name == "outage/stats") {
					t.Errorf("%s: skipped %v, failed with %q", c.name, r.skipped, r.errors)
				}
			})
		}
	}
}
