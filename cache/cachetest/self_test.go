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

// record stands for *testing.T and keeps what the suite reports.
type record struct {
	mu     sync.Mutex
	errors []string
}

func (r *record) Helper() {}

func (r *record) Error(args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.errors = append(r.errors, fmt.Sprint(args...))
}

func (r *record) Log(...any) {}

func (r *record) FailNow() { runtime.Goexit() }

// results runs the suite on what open returns, without testing.T, and returns the
// reports by the name of the case.
func results(o Options, open, outage func() subject) map[string][]string {
	if outage != nil {
		o.Outage = func(*testing.T) *cache.Cache { return nil } // its cases are wanted
	}
	failed := map[string][]string{}
	for _, c := range cases(o) {
		opens := open
		if c.outage {
			opens = outage
		}
		r := &record{}
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer func() {
				if p := recover(); p != nil {
					r.Error("panic: ", p)
				}
			}()
			s := newSuite(r, c, o, opens)
			s.large = 2 * largest
			s.run()
		}()
		<-done
		if len(r.errors) > 0 {
			failed[c.name] = r.errors
		}
	}
	return failed
}

// results runs the suite on caches with the fault.
func (f fault) results() map[string][]string {
	o := Options{Synctest: true, MaxValue: largest}
	if f.partitioned {
		o.Namespaces = []string{"a", "b"}
	}
	open := func(down bool) subject {
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
			return f.subject(plain{c})
		}
		return plain{c}
	}
	return results(o, func() subject { return open(false) }, func() subject { return open(true) })
}

// A correct cache passes, in all of its forms.
func TestCorrectCachesPass(t *testing.T) {
	forms := map[string]struct {
		o    Options
		open func() driver.Cache
	}{
		"every ability":        {Options{MaxValue: largest}, func() driver.Cache { return newFaulty() }},
		"single operations":    {Options{}, func() driver.Cache { return newMapCache() }},
		"required only":        {Options{}, func() driver.Cache { return struct{ driver.Cache }{newMapCache()} }},
		"prefix":               {Options{KeyPrefix: "prefix:of:many:bytes:"}, nil},
		"encoding base64":      {Options{KeyEncoding: encoding.Base64()}, nil},
		"encoding safe":        {Options{KeyEncoding: encoding.Safe()}, nil},
		"coarse clock":         {Options{Granularity: 1e9}, func() driver.Cache { return &coarse{newMapCache()} }},
		"partitions":           {Options{Namespaces: []string{"a", "b"}}, nil},
		"partitions, an other": {Options{Namespaces: []string{"b", "a"}}, nil},
	}
	for name, form := range forms {
		t.Run(name, func(t *testing.T) {
			form.o.Synctest = true
			synctest.Test(t, func(t *testing.T) {
				open := func() subject {
					if form.open == nil {
						form.open = func() driver.Cache { return newMapCache() }
					}
					made := func() *cache.Cache {
						return cache.New(form.open(), cache.Options{Name: "map", KeyEncoding: form.o.KeyEncoding})
					}
					c := made()
					if n := form.o.Namespaces; n != nil {
						var err error
						if c, err = cache.Partitioned(n[0], map[string]*cache.Cache{"a": c, "b": made()}); err != nil {
							t.Fatal(err)
						}
					}
					return plain{c.WithPrefix(form.o.KeyPrefix)}
				}
				for name, errs := range results(form.o, open, nil) {
					t.Errorf("%s:\n%s", name, strings.Join(errs[:min(3, len(errs))], "\n"))
				}
			})
		})
	}
	t.Run("half down", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			for name, errs := range (fault{}).results() {
				t.Errorf("%s:\n%s", name, strings.Join(errs[:min(3, len(errs))], "\n"))
			}
		})
	})
}

// The suite as drivers run it.
func TestRun(t *testing.T) {
	Run(t, func(*testing.T) *cache.Cache { return cache.New(newMapCache(), cache.Options{Name: "map"}) }, Options{Synctest: true})
}

// In real time, with a server of which a half is down.
func TestRunInRealTime(t *testing.T) {
	Run(t, func(*testing.T) *cache.Cache { return cache.New(newFaulty(), cache.Options{Name: "faulty"}) },
		Options{MaxValue: largest, Outage: func(*testing.T) *cache.Cache {
			f := newFaulty()
			f.halfDown()
			return cache.New(f, cache.Options{Name: "faulty"})
		}})
}

// Each fault is found by exactly the cases whose rule it breaks.
func TestFaultsAreFound(t *testing.T) {
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				failed := f.results()
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

// Each case can fail, and has a rule in words and a name of its own.
func TestEveryCaseHasAFault(t *testing.T) {
	found := map[string]bool{}
	for _, f := range faults {
		for _, name := range f.breaks {
			found[name] = true
		}
	}
	names := map[string]bool{}
	for _, c := range cases(Options{Outage: func(*testing.T) *cache.Cache { return nil }}) {
		if !found[c.name] {
			t.Errorf("%s: no fault in this test breaks its rule: %s", c.name, c.rule)
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

// A failure reads as a sentence of the contract.
func TestFailuresTellTheRule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, errs := range faults[0].results() {
			for _, e := range errs {
				if !strings.Contains(e, "rule: ") {
					t.Errorf("%s: %q does not tell the rule", name, e)
				}
			}
		}
	})
}
