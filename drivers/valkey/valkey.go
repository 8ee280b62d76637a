package valkey

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// name is the name of the driver, in errors and statistics. It is one of the schemes.
const name = "valkey"

// store is the driver.
type store struct {
	lib      *library
	dialer   *guard.Dialer
	single   string // the address of the only server; empty if there may be several
	prefix   string
	maxValue int
	group    int  // keys of a script at most
	flushAll bool // Flush removes everything in the database
	timeout  time.Duration
	closed   atomic.Bool
	views    nearViews
}

var (
	_ driver.Cache         = (*store)(nil)
	_ driver.Batcher       = (*store)(nil)
	_ driver.BatchSwapper  = (*store)(nil)
	_ driver.Toucher       = (*store)(nil)
	_ driver.Pinger        = (*store)(nil)
	_ driver.StatsReporter = (*store)(nil)
)

// New returns a cache on the servers of cfg, or an error if cfg is invalid or names files that
// cannot be read. It does not connect: a server that is down, or whose name does not resolve,
// is an error of the calls that need it. Close the cache to close its connections.
func New(cfg Config) (*cache.Cache, error) {
	s, err := newStore(cfg)
	if err != nil {
		return nil, err
	}
	return cache.New(s, cache.Options{Name: name, KeyEncoding: cfg.KeyEncoding}), nil
}

func newStore(cfg Config) (*store, error) {
	p, err := cfg.check()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	secure, err := tlsfiles.Load(cfg.TLS, (*tlsfiles.Files)(cfg.TLSFiles))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	d := guard.New(p.cfg.Timeout, secure, max(maxReply, p.cfg.MaxValue+markLen))
	s := &store{
		lib: newLibrary(&p.cfg, p.servers, secure, d), dialer: d, prefix: cfg.Prefix,
		maxValue: int(p.cfg.MaxValue), group: maxGroup, flushAll: cfg.FlushDatabase,
		timeout: p.cfg.Timeout,
	}
	s.lib.dialed = s.views.dialed
	for _, addr := range p.servers {
		d.Configure(addr, cfg.Sentinel != "")
	}
	if cfg.Cluster {
		s.group = 1 // keys of two slots cannot be in one script
	} else if cfg.Sentinel == "" {
		s.single = p.servers[0]
	}
	return s, nil
}

// Stats implements [driver.StatsReporter].
func (s *store) Stats(context.Context) (driver.Stats, error) {
	return driver.Stats{Servers: s.dialer.Stats()}, nil
}

// Close implements [driver.Cache].
func (s *store) Close() error {
	s.closed.Store(true)
	s.lib.close()
	s.views.close()
	return nil
}

// milliseconds returns a TTL as the server counts it, rounded up; "" is none.
func milliseconds(ttl time.Duration) string {
	if ttl == 0 {
		return ""
	}
	ms := ttl / time.Millisecond
	if ttl%time.Millisecond > 0 {
		ms++
	}
	return strconv.FormatInt(int64(ms), 10)
}
