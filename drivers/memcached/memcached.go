package memcached

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
	"github.com/larder-go/larder/drivers/memcached/internal/cluster"
	"github.com/larder-go/larder/drivers/memcached/internal/protocol"
	"github.com/larder-go/larder/drivers/memcached/internal/resolver"
)

// driverCache is the driver.
type driverCache struct {
	cluster *cluster.Cluster
	dialect memcached.Dialect

	onWriteFailure func(key string, op cache.Op, ambiguous bool)
}

var (
	_ driver.Cache          = (*driverCache)(nil)
	_ driver.Batcher        = (*driverCache)(nil)
	_ driver.BatchSwapper   = (*driverCache)(nil)
	_ driver.InitialCounter = (*driverCache)(nil)
	_ driver.Toucher        = (*driverCache)(nil)
	_ driver.Pinger         = (*driverCache)(nil)
	_ driver.StatsReporter  = (*driverCache)(nil)
)

// New returns a cache on the servers of c, or an error if c is invalid or names files that
// cannot be read. It does not connect: a server that is down, or whose name does not resolve,
// is an error of the calls that need it. Close the cache to close its connections.
func New(c Config) (*cache.Cache, error) {
	d, err := newDriver(c)
	if err != nil {
		return nil, fmt.Errorf(name+": %w", err)
	}
	return cache.New(d, cache.Options{Name: name, KeyEncoding: c.KeyEncoding}), nil
}

func newDriver(c Config) (*driverCache, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	secure, err := tlsfiles.Load(p.TLS, (*tlsfiles.Files)(p.TLSFiles))
	if err != nil {
		return nil, err
	}
	dialer := cluster.Dialer{
		Timeout:  p.Timeout,
		TLS:      secure,
		Greeting: cluster.Greeting{User: p.User, Password: p.Password},
	}
	if r, ok := p.Resolver.(*resolver.Config); ok {
		r.Dial = dialer.Connect
	}
	cfg := cluster.Config{
		Dialer:       dialer,
		Conns:        p.Conns,
		Replays:      p.ReplayDeletes,
		Distribution: p.Distribution,
		Resolver:     p.Resolver,
		PollInterval: p.PollInterval,
	}
	all, err := cluster.New(cfg, p.servers)
	if err != nil {
		return nil, err
	}
	return &driverCache{cluster: all, dialect: p.dialect, onWriteFailure: p.OnWriteFailure}, nil
}

// Flush implements [driver.Cache].
func (d *driverCache) Flush(ctx context.Context) error {
	const op = cache.OpFlush
	return d.everywhere(ctx, op, func(s *cluster.Server) error {
		call, f := s.DoKeyless(ctx, protocol.FlushAll, false)
		if f != nil {
			return d.failed(op, s, "", f)
		}
		defer call.Free()
		if call.Reply().Status == protocol.Failed {
			return fail(op, s, memcached.ErrFlushDisabled)
		}
		return nil
	})
}

// Ping implements [driver.Pinger]. It tries servers that are known to be down.
func (d *driverCache) Ping(ctx context.Context) error {
	const op = cache.OpPing
	return d.everywhere(ctx, op, func(s *cluster.Server) error {
		call, f := s.DoKeyless(ctx, protocol.Noop, true)
		if f != nil {
			return d.failed(op, s, "", f)
		}
		call.Free()
		return nil
	})
}

// everywhere calls f for all servers at once, and joins the errors.
func (d *driverCache) everywhere(ctx context.Context, op cache.Op, f func(*cluster.Server) error) error {
	servers, err := d.cluster.Servers(ctx)
	if err != nil {
		return d.unresolved(ctx, op, err)
	}
	return fanout.All(len(servers), func(i int) error { return f(servers[i]) })
}

// Stats implements [driver.StatsReporter].
func (d *driverCache) Stats(ctx context.Context) (driver.Stats, error) {
	servers, err := d.cluster.Servers(ctx)
	if err != nil {
		return driver.Stats{}, d.unresolved(ctx, cache.OpStats, err)
	}
	var st driver.Stats
	for _, s := range servers {
		st.Servers = append(st.Servers, s.Stats())
	}
	return st, nil
}

// Close implements [driver.Cache].
func (d *driverCache) Close() error {
	d.cluster.Close()
	return nil
}
