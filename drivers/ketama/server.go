package ketama

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"
	"github.com/rainycape/memcache"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/memcached"
	"github.com/larder-go/larder/drivers/ketama/internal/turns"
)

// server is one memcached with the pool of clients for it. A pool for each server, and not
// one for all, keeps a server that does not reply from taking the clients that the others
// need.
type server struct {
	*endpoint.Endpoint
	timeout time.Duration
	addr    *memcache.Addr // as it was configured, for the library
	network string

	// Callers wait for their turn, and then there is a client for them. The pool could
	// make them wait too, but would allocate for each wait.
	turns   *turns.Turns
	wait    time.Duration // for a turn
	pool    *puddle.Pool[*client]
	clients []*client // all that the pool holds

	// generation goes up when connections turn out to be lost, or to lead to an address
	// that the server has left. Clients of an older generation drop theirs.
	generation atomic.Uint64

	returns returns // of clients, for calls that wait for one of a kind
}

// address is a net.Addr for the library.
type address struct{ network, addr string }

func (a address) Network() string { return a.network }
func (a address) String() string  { return a.addr }

func newServer(m memcached.Server, c Config) (*server, error) {
	s := &server{
		Endpoint: endpoint.New(name, m.Network(), m.Addr(), c.Timeout),
		timeout:  c.Timeout,
		addr:     memcache.NewAddr(address{m.Network(), m.Addr()}),
		network:  m.Network(),
		turns:    turns.New(c.PoolSize),
		wait:     c.PoolTimeout,
	}
	pool, err := puddle.NewPool(&puddle.Config[*client]{
		Constructor: func(context.Context) (*client, error) {
			k := newClient(s)
			s.clients = append(s.clients, k)
			return k, nil
		},
		Destructor: (*client).close,
		MaxSize:    int32(c.PoolSize),
	})
	if err != nil {
		return nil, err
	}
	s.pool = pool
	for range c.PoolSize {
		if err := pool.CreateResource(context.Background()); err != nil {
			pool.Close()
			return nil, err
		}
	}
	return s, nil
}

// acquire begins a call, and takes a client for it.
func (s *server) acquire(ctx context.Context, op cache.Op) (*client, error) {
	c, err := s.acquireLibrary(ctx, op)
	if err == nil {
		c.look()
	}
	return c, err
}

// acquireLibrary is acquire for a call that goes through rainycape.
func (s *server) acquireLibrary(ctx context.Context, op cache.Op) (*client, error) {
	call, err := s.Begin(ctx, op)
	if err != nil {
		return nil, err
	}
	return s.take(&call)
}

// take takes a client from the pool, and waits for a turn if need be. An error ends the
// call.
func (s *server) take(call *endpoint.Call) (*client, error) {
	waited, err := s.turns.Enter(call.Ctx, s.wait)
	if err != nil {
		return nil, s.noTurn(call, err)
	}
	if waited {
		if err := call.Waited(); err != nil {
			s.turns.Leave()
			return nil, err
		}
	}
	slot, err := s.pool.TryAcquire(call.Ctx)
	if err == puddle.ErrNotAvailable {
		// Another call has taken all of them to look for one. It gives them back at
		// once.
		slot, err = s.pool.Acquire(context.Background())
	}
	if err != nil {
		s.turns.Leave()
		call.Abandoned()
		return nil, driver.ErrClosed
	}
	c := slot.Value()
	c.begin(slot, *call)
	return c, nil
}

// give gives a client back to the pool: to be the next one, or the last if it has no
// connection. A server at its limit of connections gives it none, and a client that came
// next would have that call fail as well, while others are connected and idle.
func (s *server) give(c *client) {
	slot, generation := c.slot, c.generation
	if c.connects() {
		slot.ReleaseUnused()
	} else {
		s.giveLast(slot)
	}
	if s.generation.Load() != generation {
		s.dropIdle() // the last one may have come before c was idle
	}
	s.turns.Leave()
	s.returns.happened()
}

func (s *server) giveLast(slot *puddle.Resource[*client]) {
	s.returns.look.Lock() // as in idleFor
	defer s.returns.look.Unlock()
	before := s.pool.AcquireAllIdle()
	slot.ReleaseUnused()
	for _, slot := range slices.Backward(before) {
		slot.ReleaseUnused()
	}
}

// noTurn ends a call that waited for its turn in vain, and returns its error.
func (s *server) noTurn(call *endpoint.Call, err error) error {
	if err == turns.ErrClosed {
		call.Abandoned()
		return driver.ErrClosed
	}
	return call.Exhausted(&exhaustedError{len(s.clients), s.wait})
}

// dropIdle has the idle clients drop their connections. Those in use follow when they are
// given back.
func (s *server) dropIdle() {
	s.returns.look.Lock() // as in idleFor
	defer s.returns.look.Unlock()
	for _, slot := range slices.Backward(s.pool.AcquireAllIdle()) {
		slot.Value().keepUp()
		slot.ReleaseUnused()
	}
}

// stats returns the statistics of the connections. Each client counts its own, so that the
// numbers fit together although no lock is taken.
func (s *server) stats() driver.ServerStats {
	st := driver.ServerStats{Server: s.Addr(), MaxOpen: mostConns * len(s.clients), Failures: s.Failures()}
	for _, c := range s.clients {
		c.count(&st)
	}
	st.Open = st.InUse + st.Idle
	st.Opened = st.Closed + uint64(st.Open)
	st.WaitCount, st.WaitDuration = s.turns.Waits()
	n, d := s.returns.waits()
	st.WaitCount, st.WaitDuration = st.WaitCount+n, st.WaitDuration+d
	return st
}

// exhaustedError says that no client was free in time.
type exhaustedError struct {
	size int
	wait time.Duration
}

func (e *exhaustedError) Error() string {
	return fmt.Sprintf("no connection was free within %v (pool_timeout); all %d (pool_size) are in use", e.wait, e.size)
}

// Timeout makes it a timeout, as that of a server that does not reply in time.
func (e *exhaustedError) Timeout() bool { return true }
