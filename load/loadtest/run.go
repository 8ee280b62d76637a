package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// Options describe the cache under test to the suite.
type Options struct {
	// Granularity is the unit in which the backend counts a TTL: 0 for one that is
	// exact, a second for memcached.
	Granularity time.Duration

	// Synctest runs each case in a bubble of testing/synctest, where waiting costs no
	// time. It is for caches in the process. Without it, cases that wait run in
	// parallel, on caches that may share a server.
	Synctest bool

	// TooLarge is the length in bytes of a value that the backend rejects with
	// [cache.ErrTooLarge]; 0 if there is no such length.
	TooLarge int

	// Outage opens a cache whose operations return [cache.ErrUnavailable], at once or
	// after a short timeout. It is nil for a cache in the process.
	Outage func(t *testing.T) *cache.Cache
}

// Run tests package load on the caches that open returns. Each case opens one or more, which
// must be clients of the same servers; a cache in the process is opened once for each case,
// and further clients are views of it. The caches of two cases may share servers: the keys of
// a case begin with its name. The suite closes the caches at the end of the case.
func Run(t *testing.T, open func(t *testing.T) *cache.Cache, o Options) {
	t.Helper()
	var waiting []test
	for _, c := range cases {
		if c.outage && o.Outage == nil || c.large && o.TooLarge == 0 {
			continue
		}
		if c.waits && !o.Synctest {
			waiting = append(waiting, c)
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			if o.Synctest {
				synctest.Test(t, func(t *testing.T) { newSuite(t, c, o, open).run() })
				return
			}
			newSuite(t, c, o, open).run()
		})
	}
	t.Run("parallel", func(t *testing.T) {
		for _, c := range waiting {
			t.Run(c.name, func(t *testing.T) {
				s := newSuite(t, c, o, open)
				t.Parallel()
				s.run()
			})
		}
	})
}

// test is one case.
type test struct {
	name   string
	rule   string // that is tested; a failure prints it
	run    func(*suite)
	waits  bool // it waits for time to pass
	outage bool // it wants the cache of Options.Outage
	large  bool // it needs Options.TooLarge
}

// cases are the suite.
var cases = concat(onceCases, valueCases, tagCases, ageCases, multiCases, troubleCases)

func concat(groups ...[]test) (all []test) {
	for _, g := range groups {
		all = append(all, g...)
	}
	return all
}

// suite is one case while it runs.
type suite struct {
	t    *testing.T
	test test
	o    Options
	ctx  context.Context
	open func(t *testing.T) *cache.Cache
	c    *cache.Cache // the first client
	all  []*cache.Cache

	reports atomic.Int32
}

func newSuite(t *testing.T, c test, o Options, open func(*testing.T) *cache.Cache) *suite {
	if c.outage {
		open = o.Outage
	}
	s := &suite{t: t, test: c, o: o, ctx: context.Background(), open: open}
	s.c = s.client()
	return s
}

// client opens a client, with a prefix that other cases do not have.
func (s *suite) client() *cache.Cache {
	if s.o.Synctest && s.c != nil {
		return s.c // they share it in the process
	}
	c := s.open(s.t)
	s.all = append(s.all, c)
	return c.WithPrefix(fmt.Sprintf("%s-%d:", strings.ReplaceAll(s.test.name, " ", "-"), runID))
}

// runID keeps the keys of this run apart from those of another one on the same servers.
var runID = time.Now().UnixNano() % 1e9

func (s *suite) run() {
	defer func() {
		for _, c := range s.all {
			if err := c.Close(); err != nil {
				s.errorf("Close of the cache after the case: %v", err)
			}
		}
	}()
	s.test.run(s)
}

// maxReports is after how many failures of one case the others are not shown.
const maxReports = 10

func (s *suite) errorf(format string, args ...any) {
	s.t.Helper()
	if s.reports.Add(1) <= maxReports {
		s.t.Error(fmt.Sprintf(format, args...) + "\n\trule: " + s.test.rule)
	}
}

func (s *suite) fatalf(format string, args ...any) {
	s.t.Helper()
	s.errorf(format, args...)
	s.t.FailNow()
}

// none reports err unless it is nil.
func (s *suite) none(err error, what string) {
	s.t.Helper()
	if err != nil {
		s.errorf("%s: error %q, want none", what, err)
	}
}

// entry and loader are those of text, which the suite loads.
type (
	entry   = load.Entry[string]
	entries = load.Entries[string]
	loader  = load.Loader[string]
	fn      = load.Func[string]
)

// loader makes a loader on a client, closed with the case.
func (s *suite) loader(c *cache.Cache, change func(*load.Config[string])) *loader {
	s.t.Helper()
	cfg := load.Config[string]{TTL: time.Hour, Codec: codec.Text[string]()}
	if change != nil {
		change(&cfg)
	}
	l, err := load.New(c, cfg)
	if err != nil {
		s.fatalf("New: %v", err)
	}
	s.t.Cleanup(func() { s.none(l.Close(), "Close of the loader") })
	return l
}

// is checks what a Get returns.
func (s *suite) is(l *loader, key, want string, f fn, tags ...string) {
	s.t.Helper()
	got, err := l.Get(s.ctx, key, f, tags...)
	if err != nil || got != want {
		s.errorf("Get of %q: %q, %v; want %q", key, got, err, want)
	}
}

// fails checks that a Get returns an error.
func (s *suite) fails(l *loader, key string, want error, f fn, tags ...string) {
	s.t.Helper()
	got, err := l.Get(s.ctx, key, f, tags...)
	if !errors.Is(err, want) {
		s.errorf("Get of %q: %q, %v; want the error %q", key, got, err, want)
	}
}

// value loads a constant, with tags.
func value(v string, tags ...string) fn {
	return func(ctx context.Context, e *entry) (string, error) {
		return v, e.Tag(ctx, tags...)
	}
}

// never fails the case if it is called.
func (s *suite) never() fn {
	s.t.Helper()
	return func(context.Context, *entry) (string, error) {
		s.errorf("the load function was called, want the cached value")
		return "", errors.New("loaded")
	}
}

// counted counts the calls of f.
func counted(n *atomic.Int32, f fn) fn {
	return func(ctx context.Context, e *entry) (string, error) {
		n.Add(1)
		return f(ctx, e)
	}
}

// slow makes f take longer: on a real server long enough for others to come meanwhile.
func (s *suite) slow(f fn) fn { return s.slower(200*time.Millisecond, f) }

// slower makes f take longer by d.
func (s *suite) slower(d time.Duration, f fn) fn {
	return func(ctx context.Context, e *entry) (string, error) {
		v, err := f(ctx, e)
		time.Sleep(d)
		return v, err
	}
}

// unit is a duration that the backend can count, for cases that wait.
func (s *suite) unit() time.Duration { return max(200*time.Millisecond, s.o.Granularity) }

// eventually calls f until it reports true.
func (s *suite) eventually(what string, f func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.fatalf("%s: not in a minute", what)
		}
	}
}
