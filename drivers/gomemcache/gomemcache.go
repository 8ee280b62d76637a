package gomemcache

import (
	"context"
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/fanout"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/internal/tlsfiles"
)

// name is the name of the driver, in DSNs and errors.
const name = "gomemcache"

// cluster is the driver: the servers, and the distribution that says which holds a key.
type cluster struct {
	servers      []*server // in the order of the configuration
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

var (
	_ driver.Cache         = (*cluster)(nil)
	_ driver.Batcher       = (*cluster)(nil)
	_ driver.BatchSwapper  = (*cluster)(nil)
	_ driver.Toucher       = (*cluster)(nil)
	_ driver.Pinger        = (*cluster)(nil)
	_ driver.StatsReporter = (*cluster)(nil)
)

// New returns a cache on the servers of c, or an error if c is invalid or names files that
// cannot be read. It does not connect: a server that is down, or whose name does not resolve,
// is an error of the calls that need it. Close the cache to close its connections.
func New(c Config) (*cache.Cache, error) {
	d, err := newCluster(c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return cache.New(d, cache.Options{Name: name, KeyEncoding: c.KeyEncoding}), nil
}

func newCluster(c Config) (*cluster, error) {
	p, err := c.check()
	if err != nil {
		return nil, err
	}
	secure, err := tlsfiles.Load(c.TLS, (*tlsfiles.Files)(c.TLSFiles))
	if err != nil {
		return nil, err
	}
	d := &cluster{distribution: p.distribution, dialect: p.dialect}
	for _, s := range p.servers {
		d.servers = append(d.servers, newServer(s, p.config, secure))
	}
	return d, nil
}

// pick returns the server that holds key.
func (d *cluster) pick(key string) *server { return d.servers[d.distribution.Pick(key)] }

// fail returns the error of op for a failure, other than an outage, of the server that holds key.
func (d *cluster) fail(op cache.Op, key string, cause error) error {
	return d.pick(key).Fail(op, cause)
}

// Flush implements [driver.Cache].
func (d *cluster) Flush(ctx context.Context) error { return d.all(ctx, cache.OpFlush, verbFlush) }

// Ping implements [driver.Pinger].
func (d *cluster) Ping(ctx context.Context) error { return d.all(ctx, cache.OpPing, verbPing) }

// all sends a request without a key to all servers at once.
func (d *cluster) all(ctx context.Context, op cache.Op, v verb) error {
	return fanout.All(len(d.servers), func(i int) error {
		return d.servers[i].do(ctx, &request{op: op, verb: v, idempotent: true})
	})
}

// Stats implements [driver.StatsReporter].
func (d *cluster) Stats(context.Context) (driver.Stats, error) {
	st := driver.Stats{Servers: make([]driver.ServerStats, len(d.servers))}
	for i, s := range d.servers {
		st.Servers[i] = s.stats()
	}
	return st, nil
}

// Close implements [driver.Cache].
func (d *cluster) Close() error {
	for _, s := range d.servers {
		s.pool.Close()
	}
	return nil
}
