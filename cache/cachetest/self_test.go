package cachetest

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// record takes the place of *testing.T and keeps what the suite reports.
type record struct {
	mu      sync.Mutex
	errors  []string
	skipped bool
}

func (r *record) Helper()    {}
func (r *record) Log(...any) {}
func (r *record) FailNow()   { runtime.Goexit() }

func (r *record) Skip(...any) {
	r.skipped = true
	runtime.Goexit()
}

func (r *record) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
}

// An opener opens a cache, of which a server is down if it is asked to, and returns the
// map that holds the items.
type opener func(down bool) (subject, *mapCache)

// everyOption wants all cases.
var everyOption = Options{
	Synctest: true, MaxValue: largest,
	Outage:     func(*testing.T) *cache.Cache { return nil },
	Unreadable: func(*testing.T, string) {},
}

// runCase runs a case on what open returns, without testing.T, and returns the reports.
func runCase(c test, open opener) []string { return runCaseWith(everyOption, c, open) }

func runCaseWith(o Options, c test, open opener) []string { return recordCase(o, c, open).errors }

// recordCase does the same, and returns all that was recorded.
func recordCase(o Options, c test, open opener) *record {
	r := &record{}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() {
			if p := recover(); p != nil {
				r.Error("panic: ", p)
			}
		}()
		var last *mapCache
		s := newSuite(r, c, o, func() (opened subject) {
			opened, last = open(c.outage)
			return opened
		})
		s.large, s.many = 2*largest, large+200
		s.corrupt = func(key string) { last.spoil(key) }
		s.run()
	}()
	<-done
	return r
}

// results runs the cases of the suite that are wanted on what open returns, and returns the
// reports by the name of the case.
func results(o Options, wanted func(i int, name string) bool, open opener) map[string][]string {
	failed := map[string][]string{}
	for i, c := range cases(o) {
		if !wanted(i, c.name) {
			continue
		}
		if errs := runCaseWith(o, c, open); len(errs) > 0 {
			failed[c.name] = errs
		}
	}
	return failed
}

// all wants every case.
func all(int, string) bool { return true }

// results runs the suite on caches with the fault.
func (f fault) results(wanted func(i int, name string) bool) map[string][]string {
	o := everyOption
	if f.partitioned {
		o.Namespaces = []string{"a", "b"}
	}
	return results(o, wanted, func(down bool) (subject, *mapCache) {
		d := newFaulty()
		if f.driver != nil {
			f.driver(d)
		}
		if down {
			d.halfDown()
			if f.outage != nil {
				f.outage(d)
			}
		}
		c := cache.New(d, cache.Options{Name: "faulty", KeyEncoding: f.encoding})
		if f.partitioned {
			var err error
			c, err = cache.Partitioned("a", map[string]*cache.Cache{"a": c, "b": cache.New(newFaulty(), cache.Options{Name: "faulty"})})
			if err != nil {
				panic(err)
			}
		}
		if f.subject != nil {
			return f.subject(plain{c}), d.m
		}
		return plain{c}, d.m
	})
}

// swapper is a mapCache without touches and batches: the cache does both with
// compare-and-swap.
type swapper struct {
	driver.Cache
	driver.Swapper
}

// A correct cache passes, in all of its forms.
func TestCorrectCachesPass(t *testing.T) {
	forms := map[string]struct {
		o    Options
		open func(*mapCache) driver.Cache // nil: the map as it is
	}{
		"every ability":        {Options{MaxValue: largest}, func(m *mapCache) driver.Cache { return mapBatches{m} }},
		"single operations":    {Options{}, nil},
		"a swapper":            {Options{}, func(m *mapCache) driver.Cache { return swapper{m, m} }},
		"required only":        {Options{}, func(m *mapCache) driver.Cache { return struct{ driver.Cache }{m} }},
		"prefix":               {Options{KeyPrefix: "prefix:of:many:bytes:"}, nil},
		"encoding base64":      {Options{KeyEncoding: encoding.Base64()}, nil},
		"encoding safe":        {Options{KeyEncoding: encoding.Safe()}, nil},
		"coarse clock":         {Options{Granularity: 1e9}, func(m *mapCache) driver.Cache { return &coarse{m} }},
		"partitions":           {Options{Namespaces: []string{"a", "b"}}, nil},
		"partitions, an other": {Options{Namespaces: []string{"b", "a"}}, nil},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			form.o.Synctest, form.o.Unreadable = true, everyOption.Unreadable
			synctest.Test(t, func(t *testing.T) {
				open := func(bool) (subject, *mapCache) {
					made := func() (*cache.Cache, *mapCache) {
						m := newMapCache()
						m.max = form.o.MaxValue
						var d driver.Cache = m
						if form.open != nil {
							d = form.open(m)
						}
						return cache.New(d, cache.Options{Name: "map", KeyEncoding: form.o.KeyEncoding}), m
					}
					c, m := made()
					if n := form.o.Namespaces; n != nil {
						other, _ := made()
						var err error
						if c, err = cache.Partitioned(n[0], map[string]*cache.Cache{n[0]: c, n[1]: other}); err != nil {
							t.Fatal(err)
						}
					}
					return plain{c.WithPrefix(form.o.KeyPrefix)}, m
				}
				for name, errs := range results(form.o, all, open) {
					t.Errorf("%s:\n%s", name, strings.Join(errs[:min(3, len(errs))], "\n"))
				}
			})
		})
	}
	for name, open := range map[string]opener{
		"half down":                brokenMap(breach{}),
		"half down, single faults": nil,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var found map[string][]string
				if open == nil {
					found = (fault{}).results(all)
				} else {
					found = results(everyOption, all, open)
				}
				for name, errs := range found {
					t.Errorf("%s:\n%s", name, strings.Join(errs[:min(3, len(errs))], "\n"))
				}
			})
		})
	}
}

// Run, as drivers call it.
func TestRun(t *testing.T) {
	Run(t, func(*testing.T) *cache.Cache { return cache.New(newMapCache(), cache.Options{Name: "map"}) }, Options{Synctest: true})
}

// Run in real time, with every option.
func TestRunInRealTime(t *testing.T) {
	var last *mapCache
	open := func(down func(string) bool) func(*testing.T) *cache.Cache {
		return func(*testing.T) *cache.Cache {
			m := newMapCache()
			m.max, m.down, last = largest, down, m
			if down != nil {
				return cache.New(served{unreachable{mapBatches{m}}, nil}, cache.Options{Name: "map"})
			}
			return cache.New(mapBatches{m}, cache.Options{Name: "map"})
		}
	}
	Run(t, open(nil), Options{
		MaxValue: largest, Outage: open(everyOther),
		Unreadable: func(_ *testing.T, key string) { last.spoil(key) },
	})
}

// DriverOnly leaves out the portable cases and no others.
func TestDriverOnly(t *testing.T) {
	o := everyOption
	all := cases(o)
	o.DriverOnly = true
	left := cases(o)
	portable := 0
	for _, c := range all {
		kept := slices.ContainsFunc(left, func(other test) bool { return other.name == c.name })
		if kept == c.portable {
			t.Errorf("%s: portable %v, and run with DriverOnly: %v", c.name, c.portable, kept)
		}
		if c.portable {
			portable++
		}
	}
	if portable == 0 || portable > len(all)/3 {
		t.Errorf("%d of %d cases are portable", portable, len(all))
	}
}

// Each fault is found by exactly the cases whose rule it breaks.
func TestFaultsAreFound(t *testing.T) {
	for n, f := range faults {
		wanted := func(i int, name string) bool {
			return *long || (n+i)%5 == 0 || slices.Contains(f.breaks, name)
		}
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failed := f.results(wanted)
				if got := slices.Sorted(maps.Keys(failed)); !slices.Equal(got, slices.Sorted(slices.Values(f.breaks))) {
					t.Errorf("failed: %q\nwant:   %q", got, f.breaks)
					for name, errs := range failed {
						if !slices.Contains(f.breaks, name) {
							t.Logf("%s: %s", name, errs[0])
						}
					}
				}
			})
		})
	}
}

// Each case can fail, and has a rule in words and its own name.
func TestEveryCaseHasAFault(t *testing.T) {
	found := map[string]bool{}
	for _, f := range faults {
		for _, name := range f.breaks {
			found[name] = true
		}
	}
	names := map[string]bool{}
	for _, c := range cases(everyOption) {
		if !found[c.name] {
			t.Errorf("%s: no fault breaks its rule: %s", c.name, c.rule)
		}
		if names[c.name] {
			t.Errorf("%s: two cases of this name", c.name)
		}
		if c.rule == "" || c.run == nil {
			t.Errorf("%s: without a rule or a test", c.name)
		}
		names[c.name] = true
	}
}

// A failure prints the rule that it breaks.
func TestFailuresPrintTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := faults[0].results(all)[faults[0].breaks[0]]
		if len(errs) == 0 {
			t.Fatal("no failure")
		}
		for _, e := range errs {
			if !strings.Contains(e, "rule: a key works in every operation") {
				t.Errorf("%q does not print the rule", e)
			}
		}
	})
}

// A case that fails again and again prints the first failures.
func TestManyFailures(t *testing.T) {
	c := test{name: "c", rule: "r", run: func(s *suite) {
		for range 100 {
			s.errorf("no")
		}
	}}
	if errs := runCase(c, brokenMap(breach{})); len(errs) != maxReports {
		t.Errorf("%d failures, want %d", len(errs), maxReports)
	}
}
