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

// Options describe the cache to the suite.
type Options struct {
	// KeyEncoding is the key encoding that the cache was made with. It decides
	// which keys must work and which must be rejected.
	KeyEncoding encoding.Encoding

	// KeyPrefix is the prefix that the cache puts before every key, before encoding.
	KeyPrefix string

	// Granularity is the unit in which the backend counts a TTL: 0 for one that is
	// exact, a second for memcached. A TTL is rounded up to it, and the clock of the
	// backend may be late or early by one unit.
	//
	// If it is not 0, a case that waits and fails is tried again, twice at most, with
	// other keys: on a loaded machine the once-a-second clock of a server may skip
	// ticks. See Run for how that is reported.
	Granularity time.Duration

	// Synctest runs each case in a bubble of testing/synctest, where waiting takes no
	// time. It is for caches that live in the process and take the time from package
	// time. Without it, cases that wait run in parallel, with TTLs of two units and
	// more: set the flag -test.parallel to 20, so that they wait at the same time.
	Synctest bool

	// MaxValue is a value size in bytes that the backend accepts. Set it only if the
	// backend rejects values of 10 MiB.
	MaxValue int

	// Namespaces are the partitions of the cache. Empty means that it has none, and
	// is its own partition for every name.
	Namespaces []string

	// DriverOnly leaves out the cases that test package cache more than the driver
	// below it: invalid keys, negative TTLs, Close, contexts that are done, foreign
	// items, prefixes, namespaces and hooks. A driver that runs the suite in several
	// configurations sets it in all of them but one.
	DriverOnly bool

	// Outage opens a cache of which a server cannot be reached: the only one, or one
	// of several. It should fail at once, as a port does where nobody listens: the
	// cases that use it call it many times. Nil means that the cache is in the
	// process and has no servers.
	Outage func(t *testing.T) *cache.Cache

	// Unreadable stores a value that the driver cannot decode at key, which is
	// encoded, as another program would. If several servers share the keys, it may
	// store it on each. Nil means that the driver can decode any value.
	Unreadable func(t *testing.T, key string)
}

// Run tests that the caches which open returns keep the contract. Each case gets a new
// and empty cache, which the suite closes when the case is over. The caches of cases that
// wait are opened one after the other and then used at the same time; they use different
// keys, so that they may share a server.
//
// With Options.Granularity, Run prints the cases that were tried again to standard output,
// with the first failure of each. If there are more than two, the cases that wait run once
// more, and Run fails if there are more than two again: a driver that fails now and then does
// not pass for one whose server was late. The go command shows the output of a test that
// passes if it tests one package in its directory, and not if it tests a list of packages.
func Run(t *testing.T, open func(t *testing.T) *cache.Cache, o Options) {
	t.Helper()
	var waiting []test
	for _, c := range cases(o) {
		if c.waits {
			waiting = append(waiting, c)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if o.Synctest {
				synctest.Test(t, func(t *testing.T) { c.start(t, open, o).run() })
				return
			}
			c.start(t, open, o).run()
		})
	}
	var problem string
	for round := range rounds {
		var retried retries
		start := func(t *testing.T, c test) *suite {
			s := c.start(t, open, o)
			s.retried = &retried
			if round > 0 {
				s.under(fmt.Sprintf("round%d:", round+1))
			}
			return s
		}
		wait(t, waiting, o.Synctest, start)
		if problem = retried.report(t.Name()); problem == "" {
			return
		}
		if t.Failed() {
			break
		}
		fmt.Println(problem)
	}
	t.Error(problem)
}

// wait runs cases that wait: in bubbles, or beside each other.
func wait(t *testing.T, cases []test, bubbles bool, start func(*testing.T, test) *suite) {
	if bubbles {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { start(t, c).run() })
			})
		}
		return
	}
	t.Run("parallel", func(t *testing.T) {
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				s := start(t, c)
				t.Parallel()
				s.run()
			})
		}
	})
}

// start opens the cache for the case.
func (c test) start(t *testing.T, open func(*testing.T) *cache.Cache, o Options) *suite {
	if c.outage {
		open = o.Outage
	}
	s := newSuite(t, c, o, func() subject { return plain{open(t)} })
	if c.unreadable {
		s.corrupt = func(key string) { o.Unreadable(t, key) }
	}
	return s
}

// A test is one case of the suite.
type test struct {
	name string
	rule string // what must hold, in words; a failure prints it

	// run does the test, on a cache that keeps what it is given.
	run func(*suite)
	// drops does it on a cache that discards everything. Nil: run holds there as
	// well, since the helpers of suite know about such caches.
	drops func(*suite)

	waits      bool // it waits for time to pass
	portable   bool // it tests package cache more than the driver
	outage     bool // it needs the cache of Options.Outage
	unreadable bool // it needs Options.Unreadable
}

// cases returns the suite.
func cases(o Options) []test {
	groups := [][]test{
		keyCases, valueCases, ttlCases, readCases, storeCases, deleteCases, countCases, touchCases, itemTTLCases,
		getOrAddCases, swapCases, swapManyCases, abilityCases, statsCases, wholeCases, closeCases, viewCases, hookCases,
		concurrencyCases,
	}
	if o.Synctest && o.Granularity == 0 {
		groups = append(groups, exactCases)
	}
	if o.Outage != nil {
		groups = append(groups, outageCases)
	}
	if o.Unreadable != nil {
		groups = append(groups, unreadableCases)
	}
	var all []test
	for _, group := range groups {
		for _, c := range group {
			if !c.portable || !o.DriverOnly {
				all = append(all, c)
			}
		}
	}
	return all
}

// tb is the part of [testing.T] that a case needs. The tests of the suite use a recorder.
type tb interface {
	Helper()
	Error(args ...any)
	Log(args ...any)
	Skip(args ...any)
	FailNow()
}

// A suite is one case while it runs.
type suite struct {
	t      tb
	test   test
	o      Options
	ctx    context.Context
	c      subject
	open   func() subject
	opened []subject

	large    int              // the length of a large value
	many     int              // the number of keys of a large batch
	corrupt  func(key string) // stores a value that cannot be decoded
	ttlKnown bool             // the TTL of items is known
	retried  *retries         // nil: retries are not reported

	reports atomic.Int32 // failures so far
}

// maxReports is the number of failures of one case that are shown. The failures of a loop
// would hide those of other cases.
const maxReports = 10

// newSuite opens the cache for a case.
func newSuite(t tb, c test, o Options, open func() subject) *suite {
	s := &suite{t: t, test: c, o: o, ctx: context.Background(), open: open, large: 4 << 20, many: 2000}
	if o.MaxValue > 0 {
		s.large = 10 << 20 // over what any server accepts
	}
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

// skip ends a case that has nothing to test on this cache.
func (s *suite) skip(reason string) {
	s.t.Helper()
	s.t.Skip(reason)
}
