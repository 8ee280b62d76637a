package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// A Resolver finds the servers of a cache.
type Resolver interface {
	// Resolve returns the servers, as memcached.ParseServer reads them.
	Resolve(ctx context.Context) ([]string, error)
}

// discovery asks a resolver for the list of servers from time to time, while the cluster is
// used. Another list than the one in use takes its place when it was found twice in a row.
// When there is no reply, the one in use stays.
type discovery struct {
	cluster *Cluster
	life    context.Context
	end     context.CancelFunc
	wg      sync.WaitGroup
	due     atomic.Bool // it is time to ask

	mu     sync.Mutex
	closed bool
	asking *asking            // in progress, or the last one
	timer  *time.Timer        // makes it due again
	seen   []memcached.Server // another list than the one in use, found the last time
}

// asking is a question to the resolver, for all who wait for the first list.
type asking struct {
	done chan struct{} // closed when err is set
	err  error
}

// soon is the time until the next question after one that failed or found another list.
const soon = time.Second

func newDiscovery(c *Cluster) *discovery {
	d := &discovery{cluster: c}
	d.due.Store(true)
	d.life, d.end = context.WithCancel(context.Background())
	return d
}

// now returns the topology, and waits for the first one.
func (d *discovery) now(ctx context.Context) (*topology, error) {
	if t := d.cluster.topology.Load(); t != nil {
		if d.due.Load() {
			d.ask()
		}
		return t, nil
	}
	a := d.ask()
	select {
	case <-a.done:
		if a.err != nil {
			return nil, a.err
		}
		return d.cluster.topology.Load(), nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// ask asks the resolver, if it is time. It returns the question in progress, or the last
// one.
func (d *discovery) ask() *asking {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		a := &asking{done: make(chan struct{}), err: driver.ErrClosed}
		close(a.done)
		return a
	}
	if d.due.Swap(false) {
		d.asking = &asking{done: make(chan struct{})}
		d.wg.Go(func() { d.run(d.asking) })
	}
	return d.asking
}

func (d *discovery) run(a *asking) {
	ctx, cancel := context.WithTimeout(d.life, d.cluster.cfg.Timeout)
	defer cancel()
	names, err := d.cluster.cfg.Resolver.Resolve(ctx)
	if err == nil && len(names) == 0 {
		err = errors.New("the list of servers is empty")
	}
	var list []memcached.Server
	if err == nil {
		list, err = memcached.ParseServers(names)
	}
	next := soon
	if err == nil {
		next, err = d.found(list)
	}
	if err != nil {
		err = fmt.Errorf("finding the servers: %w", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.timer = time.AfterFunc(jitter(next), func() { d.due.Store(true) })
	}
	a.err = err
	close(a.done)
}

// found notes that the resolver returned list, and returns the time until it is asked
// again.
func (d *discovery) found(list []memcached.Server) (next time.Duration, err error) {
	interval := d.cluster.cfg.PollInterval
	t := d.cluster.topology.Load()
	switch {
	case t != nil && slices.Equal(list, t.list):
		d.seen = nil
		return interval, nil
	case t != nil && !slices.Equal(list, d.seen):
		d.seen = list
		return min(soon, interval), nil
	}
	d.seen = nil
	return interval, d.cluster.use(list)
}

func (d *discovery) close() {
	d.mu.Lock()
	d.closed = true
	if d.timer != nil {
		d.timer.Stop()
	}
	d.mu.Unlock()
	d.end()
	d.wg.Wait()
}
