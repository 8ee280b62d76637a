package ketama

import (
	"context"
	"errors"
	"sync"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/wire"
)

// scheme is the name of the driver, in DSNs and errors.
const scheme = "ketama"

// cluster is the driver: the servers, and the ring that says which holds a key.
type cluster struct {
	servers      []*server
	distribution distribution.Distribution
	dialect      memcached.Dialect
}

var (
	_ driver.Cache        = (*cluster)(nil)
	_ driver.Batcher      = (*cluster)(nil)
	_ driver.BatchSwapper = (*cluster)(nil)
	_ driver.Toucher      = (*cluster)(nil)
	_ driver.Pinger       = (*cluster)(nil)
)

// New makes a cache on the servers of cfg. It checks the configuration and does not
// connect: use Ping for that. Close it to close its connections.
func New(cfg Config) (*cache.Cache, error) {
	p, err := cfg.check()
	if err != nil {
		return nil, err
	}
	d := &cluster{distribution: p.distribution, dialect: p.dialect}
	for _, s := range p.servers {
		srv, err := newServer(s, p.cfg)
		if err != nil {
			return nil, errors.Join(err, d.Close())
		}
		d.servers = append(d.servers, srv)
	}
	return cache.New(d, cache.Options{Name: scheme, KeyEncoding: cfg.KeyEncoding}), nil
}

// position returns the position of the server that holds key.
func (d *cluster) position(key string) int {
	return d.distribution.Pick(key)
}

// acquire takes a client for the server that holds key.
func (d *cluster) acquire(ctx context.Context, op cache.Op, key string) (*client, error) {
	return d.servers[d.position(key)].acquire(ctx, op)
}

// Flush implements [driver.Cache].
func (d *cluster) Flush(ctx context.Context) error {
	return d.everywhere(ctx, cache.OpFlush, wire.Flush)
}

// Ping implements [driver.Pinger].
func (d *cluster) Ping(ctx context.Context) error { return d.everywhere(ctx, cache.OpPing, wire.Noop) }

// everywhere sends a command without a key to all servers at once and joins their
// errors.
func (d *cluster) everywhere(ctx context.Context, op cache.Op, command wire.Op) error {
	errs := make([]error, len(d.servers))
	var wg sync.WaitGroup
	for i, s := range d.servers {
		wg.Go(func() {
			c, err := s.acquire(ctx, op)
			if err == nil {
				defer c.release()
				_, err = c.ask(ctx, op, true, wire.Request{Op: command})
			}
			errs[i] = err
		})
	}
	wg.Wait()
	return memcached.Join(errs)
}

// Close implements [driver.Cache].
func (d *cluster) Close() error {
	for _, s := range d.servers {
		s.closed.Store(true)
	}
	for _, s := range d.servers {
		s.pool.Close()
	}
	return nil
}
