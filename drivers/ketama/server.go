package ketama

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"
	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/memcached"
)

// server is one memcached with the pool of clients for it. A pool for each server, and
// not one for all, keeps a server that does not answer from taking the clients that
// the others need.
type server struct {
	name    string // its address, for errors
	addr    *memcache.Addr
	timeout time.Duration
	wait    time.Duration // for a free client
	size    int
	pool    *puddle.Pool[*client]
	closed  atomic.Bool

	// generation goes up when a connection turns out to be lost; clients of an
	// older one drop theirs.
	generation atomic.Uint64
}

// endpoint is a [net.Addr] that is resolved each time it is dialled.
type endpoint struct{ network, address string }

func (e endpoint) Network() string { return e.network }
func (e endpoint) String() string  { return e.address }

func newServer(s memcached.Server, cfg Config) (*server, error) {
	srv := &server{
		name:    s.Addr(),
		addr:    memcache.NewAddr(endpoint{s.Network(), s.Addr()}),
		timeout: cfg.Timeout,
		wait:    cfg.PoolTimeout,
		size:    cfg.PoolSize,
	}
	pool, err := puddle.NewPool(&puddle.Config[*client]{
		Constructor: func(context.Context) (*client, error) { return newClient(srv), nil },
		Destructor:  (*client).close,
		MaxSize:     int32(cfg.PoolSize),
	})
	if err != nil {
		return nil, err
	}
	srv.pool = pool
	for range cfg.PoolSize {
		if err := pool.CreateResource(context.Background()); err != nil {
			pool.Close()
			return nil, err
		}
	}
	return srv, nil
}

// PickServer and Servers make a [memcache.Servers] of one server: the ring has chosen
// it before a client comes into play.
func (s *server) PickServer(string) (*memcache.Addr, error) { return s.addr, nil }
func (s *server) Servers() ([]*memcache.Addr, error)        { return []*memcache.Addr{s.addr}, nil }

// acquire takes a client from the pool and waits for one if need be. The pool is full
// from the start, so nothing is made here.
func (s *server) acquire(ctx context.Context, op cache.Op) (*client, error) {
	if c := s.tryAcquire(ctx); c != nil {
		return c, nil
	}
	waiting, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	slot, err := s.pool.Acquire(waiting)
	if err == nil {
		return s.take(slot), nil
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return nil, driver.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, s.fail(op, err)
	}
	return nil, s.unavailable(op, &exhaustedError{s.size, s.wait})
}

// tryAcquire takes a client if one is free, else nil.
func (s *server) tryAcquire(ctx context.Context) *client {
	slot, err := s.pool.TryAcquire(ctx)
	if err != nil {
		return nil // the pool is empty or closed; Acquire tells which
	}
	return s.take(slot)
}

func (s *server) take(slot *puddle.Resource[*client]) *client {
	c := slot.Value()
	c.slot = slot
	return c
}

// limit returns the timeout for an exchange: that of the configuration or, if it is
// less, what is left of the context's deadline.
func (s *server) limit(ctx context.Context) (timeout time.Duration, limited bool, err error) {
	if err := ctx.Err(); err != nil {
		return 0, false, err
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		return s.timeout, false, nil
	}
	left := time.Until(deadline)
	if left <= 0 {
		return 0, false, context.DeadlineExceeded // the context's timer is a moment late
	}
	return min(left, s.timeout), left < s.timeout, nil
}

// exhaustedError says that no client was free in time.
type exhaustedError struct {
	size int
	wait time.Duration
}

func (e *exhaustedError) Error() string {
	return fmt.Sprintf("no connection was free within %v (pool_timeout); all %d (pool_size) are in use", e.wait, e.size)
}

// Timeout makes a time-out of it, as of a server that does not answer in time.
func (e *exhaustedError) Timeout() bool { return true }
