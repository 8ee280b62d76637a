package cache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/keyrule"
	"github.com/larder-go/larder/internal/local"
)

// A Cache is a handle to a cache backend. It is safe for concurrent use. Make one with
// [Open] or with the New of a driver.
//
// [Cache.WithKind], [Cache.WithPrefix], [Cache.WithHook] and [Cache.Namespace] return
// views: other handles to the same data. Closing one closes all of them.
type Cache struct {
	core *core
	view
	bare  *Cache      // the same view without its hook; nil if there is no hook
	parts *partitions // nil if there are no partitions
}

// core is shared by all views of a cache: the driver, its abilities, and whether it is
// closed.
type core struct {
	opened   *Cache // the view that New returned
	driver   driver.Cache
	name     string
	discards bool
	closed   atomic.Bool

	batch     driver.Batcher
	swap      driver.Swapper
	batchSwap driver.BatchSwapper
	initial   driver.InitialCounter
	touch     driver.Toucher
	ping      driver.Pinger
	stats     driver.StatsReporter
	local     local.Cache

	invalidations atomic.Uint64 // of package load, and flushes
}

// Options configure New.
type Options struct {
	// Name is the name under which the driver is registered.
	Name string

	// KeyEncoding is applied to every key. The zero value leaves keys as they are.
	KeyEncoding encoding.Encoding

	// Discards says that the driver keeps nothing by design, as package null does:
	// a stored value is never found.
	Discards bool
}

// New returns a Cache backed by d. It is intended for driver authors; applications call
// the driver's New, or [Open].
func New(d driver.Cache, o Options) *Cache {
	co := &core{driver: d, name: o.Name, discards: o.Discards}
	co.batch, _ = d.(driver.Batcher)
	co.swap, _ = d.(driver.Swapper)
	co.batchSwap, _ = d.(driver.BatchSwapper)
	co.initial, _ = d.(driver.InitialCounter)
	co.touch, _ = d.(driver.Toucher)
	co.ping, _ = d.(driver.Pinger)
	co.stats, _ = d.(driver.StatsReporter)
	co.local, _ = d.(local.Cache)
	var v view
	if !o.KeyEncoding.IsZero() {
		v.encode = o.KeyEncoding.Encode
	}
	co.opened = newCache(co, v, nil)
	return co.opened
}

// A Kind says what a value is to programs in other languages that share the server.
type Kind = driver.Kind

// The kinds of value.
const (
	Bytes  = driver.Bytes  // opaque: Python sees bytes
	Text   = driver.Text   // UTF-8: Python sees str
	Number = driver.Number // decimal digits: Python sees int
)

// Driver returns the name of the driver, as in its DSNs: "memory". A cache with partitions
// returns that of the default partition.
func (c *Cache) Driver() string { return c.core.name }

// Supports reports whether the backend implements op. Unsupported operations return an
// error that matches [errors.ErrUnsupported]. Only the operations on items, touches and
// statistics may be unsupported. A cache with partitions reports on the default partition.
func (c *Cache) Supports(op Op) bool {
	switch op {
	case OpGetItem, OpGetItemMulti, OpGetOrAdd, OpGetOrAddMulti, OpCompareAndSwap, OpCompareAndSwapMulti,
		OpCompareAndDelete, OpCompareAndDeleteMulti,
		OpDependencyKeys, OpDependencyAdd, OpDependencyDelete, OpLoad, OpLoadMulti, OpRefresh, OpInvalidate:
		return c.core.swap != nil
	case OpTouch, OpGetAndTouch:
		return c.core.touch != nil || c.core.swap != nil
	case OpStats:
		return c.core.stats != nil
	}
	return OpGet <= op && op <= OpInvalidate
}

// Discards reports whether the backend keeps nothing by design, as package null does. Code
// that waits for an item to appear must check it. A cache with partitions reports on the
// default partition.
func (c *Cache) Discards() bool { return c.core.discards }

// CheckKey returns the error that matches ErrInvalidKey, if operations on key would return
// one. It is for code that keeps a key for later, or takes it from a user. A cache with
// partitions checks the key for the default partition.
func (c *Cache) CheckKey(key string) error {
	_, err := c.valid(key)
	return err
}

// ready returns why no operation can begin, or nil.
func (c *Cache) ready(ctx context.Context) error {
	if c.core.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// prepare checks that c is usable and returns the encoded key.
func (c *Cache) prepare(ctx context.Context, key string) (string, error) {
	if err := c.ready(ctx); err != nil {
		return "", err
	}
	return c.valid(key)
}

// valid returns the encoded key, if it is valid.
func (c *Cache) valid(key string) (string, error) {
	if !c.plain() {
		key = c.encoded(key)
	}
	if !keyrule.Valid(key) {
		return "", invalidKey(key)
	}
	return key, nil
}

// encoded returns the key with its prefix, encoded.
func (c *Cache) encoded(key string) string {
	key = c.prefix + key
	if c.encode != nil {
		key = c.encode(key)
	}
	return key
}

func init() {
	local.BackendOf = func(c any) local.Backend {
		v := c.(*Cache)
		return local.Backend{Cache: v.core.local, Hooked: v.bare != nil, Plain: v.plain(), Invalidations: &v.core.invalidations}
	}
}

// plain reports whether keys are used as they are.
func (c *Cache) plain() bool { return c.prefix == "" && c.encode == nil }

func invalidKey(encoded string) error {
	return fmt.Errorf("%w: %s", ErrInvalidKey, keyrule.Problem(encoded))
}

func checkTTL(ttl time.Duration) error {
	if ttl < 0 {
		return fmt.Errorf("%w: %v; must not be negative (0 means no expiry)", ErrInvalidTTL, ttl)
	}
	return nil
}

// unsupported returns the error of an operation that the driver lacks.
func (c *Cache) unsupported(op Op) error {
	return &Error{Driver: c.core.name, Op: op, Err: errors.ErrUnsupported}
}
