package ketama

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/puddle/v2"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/internal/endpoint"
	"github.com/larder-go/larder/drivers/internal/epoch"
)

// errNoOldConnection is returned by acquireFor if there is no connection over which a token
// of that epoch may be used.
var errNoOldConnection = errors.New("there is no connection as old as the token")

// acquireFor begins a call, and takes a client over whose connection a token of epoch e may
// be used. It waits for one that is in use.
func (s *server) acquireFor(ctx context.Context, op cache.Op, e epoch.Number) (*client, error) {
	call, err := s.Begin(ctx, op)
	if err != nil {
		return nil, err
	}
	c, err := s.take(&call)
	if err != nil {
		return nil, err
	}
	if c.look(); c.allows(e) {
		return c, nil
	}
	c.ended = true // the call goes on, without this client
	c.release()
	return s.search(&call, e)
}

// search looks through the idle clients for one over whose connection a token of epoch e may
// be used, each time that a client is given back. An error ends the call.
func (s *server) search(call *endpoint.Call, e epoch.Number) (*client, error) {
	s.returns.searching.Add(1)
	defer s.returns.searching.Add(-1)
	timer := time.NewTimer(s.wait)
	defer timer.Stop()
	for {
		given := s.returns.next() // before the look, so that none is missed
		if _, err := s.turns.Enter(call.Ctx, s.wait); err != nil {
			return nil, s.noTurn(call, err)
		}
		if slot := s.idleFor(e); slot != nil {
			c := slot.Value()
			c.begin(slot, *call)
			if c.look(); c.allows(e) { // it was not lost while it was idle
				return c, nil
			}
			c.ended = true
			c.release()
		} else {
			s.turns.Leave()
		}
		if !slices.ContainsFunc(s.clients, func(c *client) bool { return c.allows(e) }) {
			call.Abandoned()
			return nil, errNoOldConnection
		}
		if err := s.returns.wait(call.Ctx, given, timer); err != nil {
			return nil, call.Exhausted(err)
		}
	}
}

// idleFor takes an idle client over whose connection a token of epoch e may be used, or
// returns nil.
func (s *server) idleFor(e epoch.Number) (chosen *puddle.Resource[*client]) {
	s.returns.look.Lock() // or another search would find nothing idle meanwhile
	defer s.returns.look.Unlock()
	for _, slot := range slices.Backward(s.pool.AcquireAllIdle()) {
		if chosen == nil && slot.Value().allows(e) {
			chosen = slot
			continue
		}
		slot.ReleaseUnused()
	}
	return chosen
}

// returns tells calls that search for a client when one is given back.
type returns struct {
	look      sync.Mutex
	searching atomic.Int32

	mu     sync.Mutex    // guards the fields below
	signal chan struct{} // nil until a search wants it
	count  uint64
	waited time.Duration
}

// next returns a channel that is closed when a client is given back after this.
func (r *returns) next() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.signal == nil {
		r.signal = make(chan struct{})
	}
	return r.signal
}

// happened tells that a client was given back.
func (r *returns) happened() {
	if r.searching.Load() == 0 {
		return
	}
	r.mu.Lock()
	if r.signal != nil {
		close(r.signal)
		r.signal = nil
	}
	r.mu.Unlock()
}

var errWaited error = waitedError{}

// waitedError is the cause of an outage. It is a timeout.
type waitedError struct{}

func (waitedError) Error() string {
	return "no connection that leads to the server of the token was free within pool_timeout"
}
func (waitedError) Timeout() bool { return true }

// wait waits until a client was given back.
func (r *returns) wait(ctx context.Context, given <-chan struct{}, timer *time.Timer) (err error) {
	began := time.Now()
	select {
	case <-given:
	case <-timer.C:
		err = errWaited
	case <-ctx.Done():
		err = ctx.Err()
	}
	r.mu.Lock()
	r.count++
	r.waited += time.Since(began)
	r.mu.Unlock()
	return err
}

// waits returns how many waits there were, and how long they took together.
func (r *returns) waits() (uint64, time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.count, r.waited
}
