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

// A link is a connection on which a server reports what has changed of that which was read over
// it. When the connection is lost, the link has ended, and what was read over it is dropped.
type link struct {
	id   uint64
	addr string
	lib  *library

	confirmed atomic.Int64 // when the latest request was sent to which there is a reply, see near.now
	renewing  atomic.Bool
	ended     atomic.Bool
}

// confirm notes that the server has replied to a request that was sent then.
func (l *link) confirm(sent time.Duration) {
	for {
		before := l.confirmed.Load()
		if int64(sent) <= before || l.confirmed.CompareAndSwap(before, int64(sent)) {
			return
		}
	}
}

// links are the links of a near view, one to a server.
type links struct {
	near *near
	live atomic.Pointer[map[uint64]*link] // by number; replaced under mu

	mu      sync.Mutex
	servers map[string]*linkState // by address
	ids     uint64
	closed  bool
	work    sync.WaitGroup
}

// linkState is what is known of the link to one server. It is guarded by links.mu.
type linkState struct {
	link   *link         // nil: there is none
	making chan struct{} // nil: none is being made
	err    error         // why there is none
	tried  time.Time     // when the last attempt ended
}

func newLinks(n *near) *links {
	ls := &links{near: n, servers: map[string]*linkState{}}
	ls.live.Store(&map[uint64]*link{})
	return ls
}

// byID returns a link that has not ended, or nil.
func (ls *links) byID(id uint64) *link { return (*ls.live.Load())[id] }

var errLinkLost = errors.New("the connection that reports changes was lost")

// get returns the link to a server. The first calls wait until it is made. After it could not
// be made, or was lost, get returns nil, and tries in the background, so that no call has to
// wait for it; a server that is silent is left to the calls of the driver until it replies. The
// error is returned if the server refuses, if the call has waited for the timeout, and if must
// is set.
func (ls *links) get(ctx context.Context, addr string, must bool) (*link, error) {
	ls.mu.Lock()
	if ls.closed {
		ls.mu.Unlock()
		return nil, driver.ErrClosed
	}
	s := ls.servers[addr]
	if s == nil {
		s = &linkState{}
		ls.servers[addr] = s
	}
	st := ls.near.store
	if s.link == nil && s.making == nil && (must || time.Since(s.tried) > st.timeout && !st.dialer.Silent(addr)) {
		s.making = make(chan struct{})
		ls.work.Go(func() { ls.make(addr, s) })
	}
	l, making, err := s.link, s.making, s.err
	ls.mu.Unlock()
	if making != nil && (err == nil || must) {
		select {
		case <-making:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		ls.mu.Lock()
		l, err = s.link, s.err
		ls.mu.Unlock()
		var g *guard.Error
		must = must || errors.As(err, &g) && g.Kind == guard.Timeout
	}
	var refused *trackingError
	if l == nil && (must || errors.As(err, &refused)) {
		return nil, err
	}
	return l, nil
}

// make makes the link to a server.
func (ls *links) make(addr string, s *linkState) {
	ls.mu.Lock()
	ls.ids++
	l := &link{id: ls.ids, addr: addr}
	ls.mu.Unlock()
	sent := ls.near.now()
	lib, err := ls.near.store.lib.track(addr, ls.near.changed, func() { ls.end(l) })
	l.lib = lib
	l.confirm(sent)

	ls.mu.Lock()
	defer ls.mu.Unlock()
	if err == nil && (ls.closed || l.ended.Load()) {
		ls.work.Go(lib.stop)
		err = errLinkLost
	}
	if s.err = err; err == nil {
		s.link = l
		ls.publish(func(live map[uint64]*link) { live[l.id] = l })
	}
	s.tried = time.Now()
	close(s.making)
	s.making = nil
}

// publish replaces live. It must be called with mu locked.
func (ls *links) publish(change func(map[uint64]*link)) {
	live := maps.Clone(*ls.live.Load())
	change(live)
	ls.live.Store(&live)
}

// end is called when the connection of a link was closed, and to close it.
func (ls *links) end(l *link) {
	if l.ended.Swap(true) {
		return
	}
	ls.mu.Lock()
	if s := ls.servers[l.addr]; s != nil && s.link == l {
		s.link, s.err, s.tried = nil, errLinkLost, time.Time{}
		ls.publish(func(live map[uint64]*link) { delete(live, l.id) })
		if !ls.closed {
			ls.work.Go(l.lib.stop)
		}
		ls.near.kept.dropAll()
		ls.near.routes.outdated()
	}
	ls.mu.Unlock()
}

// renew finds out whether a link is still good, by asking for a key that was read over it.
// It does so in the background, one request at a time.
func (ls *links) renew(l *link, key string) {
	if !l.renewing.CompareAndSwap(false, true) {
		return
	}
	ls.mu.Lock()
	defer ls.mu.Unlock()
	if ls.closed {
		return
	}
	ls.work.Go(func() {
		defer l.renewing.Store(false)
		ctx := context.Background()
		n := ls.near
		if addr, ok := n.routes.of(ctx, n.store, key); !ok || addr != l.addr {
			n.kept.drop(key) // another server has taken over
			return
		}
		sent := n.now()
		r := request{name: "EXISTS", key: n.store.key(key)}
		err := failureOf(l.lib.do(ctx, &r))
		switch e, ok := err.(serverError); {
		case err == nil:
			l.confirm(sent)
		case ok && moved[e.code()]:
			n.kept.drop(key)
			n.routes.outdated()
		default:
			ls.end(l)
		}
	})
}

// moved are the codes of replies of a server of a cluster that does not have the key.
var moved = map[string]bool{"MOVED": true, "ASK": true, "TRYAGAIN": true}

func (ls *links) close() {
	ls.mu.Lock()
	ls.closed = true
	for _, s := range ls.servers {
		if s.link != nil {
			ls.work.Go(s.link.lib.stop)
		}
	}
	ls.mu.Unlock()
	ls.work.Wait()
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
