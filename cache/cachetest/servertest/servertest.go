package servertest

import (
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// A Server is one server that a case starts and ends. A method that fails ends the test.
// Addr may be called by several goroutines at once, the other methods by one at a time.
type Server interface {
	// Addr returns the address, as the configuration of the driver takes it and as
	// its errors name it: "host:port", or the path of a unix socket.
	Addr() string

	// Kill ends the server at once, in whatever state it is, as SIGKILL does. It
	// returns when the server has ended. No other server may get its address: cases
	// run in parallel.
	Kill()

	// Freeze stops the server as SIGSTOP does: connections are accepted, and nothing
	// replies.
	Freeze()

	// Thaw lets a frozen server continue.
	Thaw()

	// Restart starts the server again on the same address, without its data. A server
	// that is still running is killed first. It returns when the server replies.
	Restart()
}

// A ConnectionCounter is a [Server] that counts its clients. The cases that look for
// connections left open need it.
type ConnectionCounter interface {
	Server

	// Connections returns how many connections clients have, without any that the
	// method itself makes. The cases poll it: one that was closed a moment ago may still
	// be counted.
	Connections() int
}

// Config describes the cache that a case opens.
type Config struct {
	// Servers are the addresses of the servers, in order.
	Servers []string

	// Timeout bounds each call to a server. It is never 0.
	Timeout time.Duration

	// Conns is the number of connections, or of calls at the same time, that the
	// cache should have room for. Zero leaves it to the driver.
	Conns int
}

// Options describe the driver to the suite: how to start servers, how to open caches on them,
// and how the driver differs from others.
type Options struct {
	// Start starts an empty server, which is stopped when t ends.
	Start func(t *testing.T) Server

	// Open opens a cache. The suite closes it when the case is over.
	Open func(t *testing.T, c Config) *cache.Cache

	// StartLimited starts a server that has no more than the given number of
	// connections at a time and rejects others. Nil: this is not tested.
	StartLimited func(t *testing.T, connections int) Server

	// TooLarge is a size in bytes of values that the servers reject. They must accept
	// values of a quarter of it. Zero: they reject none for its size.
	TooLarge int

	// IgnoresCancel reports whether a call of op that is in progress does not end
	// when its context is canceled, but only with the reply or the timeout. Nil: all
	// calls end with their context. A deadline ends every call.
	IgnoresCancel func(op cache.Op) bool

	// NoProxy says that the cache cannot be opened on the address of a proxy in front
	// of a server. The cases that change replies on their way are then left out.
	NoProxy bool

	// Restarts is the number of restarts of a server after which no token of before
	// may be valid. Zero means 16. Set thousands for a soak test.
	Restarts int
}

const (
	defaultRestarts = 16

	// patient is the timeout of caches in cases that do not test timeouts.
	patient = 30 * time.Second

	// short is the timeout of caches on servers that do not reply. It is long enough
	// for calls to the servers that do, on a busy machine.
	short = time.Second

	// slack is added to every bound on real time.
	slack = 10 * time.Second
)

// Run runs the suite. Cases start servers for themselves. Those that wait for time to pass
// run in parallel, after the others.
func Run(t *testing.T, o Options) {
	t.Helper()
	run := func(t *testing.T, c test) {
		if reason := c.missing(o); reason != "" {
			t.Skip(reason)
		}
		if c.waits {
			t.Parallel()
		}
		s := &suite{
			t: t, test: c, o: o, patient: patient, short: short, slack: slack,
			start:        func() Server { return o.Start(t) },
			startLimited: func(n int) Server { return o.StartLimited(t, n) },
			openCache:    func(c Config) *cache.Cache { return o.Open(t, c) },
		}
		s.run()
	}
	var waiting []test
	for _, c := range cases() {
		if c.waits {
			waiting = append(waiting, c)
			continue
		}
		t.Run(c.name, func(t *testing.T) { run(t, c) })
	}
	t.Run("parallel", func(t *testing.T) {
		for _, c := range waiting {
			t.Run(c.name, func(t *testing.T) { run(t, c) })
		}
	})
}

// test is one case of the suite.
type test struct {
	name  string
	rule  string // what must hold, in words; a failure prints it
	run   func(*suite)
	waits bool                 // it waits for time to pass
	needs func(Options) string // returns why o does not allow it; nil or "": it does
}

func (c test) missing(o Options) string {
	if c.needs == nil {
		return ""
	}
	return c.needs(o)
}

// cases returns the suite.
func cases() []test {
	var all []test
	for _, group := range [][]test{
		downCases, killedCases, restartCases, tokenCases, frozenCases, contextCases,
		replyCases, valueCases, countCases, limitCases, closeCases, statsCases,
	} {
		all = append(all, group...)
	}
	return all
}

func needsProxy(o Options) string {
	if o.NoProxy {
		return "the driver takes no address of a proxy"
	}
	return ""
}
