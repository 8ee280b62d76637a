package servertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// tb is the part of [testing.T] that a case needs. The tests of the suite use a recorder.
type tb interface {
	Helper()
	Error(args ...any)
	FailNow()
	Skip(args ...any)
}

// suite is one case while it runs.
type suite struct {
	t     tb
	test  test
	label string // of its goroutines
	o     Options

	start        func() Server
	startLimited func(connections int) Server
	openCache    func(Config) *cache.Cache

	patient, short, slack time.Duration // see the constants of these names

	opened  []*cache.Cache
	cleanup []func()
	reports atomic.Int32 // failures so far
}

// run does the case and closes what it opened.
func (s *suite) run() {
	defer func() {
		for _, c := range s.opened {
			s.none(c.Close(), "Close after the case")
		}
		for _, f := range s.cleanup {
			f()
		}
	}()
	s.labeled(func() { s.test.run(s) })
}

// open opens a cache that is closed with the case.
func (s *suite) open(c Config) *cache.Cache {
	if c.Timeout == 0 {
		c.Timeout = s.patient
	}
	k := s.openCache(c)
	s.opened = append(s.opened, k)
	return k
}

// ready opens a cache whose server has replied. On a busy machine a short timeout may pass
// before that; then it opens another cache, which has counted no failure.
func (s *suite) ready(server Server, timeout time.Duration) *cache.Cache {
	s.t.Helper()
	for tries := 5; ; tries-- {
		c := s.open(Config{Servers: []string{server.Addr()}, Timeout: timeout})
		err := c.Ping(context.Background())
		if err == nil || tries == 0 {
			s.must(err, "Ping of a server that works")
			return c
		}
	}
}

// startN starts n servers and returns their addresses as well.
func (s *suite) startN(n int) (servers []Server, addrs []string) {
	for range n {
		server := s.start()
		servers = append(servers, server)
		addrs = append(addrs, server.Addr())
	}
	return servers, addrs
}

// one starts a server and opens a cache on it.
func (s *suite) one(timeout time.Duration) (Server, *cache.Cache) {
	server := s.start()
	return server, s.open(Config{Servers: []string{server.Addr()}, Timeout: timeout})
}

// maxReports is the number of failures of one case that are shown. The failures of a loop
// would hide those of other cases.
const maxReports = 10

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

// none reports err unless it is nil.
func (s *suite) none(err error, format string, args ...any) {
	s.t.Helper()
	if err != nil {
		s.errorf("%s: error %q, want none", fmt.Sprintf(format, args...), err)
	}
}

// must ends the case if err is not nil, because the rest depends on what failed.
func (s *suite) must(err error, format string, args ...any) {
	s.t.Helper()
	if err != nil {
		s.fatalf("%s: error %q, want none", fmt.Sprintf(format, args...), err)
	}
}

// outage reports err unless it matches ErrUnavailable and names driver, operation and server.
func (s *suite) outage(c *cache.Cache, err error, addr, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	if !errors.Is(err, cache.ErrUnavailable) {
		s.errorf("%s: error %v, want %q", what, err, cache.ErrUnavailable)
		return
	}
	if errors.Is(err, cache.ErrMiss) {
		s.errorf("%s: error %q is also a miss", what, err)
	}
	s.named(c, err, addr, "%s", what)
}

// named reports err unless it names the driver, an operation and the server.
func (s *suite) named(c *cache.Cache, err error, addr, format string, args ...any) {
	s.t.Helper()
	var e *cache.Error
	if !errors.As(err, &e) || e.Driver != c.Driver() || e.Op == 0 || e.Server != addr {
		s.errorf("%s: error %v, want a *cache.Error that names driver %q, the operation and server %q",
			fmt.Sprintf(format, args...), err, c.Driver(), addr)
	}
}

// within reports a call that began at start if it took longer than d and the slack.
func (s *suite) within(start time.Time, d time.Duration, format string, args ...any) {
	s.t.Helper()
	if took := time.Since(start); took > d+s.slack {
		s.errorf("%s took %v, want at most %v", fmt.Sprintf(format, args...), took.Round(time.Millisecond), d)
	}
}

// eventually polls until ok returns true, for effects that come a little after the call.
func (s *suite) eventually(ok func() bool, format string, args ...any) {
	s.t.Helper()
	deadline := time.Now().Add(4 * s.slack)
	for !ok() {
		if time.Now().After(deadline) {
			s.fatalf("after %v this does not hold yet: %s", 4*s.slack, fmt.Sprintf(format, args...))
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// keys returns n keys.
func keys(n int) []string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprint("key:", i)
	}
	return list
}

// valueOf returns the value that the cases store at a key. It names the key.
func valueOf(key string) []byte { return []byte("value of " + key) }

func sortedKeys(values map[string][]byte) []string { return slices.Sorted(maps.Keys(values)) }

func valuesOf(keys []string) map[string][]byte {
	values := make(map[string][]byte, len(keys))
	for _, k := range keys {
		values[k] = valueOf(k)
	}
	return values
}

// owned checks that every value belongs to its key.
func (s *suite) owned(found map[string][]byte, format string, args ...any) {
	s.t.Helper()
	for _, k := range slices.Sorted(maps.Keys(found)) {
		if string(found[k]) != string(valueOf(k)) {
			s.errorf("%s: %.60q at %q, want %q", fmt.Sprintf(format, args...), found[k], k, valueOf(k))
		}
	}
}

// on returns which of the keys a server holds.
func (s *suite) on(server Server, keys []string) map[string]bool {
	s.t.Helper()
	alone := s.openCache(Config{Servers: []string{server.Addr()}, Timeout: s.patient})
	found, err := alone.GetMulti(context.Background(), keys)
	s.must(err, "GetMulti of server %s alone", server.Addr())
	s.none(alone.Close(), "Close")
	on := make(map[string]bool, len(found))
	for k := range found {
		on[k] = true
	}
	return on
}

// stored stores the values of keys on servers that work. A cache whose timeout is short may
// need more than one call for it on a busy machine.
func (s *suite) stored(c *cache.Cache, keys []string) {
	s.t.Helper()
	set := func() error { return c.SetMulti(context.Background(), valuesOf(keys), 0) }
	err := set()
	for deadline := time.Now().Add(4 * s.slack); err != nil && time.Now().Before(deadline); err = set() {
		time.Sleep(5 * time.Millisecond)
	}
	s.must(err, "SetMulti while all servers work")
}

// cluster starts n servers, opens a cache on them, stores keys, and returns which of them
// the server at position sick holds.
func (s *suite) cluster(n, sick int, all []string, timeout time.Duration) (servers []Server, c *cache.Cache, on map[string]bool) {
	s.t.Helper()
	servers, addrs := s.startN(n)
	c = s.open(Config{Servers: addrs, Timeout: timeout})
	s.stored(c, all)
	on = s.on(servers[sick], all)
	if len(on) == 0 || len(on) == len(all) {
		s.fatalf("%d of %d keys are on one of %d servers, want a part of them", len(on), len(all), n)
	}
	return servers, c, on
}

// failedFor checks that err names exactly the keys that the server at addr holds, each with
// an outage of that server.
func (s *suite) failedFor(c *cache.Cache, err error, on map[string]bool, addr, format string, args ...any) {
	s.t.Helper()
	what := fmt.Sprintf(format, args...)
	var m *cache.MultiError
	if !errors.As(err, &m) {
		s.errorf("%s: error %v, want a *cache.MultiError", what, err)
		return
	}
	for _, k := range slices.Sorted(maps.Keys(on)) {
		s.outage(c, m.Errors[k], addr, "%s: at %q, which is on the server", what, k)
	}
	for _, k := range m.Keys() {
		if !on[k] {
			s.errorf("%s: error %v at %q, which is on another server", what, m.Errors[k], k)
		}
	}
}
