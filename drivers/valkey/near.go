package valkey

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
	"github.com/larder-go/larder/internal/stripe"
	"github.com/larder-go/larder/memory"
)

// Defaults of a [NearConfig].
const (
	DefaultNearMaxAge   = time.Second
	DefaultNearMaxBytes = 64 << 20
)

// minNearMaxAge is the least MaxAge. Values would not outlast the reply that they came in, and a
// smaller one is as a rule a number without its unit.
const minNearMaxAge = time.Millisecond

// NearConfig configures a near view. The zero value has the defaults.
type NearConfig struct {
	// MaxAge bounds how stale a value may be: one that Get returns was on the server
	// at some time within MaxAge before the call. Values become that old only when packets
	// are lost or the server is frozen; otherwise a change is seen as soon as its report
	// arrives. While values are read, each server is sent two requests in MaxAge, which
	// check the connection. It is at least a millisecond. Default: DefaultNearMaxAge.
	MaxAge time.Duration

	// MaxBytes bounds the memory of the values that are kept, and evicts as that of
	// [memory.Config] does. Default: DefaultNearMaxBytes.
	MaxBytes int64
}

func (c NearConfig) check() (NearConfig, error) {
	switch {
	case c.MaxAge != 0 && c.MaxAge < minNearMaxAge:
		return c, fmt.Errorf("MaxAge %v must be at least %v (0 means %v)", c.MaxAge, minNearMaxAge, DefaultNearMaxAge)
	case c.MaxBytes < 0 || c.MaxBytes > 0 && c.MaxBytes < memory.MinMaxBytes:
		return c, fmt.Errorf("MaxBytes %d must be at least %d (0 means %d)", c.MaxBytes, memory.MinMaxBytes, DefaultNearMaxBytes)
	}
	if c.MaxAge == 0 {
		c.MaxAge = DefaultNearMaxAge
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultNearMaxBytes
	}
	return c, nil
}

// Near returns a view of c that keeps the values that it reads in the memory of the process: Get
// and GetMulti return them without a request. The server reports the keys that change, and the
// view drops them. The rules are in the section Near view of the package comment.
//
// c must be a cache of this driver. The view has its prefix, kind, encoding and hook. Closing one
// closes the other. A view and its values stay in memory until then: make one and share it.
// Near does not connect.
func Near(c *cache.Cache, cfg NearConfig) (*cache.Cache, error) {
	fail := func(err error) (*cache.Cache, error) { return nil, fmt.Errorf("%s: near: %w", name, err) }
	if c == nil {
		return fail(errors.New("the cache is nil"))
	}
	cfg, err := cfg.check()
	if err != nil {
		return fail(err)
	}
	return newNearView(c, cfg)
}

// newNearView is Near with a configuration that was checked.
func newNearView(c *cache.Cache, cfg NearConfig) (*cache.Cache, error) {
	view, err := local.NearView(c, func(d driver.Cache) (local.Near, error) {
		s, ok := d.(*store)
		if !ok {
			return nil, fmt.Errorf("the driver of the cache is %q; want %q", c.Driver(), name)
		}
		return s.newNear(cfg)
	})
	if err != nil {
		return nil, fmt.Errorf("%s: near: %w", name, err)
	}
	return view.(*cache.Cache), nil
}

// A near keeps values that were read over connections on which the server reports what
// changes (CLIENT TRACKING). A value is returned only if the server has replied, on the connection
// over which the value was read, to a request that was sent within the last maxAge. The server
// sends reports and replies in the order of the changes and requests, so every change before that
// request has been reported.
type near struct {
	store    *store
	maxAge   time.Duration
	base     time.Time // of now
	local    *localCache
	trackers *trackers
	routes   routes

	stale stripe.Counter // lookups of values that are kept and whose tracker was not confirmed in time
}

func (s *store) newNear(cfg NearConfig) (*near, error) {
	k, err := newLocalCache(cfg.MaxBytes)
	if err != nil {
		return nil, err
	}
	n := &near{store: s, maxAge: cfg.MaxAge, base: time.Now(), local: k}
	n.trackers = newTrackers(n)
	if !s.views.add(n) {
		return nil, driver.ErrClosed
	}
	return n, nil
}

// changed is called with the keys that a server reports as changed, with their prefix. Without
// keys, everything may have changed.
func (n *near) changed(keys []string) {
	if len(keys) == 0 {
		n.local.dropAll()
	}
	for _, key := range keys {
		if key, ok := strings.CutPrefix(key, n.store.prefix); ok {
			n.local.drop(key)
		}
	}
}

// now returns the time since the view was made, by the monotonic clock.
func (n *near) now() time.Duration { return time.Since(n.base) }

// Lookup implements [local.Near]. The value of a kept key is returned if its tracker was confirmed
// within maxAge.
func (n *near) Lookup(key string) ([]byte, bool) {
	v, id, ok := n.local.get(key)
	if !ok {
		return nil, false
	}
	t := n.trackers.byID(id)
	if t == nil {
		n.stale.Add()
		return nil, false
	}
	switch age := n.now() - time.Duration(t.confirmed.Load()); {
	case age > n.maxAge:
		n.stale.Add()
		return nil, false
	case age > n.maxAge/2:
		n.trackers.renew(t, key)
	}
	return v, true
}

// Get implements [local.Near].
func (n *near) Get(ctx context.Context, key string) ([]byte, error) {
	f := fetch{near: n, op: cache.OpGet, keys: []string{key}, values: make([][]byte, 1), errs: make([]error, 1)}
	f.run(ctx, []int{0})
	if f.rest != nil {
		return n.store.Get(ctx, key)
	}
	if f.values[0] == nil && f.errs[0] == nil {
		return nil, driver.ErrMiss
	}
	return f.values[0], f.errs[0]
}

// GetMulti implements [local.Near].
func (n *near) GetMulti(ctx context.Context, keys []string) ([][]byte, []error) {
	f := fetch{near: n, op: cache.OpGetMulti, keys: keys, values: make([][]byte, len(keys))}
	var asked []int
	for i, key := range keys {
		if v, ok := n.Lookup(key); ok {
			f.values[i] = v
		} else {
			asked = append(asked, i)
		}
	}
	if asked == nil {
		return f.values, nil
	}
	f.errs = make([]error, len(keys))
	f.run(ctx, asked)
	f.fill(ctx)
	for _, err := range f.errs {
		if err != nil {
			return f.values, f.errs
		}
	}
	return f.values, nil
}

// Ping implements [local.Near]. It also fails if the servers do not report changes.
func (n *near) Ping(ctx context.Context) error {
	if err := n.store.Ping(ctx); err != nil {
		return err
	}
	addrs, err := n.routes.all(ctx, n.store)
	if err != nil {
		return n.store.failure(ctx, cache.OpPing, err)
	}
	errs := make([]error, len(addrs))
	for i, addr := range addrs {
		if _, err := n.trackers.get(ctx, addr, true); err != nil {
			errs[i] = n.store.failure(ctx, cache.OpPing, err)
		}
	}
	return join(errs)
}

// Stats implements [local.Near]: hits are gets of keys whose values were kept, misses those
// for which a server was asked.
func (n *near) Stats(ctx context.Context) (driver.Stats, error) {
	st, err := n.store.Stats(ctx)
	if err != nil {
		return st, err
	}
	stale := n.stale.Load() // first, so that it is not more than the hits
	k := n.local.stats()
	st.Hits, st.Misses = k.Hits-stale, k.Misses+stale
	st.Expirations, st.EvictionsBySize, st.Entries, st.Bytes = k.Expirations, k.EvictionsBySize, k.Entries, k.Bytes
	return st, nil
}
