package valkey

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/drivers/valkey/internal/guard"
)

// A tracker is a connection with CLIENT TRACKING: the server reports on it which of the keys that
// were read over it have changed. When the connection is lost, the tracker has ended, and the values
// that were read over it are dropped.
type tracker struct {
	id   uint64
	addr string
	lib  *library

	confirmed atomic.Int64 // when the latest request that has a reply was sent, by near.now
	renewing  atomic.Bool
	ended     atomic.Bool
}

// confirm notes that the server has replied to a request that was sent at that time.
func (t *tracker) confirm(sent time.Duration) {
	for {
		before := t.confirmed.Load()
		if int64(sent) <= before || t.confirmed.CompareAndSwap(before, int64(sent)) {
			return
		}
	}
}

// trackers are the connections of a near view, one for each server.
type trackers struct {
	near *near
	live atomic.Pointer[map[uint64]*tracker] // by number; replaced under mu

	mu      sync.Mutex
	servers map[string]*trackerState // by address
	ids     uint64
	closed  bool
	work    sync.WaitGroup
}

// trackerState is the state of the tracker of one server. It is guarded by trackers.mu.
type trackerState struct {
	tracker *tracker      // nil if there is none
	making  chan struct{} // closed when the attempt in progress ends; nil if there is none
	err     error         // of the last attempt, or why the tracker ended
	tried   time.Time     // when the last attempt ended
	dials   int           // connections that the driver has made to the server
}

func newTrackers(n *near) *trackers {
	ts := &trackers{near: n, servers: map[string]*trackerState{}}
	ts.live.Store(&map[uint64]*tracker{})
	return ts
}

// byID returns a tracker that has not ended, or nil.
func (ts *trackers) byID(id uint64) *tracker { return (*ts.live.Load())[id] }

var errTrackingLost = errors.New("the connection that reports changes was lost")

// get returns the tracker of a server. The first calls wait until it is connected. After an
// attempt failed, or the connection was lost, get returns nil and connects in the background, so
// that no call waits. It does not connect to a server that is silent, until the server replies to
// the driver. It returns an error only if the server refuses to track, if this call has waited
// for the timeout, or if must is set.
func (ts *trackers) get(ctx context.Context, addr string, must bool) (*tracker, error) {
	ts.mu.Lock()
	if ts.closed {
		ts.mu.Unlock()
		return nil, driver.ErrClosed
	}
	s := ts.servers[addr]
	if s == nil {
		s = &trackerState{}
		ts.servers[addr] = s
	}
	st := ts.near.store
	if s.tracker == nil && s.making == nil && (must || time.Since(s.tried) > st.timeout && !st.dialer.Silent(addr)) {
		s.making = make(chan struct{})
		ts.work.Go(func() { ts.make(addr, s) })
	}
	t, making, err := s.tracker, s.making, s.err
	ts.mu.Unlock()
	if making != nil && (err == nil || must) {
		select {
		case <-making:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		ts.mu.Lock()
		t, err = s.tracker, s.err
		ts.mu.Unlock()
		var g *guard.Error
		must = must || errors.As(err, &g) && g.Kind == guard.Timeout
	}
	var refused *trackingError
	if t == nil && (must || errors.As(err, &refused)) {
		return nil, err
	}
	return t, nil
}

// make connects the tracker of a server.
func (ts *trackers) make(addr string, s *trackerState) {
	ts.mu.Lock()
	ts.ids++
	t := &tracker{id: ts.ids, addr: addr}
	dials := s.dials
	ts.mu.Unlock()
	sent := ts.near.now()
	lib, err := ts.near.store.lib.track(addr, ts.near.changed, func() { ts.end(t) })
	t.lib = lib
	t.confirm(sent)

	ts.mu.Lock()
	defer ts.mu.Unlock()
	if err == nil && s.dials != dials && !ts.closed {
		// The driver has connected meanwhile, perhaps to another server.
		ts.work.Go(func() {
			t.ended.Store(true)
			lib.stop()
			ts.make(addr, s)
		})
		return
	}
	if err == nil && (ts.closed || t.ended.Load()) {
		ts.work.Go(lib.stop)
		err = errTrackingLost
	}
	if s.err = err; err == nil {
		s.tracker = t
		ts.publish(func(live map[uint64]*tracker) { live[t.id] = t })
	}
	s.tried = time.Now()
	close(s.making)
	s.making = nil
}

// publish replaces live. It must be called with mu locked.
func (ts *trackers) publish(change func(map[uint64]*tracker)) {
	live := maps.Clone(*ts.live.Load())
	change(live)
	ts.live.Store(&live)
}

// dialed is called when the driver has made a connection to a server. The address may lead to
// another server by now, so the tracker may be connected to the old one.
func (ts *trackers) dialed(addr string) {
	ts.mu.Lock()
	s := ts.servers[addr]
	if s == nil {
		ts.mu.Unlock()
		return
	}
	s.dials++
	t := s.tracker
	ts.mu.Unlock()
	if t != nil {
		ts.end(t)
	}
}

// end closes a tracker. It is also called when the connection was closed.
func (ts *trackers) end(t *tracker) {
	if t.ended.Swap(true) {
		return
	}
	ts.mu.Lock()
	if s := ts.servers[t.addr]; s != nil && s.tracker == t {
		s.tracker, s.err, s.tried = nil, errTrackingLost, time.Time{}
		ts.publish(func(live map[uint64]*tracker) { delete(live, t.id) })
		if !ts.closed {
			ts.work.Go(t.lib.stop)
		}
		ts.near.local.dropAll()
		ts.near.routes.outdated()
	}
	ts.mu.Unlock()
}

// renew checks in the background that the server of a tracker still replies and has key, which
// was read over it. One request is in progress at a time.
func (ts *trackers) renew(t *tracker, key string) {
	// While a request is in progress every hit comes here: a load leaves the cache line shared.
	if t.renewing.Load() || !t.renewing.CompareAndSwap(false, true) {
		return
	}
	ts.mu.Lock()
	defer ts.mu.Unlock()
	if ts.closed {
		return
	}
	ts.work.Go(func() {
		defer t.renewing.Store(false)
		ctx := context.Background()
		n := ts.near
		if addr, ok := n.routes.of(ctx, n.store, key); !ok || addr != t.addr {
			n.local.drop(key) // another server has taken over
			return
		}
		sent := n.now()
		r := request{name: "EXISTS", key: n.store.key(key)}
		err := failureOf(t.lib.do(ctx, &r))
		switch e, ok := err.(serverError); {
		case err == nil:
			t.confirm(sent)
		case ok && moved[e.code()]:
			n.local.drop(key)
			n.routes.outdated()
		default:
			ts.end(t)
		}
	})
}

// moved are the error codes of a node of a cluster that does not have the key.
var moved = map[string]bool{"MOVED": true, "ASK": true, "TRYAGAIN": true}

func (ts *trackers) close() {
	ts.mu.Lock()
	ts.closed = true
	for _, s := range ts.servers {
		if s.tracker != nil {
			ts.work.Go(s.tracker.lib.stop)
		}
	}
	ts.mu.Unlock()
	ts.work.Wait()
}

// A trackingError says that a server does not report changes.
type trackingError struct {
	server string
	cause  error
}

func (e *trackingError) Error() string {
	return fmt.Sprintf("the server does not report changes, so there cannot be a near view: %v; want RESP3, and a user who may use CLIENT TRACKING (+client|tracking)", e.cause)
}

func (e *trackingError) Unwrap() error { return e.cause }
