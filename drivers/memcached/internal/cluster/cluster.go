package cluster

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/distribution"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// A Cluster is the servers of a cache, and says which of them has a key. Its methods are
// safe for concurrent use.
type Cluster struct {
	cfg       Config
	topology  atomic.Pointer[topology] // nil as long as the servers are not known
	discovery *discovery               // nil if the servers never change

	mu      sync.Mutex
	closed  bool
	known   map[string]*Server // by address
	retired []*Server          // those that left the list when it changed last
}

// topology is a list of servers and how keys are distributed over them.
type topology struct {
	list         []memcached.Server
	servers      []*Server
	distribution distribution.Distribution
}

// New returns a cluster of the given servers, or of those that cfg.Resolver finds.
func New(cfg Config, list []memcached.Server) (*Cluster, error) {
	c := &Cluster{cfg: cfg, known: map[string]*Server{}}
	if cfg.Resolver != nil {
		c.discovery = newDiscovery(c)
		return c, nil
	}
	return c, c.use(list)
}

// use makes list the servers of the cluster. Servers that stay keep their connections.
func (c *Cluster) use(list []memcached.Server) error {
	d, err := distribution.New(c.cfg.Distribution, list)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return driver.ErrClosed
	}
	t := &topology{list: list, distribution: d}
	used := map[string]bool{}
	for _, s := range list {
		srv := c.known[s.Addr()]
		if srv == nil {
			srv = NewServer(s, &c.cfg)
			c.known[srv.Name] = srv
		}
		used[srv.Name] = true
		t.servers = append(t.servers, srv)
	}
	c.topology.Store(t)
	closing := c.retired
	c.retired = nil
	for name, srv := range c.known {
		if !used[name] {
			delete(c.known, name)
			c.retired = append(c.retired, srv)
			srv.retire()
		}
	}
	// Calls that had picked these before the last change are over.
	for _, srv := range closing {
		srv.Close()
	}
	return nil
}

// now returns the topology. The first time it may have to ask for it.
func (c *Cluster) now(ctx context.Context) (*topology, error) {
	if c.discovery != nil {
		return c.discovery.now(ctx)
	}
	return c.topology.Load(), nil
}

// Pick returns the server that has key.
func (c *Cluster) Pick(ctx context.Context, key string) (*Server, error) {
	t, err := c.now(ctx)
	if err != nil {
		return nil, err
	}
	return t.servers[t.distribution.Pick(key)], nil
}

// Servers returns all servers, in the order of the list.
func (c *Cluster) Servers(ctx context.Context) ([]*Server, error) {
	t, err := c.now(ctx)
	if err != nil {
		return nil, err
	}
	return t.servers, nil
}

// Close closes all connections and waits for what runs for them.
func (c *Cluster) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	if c.discovery != nil {
		c.discovery.close()
	}
	var wg sync.WaitGroup
	for _, s := range c.known {
		wg.Go(s.Close)
	}
	for _, s := range c.retired {
		wg.Go(s.Close)
	}
	wg.Wait()
}
