package cachetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

// Options tell the suite what it cannot find out from the cache.
type Options struct {
	// KeyEncoding is the key encoding that the cache was made with. It decides
	// which keys must work and which must be refused.
	KeyEncoding encoding.Encoding

	// KeyPrefix is what the cache puts before every key, before encoding.
	KeyPrefix string

	// Granularity is the unit in which the backend counts a TTL: 0 for one that
	// is exact, a second for memcached. A TTL is rounded up to it, and the
	// clock of the backend may be late or early by one unit. If it is not 0, a
	// case that waits and fails is tried again, twice at most, with other keys:
	// on a machine without time to spare, a clock that ticks may stand still and
	// then leap over several units.
	Granularity time.Duration

	// Synctest runs each case in a bubble of testing/synctest, where waiting
	// costs no time. It is for caches that live in the process and take the
	// time from package time. Without it, cases that wait run in parallel, with
	// TTLs of two units.
	Synctest bool

	// MaxValue is the length of a value that the backend certainly takes, if it
	// refuses one of 10 MiB; 0 if it takes that.
	MaxValue int

	// Namespaces are the partitions that the cache has. Empty: it has none, and
	// is its own partition for every name.
	Namespaces []string

	// Outage opens a cache of which a server cannot be reached: the only one, or
	// one of several. It should fail at once, as a port does where nobody
	// listens: the cases that use it call it many times. Nil for a cache in the
	// process, which has no servers.
	Outage func(t *testing.T) *cache.Cache
}

// Run tests that the caches which open returns keep the contract. Each case gets a
// cache of its own, empty, which the suite closes when the case is over. The caches of
// cases that wait are opened one after the other and then used at the same time; they
// use different keys, so that they may share a server.
func Run(t *testing.T, open func(t *testing.T) *cache.Cache, o Options) {
	t.Helper()
	var waiting []test
	for _, c := range cases(o) {
		if c.waits && !o.Synctest {
			waiting = append(waiting, c)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if !o.Synctest {
				newSuite(t, c, o, opener(t, c.opens(open, o))).run()
				return
			}
			synctest.Test(t, func(t *testing.T) { newSuite(t, c, o, opener(t, c.opens(open, o))).run() })
		})
	}
	t.Run("parallel", func(t *testing.T) {
		for _, c := range waiting {
			t.Run(c.name, func(t *testing.T) {
				s := newSuite(t, c, o, opener(t, open))
				t.Parallel()
				s.run()
			})
		}
	})
}

// opens returns what opens the cache for the case.
func (c test) opens(open func(*testing.T) *cache.Cache, o Options) func(*testing.T) *cache.Cache {
	if c.outage {
		return o.Outage
	}
	return open
}

func opener(t *testing.T, open func(*testing.T) *cache.Cache) func() subject {
	return func() subject { return plain{open(t)} }
}

// test is one case of the suite.
type test struct {
	name string
	rule string // what must hold, in words; a failure prints it

	// run does the test, on a cache that keeps what it is given.
	run func(*suite)
	// drops does it on a cache that discards everything. Nil: run holds there
	// as well, since the helpers of suite know about such caches.
	drops  func(*suite)
	waits  bool // it waits for time to pass
	outage bool // it wants the cache of Options.Outage
}

// cases returns the suite.
func cases(o Options) []test {
	var all []test
	for _, group := range [][]test{
		keyCases, valueCases, ttlCases, readCases, storeCases, deleteCases, countCases, initialCases,
		swapCases, swapBatchCases, abilityCases, wholeCases, callCases, viewCases, concurrencyCases,
	} {
		all = append(all, group...)
	}
	if o.Outage != nil {
		all = append(all, outageCases...)
	}
	return all
}

// tb is what a case needs of *testing.T. The suite's own test puts a recorder there.
type tb interface {
	Helper()
	Error(args ...any)
	Log(args ...any)
	FailNow()
}

// suite is one case while it runs.
type suite struct {
	t      tb
	test   test
	o      Options
	ctx    context.Context
	c      subject
	open   func() subject
	opened []subject
	large  int // the length of a large value

	reports atomic.Int32 // failures so far
}

// maxReports is after how many failures of one case the others are not shown: what
// breaks in a loop would hide the rest.
const maxReports = 10

// newSuite opens the cache for a case.
func newSuite(t tb, c test, o Options, open func() subject) *suite {
	s := &suite{t: t, test: c, o: o, ctx: context.Background(), open: open, large: 10 << 20}
	s.c = s.another()
	return s
}

// another opens a cache that is closed with the case.
func (s *suite) another() subject {
	c := s.open()
	s.opened = append(s.opened, c)
	return c
}

// run does the case and closes what it opened.
func (s *suite) run() {
	defer func() {
		for _, c := range s.opened {
			if err := c.Close(); err != nil {
				s.errorf("Close after the case: %v", err)
			}
		}
	}()
	do := s.test.run
	if s.test.drops != nil && s.c.Discards() {
		do = s.test.drops
	}
	if s.test.waits && s.o.Granularity > 0 && s.passes(do) {
		return
	}
	do(s)
}

// errorf reports a failure together with the rule that it breaks.
func (s *suite) errorf(format string, args ...any) {
	s.t.Helper()
	if s.reports.Add(1) > maxReports {
		return // the case has failed already
	}
	s.t.Error(fmt.Sprintf(format, args...) + "\n\trule: " + s.test.rule)
}

// fatalf is errorf and the end of the case.
func (s *suite) fatalf(format string, args ...any) {
	s.t.Helper()
	s.errorf(format, args...)
	s.t.FailNow()
}
