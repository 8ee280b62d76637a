// Package load fills a cache on demand: Get returns what is cached, or loads it and
// caches it. It adds the two things that a plain "get, load, set" lacks.
//
// No stampede. While a value is loaded, others who want it wait for that one load, in
// this process and, through the cache, in every other.
//
// No stale value. A plain set at the end of a load overwrites an invalidation that
// came while it ran, and the old value then stays for its whole TTL. Here the load
// begins by leaving an empty item under the key, and its result goes in only where
// that very item still is: an invalidation removes it, so that the result is handed to
// those who waited since before, and not cached. This is the lease of Nishtala et al.,
// "Scaling Memcache at Facebook", NSDI 2013, made of add and compare-and-swap.
//
// So an empty value means "being loaded", to readers in other languages too, and a
// load that returns one is not cached. The cache must be able to compare and swap.
package load

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

// Func loads a value. Before it reads something that the value depends on, it calls
// wire with the master key for it: a change that is announced after that, by deleting
// the master, finds the wire. The bytes are the caller's to give away: nobody may
// change them later.
type Func func(ctx context.Context, wire Wire) ([]byte, error)

// Wire wires the key that is being loaded to master keys. After an error an
// invalidation might miss the value, so what the load returns is handed out and not
// cached, whether the load takes notice or not.
type Wire func(ctx context.Context, masters ...string) error

// Config says how to load.
type Config struct {
	// TTL of loaded values; 0 is no expiry.
	TTL time.Duration

	// Lease is how long other processes leave a load alone before one of them
	// loads as well, in case the process that began it has died; 10 s if zero.
	// Choose it longer than any load takes: the value of one that takes longer is
	// not cached. Callers in the same process wait for each other for twice as
	// long, and then load on their own.
	Lease time.Duration
}

// wireMargin is by how much wires outlive values on servers that count seconds.
const wireMargin = 2 * time.Second

// Loader loads values into a cache. It is safe for concurrent use and starts nothing
// in the background.
type Loader struct {
	cache  *cache.Cache
	wires  *dependency.Dependency
	config Config

	mu    sync.Mutex
	calls map[string]*call // the loads of this process, by key
}

// call is a load in progress.
type call struct {
	done  chan struct{} // closed when the fields below are set
	value []byte
	err   error
	again bool // the result is not for those who waited: it was invalidated, or abandoned
}

// How often others look whether a load in another process is done: first soon, then
// less often.
const (
	pollFirst = 2 * time.Millisecond
	pollMost  = 100 * time.Millisecond
)

// maxLost is how many leases may vanish at once, by invalidations or because the cache
// evicts them, before a load goes without.
const maxLost = 10

// New returns a loader into c. Changes are announced by deleting masters of a
// [dependency.Dependency] on the same cache or namespace. New fails if c cannot compare
// and swap, or a duration is negative.
func New(c *cache.Cache, config Config) (*Loader, error) {
	if c == nil {
		return nil, errors.New("load: the cache is nil")
	}
	if !c.Supports(cache.OpCompareAndSwap) {
		return nil, fmt.Errorf("load: the cache cannot compare and swap: %w", errors.ErrUnsupported)
	}
	if config.TTL < 0 || config.Lease < 0 {
		return nil, fmt.Errorf("load: %w: TTL %v, Lease %v; want 0 or more", cache.ErrInvalidTTL, config.TTL, config.Lease)
	}
	if config.Lease == 0 {
		config.Lease = 10 * time.Second
	}
	// A wire is made before the value, which may come when the lease is about to run
	// out, and must be there for as long as the value.
	var wires time.Duration
	if config.TTL > 0 {
		wires = config.TTL + config.Lease + wireMargin
	}
	d, err := dependency.New(c, wires)
	if err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return &Loader{cache: c, wires: d, config: config, calls: map[string]*call{}}, nil
}

// Get returns the value of key, from the cache or from load.
//
// When the cache cannot be reached the value is loaded, once for all who wait in this
// process, and not cached: an outage makes the program slower and does not stop it. An
// invalidation fails in an outage as well; one that gets through to a server that has
// just come back may be overtaken by the load that is running, for those who wait for
// that. A hook on the cache (cache.Hook) sees the errors. Errors of load are returned as
// they are to all who waited, and not cached; errors that are the caller's mistakes, as
// an illegal key, are returned without loading.
//
// A load may Get other keys with the context that it is given, if none needs the first
// one in turn: a key that is needed for its own load is an error. Where two loads wait
// for each other, one in each of two goroutines, they do so for twice the Lease.
//
// Over a cache that keeps nothing (package null) every call loads.
func (l *Loader) Get(ctx context.Context, key string, load Func) ([]byte, error) {
	var patience <-chan time.Time
	for {
		v, err := l.cache.Get(ctx, key)
		switch {
		case err == nil && len(v) > 0:
			return v, nil
		case err == nil, errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrUnavailable):
		default:
			return nil, err
		}
		if l.loading(ctx, key) {
			return nil, fmt.Errorf("load: the value of %.40q is needed to load itself", key)
		}
		if l.cache.Discards() {
			return l.alone(ctx, key, load)
		}
		cl, first := l.join(key)
		if first {
			return l.lead(ctx, key, cl, load)
		}
		if patience == nil {
			timer := time.NewTimer(2 * l.config.Lease)
			defer timer.Stop()
			patience = timer.C
		}
		select {
		case <-cl.done:
			if !cl.again {
				return cl.value, cl.err
			}
		case <-patience:
			return l.alone(ctx, key, load)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// chain is the loads that a context is within, the innermost first.
type chain struct {
	loader *Loader
	key    string
	outer  *chain
}

type chainKey struct{}

func (l *Loader) within(ctx context.Context, key string) context.Context {
	outer, _ := ctx.Value(chainKey{}).(*chain)
	return context.WithValue(ctx, chainKey{}, &chain{l, key, outer})
}

// loading reports whether ctx is that of a load of key.
func (l *Loader) loading(ctx context.Context, key string) bool {
	for c, _ := ctx.Value(chainKey{}).(*chain); c != nil; c = c.outer {
		if c.loader == l && c.key == key {
			return true
		}
	}
	return false
}

// alone loads without the cache.
func (l *Loader) alone(ctx context.Context, key string, load Func) ([]byte, error) {
	return load(l.within(ctx, key), func(ctx context.Context, masters ...string) error {
		return l.wire(ctx, key, masters)
	})
}

// join returns the load of key in this process and whether the caller is the one to
// do it.
func (l *Loader) join(key string) (cl *call, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if cl := l.calls[key]; cl != nil {
		return cl, false
	}
	cl = &call{done: make(chan struct{}), again: true}
	l.calls[key] = cl
	return cl, true
}

// leave makes the next caller start a load of its own.
func (l *Loader) leave(key string, cl *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.calls[key] == cl {
		delete(l.calls, key)
	}
}

// lead is the load of this process: it holds the lease, loads, and stores.
func (l *Loader) lead(ctx context.Context, key string, cl *call, load Func) ([]byte, error) {
	defer close(cl.done) // also if load panics: those who wait then try again
	defer l.leave(key, cl)

	lease, v, err := l.acquire(ctx, key)
	if err != nil {
		return nil, err
	}
	returned := false
	defer func() {
		if !returned {
			l.release(context.WithoutCancel(ctx), lease)
		}
	}()
	if v != nil {
		cl.value, cl.again = v, false
		return v, nil
	}
	var unwired atomic.Bool
	v, err = load(l.within(ctx, key), func(ctx context.Context, masters ...string) error {
		err := l.wire(ctx, key, masters)
		if err != nil {
			unwired.Store(true)
		}
		return err
	})
	returned = true
	// What is left to do is short, and others wait for it.
	ctx, gaveUp := context.WithoutCancel(ctx), ctx.Err() != nil
	// From here on callers start anew: one that comes after an invalidation must not
	// be given what was loaded before it.
	l.leave(key, cl)
	if err != nil {
		l.release(ctx, lease)
		cl.err, cl.again = err, gaveUp // if only our caller gave up, theirs did not
		return nil, err
	}
	valid, err := l.finish(ctx, lease, v, unwired.Load())
	if err != nil {
		return nil, err
	}
	cl.value, cl.again = v, !valid
	return v, nil
}

func (l *Loader) wire(ctx context.Context, key string, masters []string) error {
	for _, master := range masters {
		if err := l.wires.Add(ctx, master, key); err != nil {
			return err
		}
	}
	return nil
}

// finish puts v in the place of the lease, or gives the lease back if v is not to be
// cached. It reports whether v may be handed to those who came during the load: not if
// the lease is gone, or nobody knows, for an invalidation may have come before them.
func (l *Loader) finish(ctx context.Context, lease *cache.Item, v []byte, unwired bool) (valid bool, err error) {
	if lease == nil {
		return true, nil // an outage, as Get says
	}
	err = errNotCached
	if len(v) > 0 && !unwired {
		err = l.cache.CompareAndSwap(ctx, *lease, v, l.config.TTL)
	}
	if err == errNotCached || errors.Is(err, cache.ErrTooLarge) {
		err = l.cache.CompareAndDelete(ctx, *lease)
	}
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, cache.ErrMiss), errors.Is(err, cache.ErrConflict), errors.Is(err, cache.ErrUnavailable):
		return false, nil
	}
	return false, err
}

var errNotCached = errors.New("load: not to be cached")

// release lets others load at once after a load that failed. Where that does not work
// out the lease runs out a little later, to the same effect.
func (l *Loader) release(ctx context.Context, lease *cache.Item) {
	if lease != nil {
		_ = l.cache.CompareAndDelete(ctx, *lease)
	}
}

// acquire leaves an empty item under key and returns it. If another process has done
// so, it waits for the value and returns that. When the cache cannot be reached, or does
// not keep even the lease, it returns neither.
func (l *Loader) acquire(ctx context.Context, key string) (lease *cache.Item, value []byte, err error) {
	lost, until := 0, time.Now().Add(l.config.Lease)
	for pause := pollFirst; ; pause = min(2*pause, pollMost) {
		added := l.cache.Add(ctx, key, nil, l.config.Lease)
		if added != nil && !errors.Is(added, cache.ErrNotStored) {
			return nil, nil, unlessUnavailable(added)
		}
		it, err := l.cache.GetItem(ctx, key)
		switch {
		case err == nil && len(it.Value) > 0:
			return nil, it.Value, nil
		case err == nil && added == nil:
			return &it, nil, nil
		case err == nil && !time.Now().Before(until):
			// It should have expired: it is no lease, or one without an end.
			err = l.cache.CompareAndDelete(ctx, it)
			until = time.Now().Add(l.config.Lease)
		case err != nil && added == nil:
			if lost++; lost == maxLost {
				return nil, nil, nil
			}
		}
		if err != nil && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrConflict) {
			return nil, nil, unlessUnavailable(err)
		}
		// Someone else holds the lease, or an invalidation came at once.
		wait := time.NewTimer(pause)
		select {
		case <-wait.C:
		case <-ctx.Done():
			wait.Stop()
			return nil, nil, ctx.Err()
		}
	}
}

// unlessUnavailable drops the error of an outage, in which the loader does without the
// cache.
func unlessUnavailable(err error) error {
	if errors.Is(err, cache.ErrUnavailable) {
		return nil
	}
	return err
}
