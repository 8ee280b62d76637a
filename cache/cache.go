package cache

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/internal/key"
)

// Cache is a cache of any kind. Make one with [Open], a driver's New, or [New].
//
// A Cache is a view: [Cache.WithKind], [Cache.WithPrefix], [Cache.WithHook] and
// [Cache.Namespace] return others of the same data. Closing one closes them all.
type Cache struct {
	core   *core
	encode func(string) string // nil: keys go as they are
	prefix string              // before the key, and encoded with it
	kind   Kind                // what stores are marked as
	hook   Hook                // nil: nobody watches
	parts  *partitions         // nil: this cache is its own only partition
	outer  outer               // with parts
}

// core is what all views of a cache share: the driver, its abilities, looked up once,
// and whether it is closed.
type core struct {
	driver driver.Cache
	name   string
	closed atomic.Bool

	multiGet    driver.MultiGetter
	multiStore  driver.MultiStorer
	multiDelete driver.MultiDeleter
	swap        driver.Swapper
	multiItem   driver.MultiItemGetter
	multiSwap   driver.MultiSwapper
	touch       driver.Toucher
	ping        driver.Pinger
	stats       driver.Statser
	checker     key.Checker
}

// Options are what New needs to know beside the driver.
type Options struct {
	Name     string            // the driver's name, as registered, for errors and hooks
	Encoding encoding.Encoding // of the keys; the zero value leaves them as they are
}

// New makes a cache over a driver. It is for those who write one; programs call the
// driver's own New, or [Open].
func New(d driver.Cache, o Options) *Cache {
	co := &core{driver: d, name: o.Name}
	co.multiGet, _ = d.(driver.MultiGetter)
	co.multiStore, _ = d.(driver.MultiStorer)
	co.multiDelete, _ = d.(driver.MultiDeleter)
	co.swap, _ = d.(driver.Swapper)
	co.multiItem, _ = d.(driver.MultiItemGetter)
	co.multiSwap, _ = d.(driver.MultiSwapper)
	co.touch, _ = d.(driver.Toucher)
	co.ping, _ = d.(driver.Pinger)
	co.stats, _ = d.(driver.Statser)
	co.checker, _ = d.(key.Checker)
	c := &Cache{core: co}
	if !o.Encoding.Equal(encoding.Encoding{}) {
		c.encode = o.Encoding.Encode
	}
	return c
}

// Kind says what a value is to programs in other languages that share the server.
type Kind = driver.Kind

// The kinds of value.
const (
	Bytes  = driver.Bytes  // opaque: Python sees bytes
	Text   = driver.Text   // UTF-8: Python sees str
	Number = driver.Number // decimal digits: Python sees int
)

// WithKind returns a view of c that marks what it stores as being of kind k. To Go
// programs it makes no difference: Get returns bytes.
func (c *Cache) WithKind(k Kind) *Cache {
	view := *c
	view.kind, view.outer.kind = k, k
	return &view
}

// WithPrefix returns a view of c that puts prefix before every key, after the prefix
// that c has already. The prefix is a part of the key: it is encoded with it and
// counts for its length. Results name keys without it. Flush still removes
// everything, under the prefix or not.
func (c *Cache) WithPrefix(prefix string) *Cache {
	view := *c
	view.prefix += prefix
	view.outer.prefix += prefix
	return &view
}

// Driver returns the name of the driver, as in its DSNs: "memory". For a cache with
// partitions it is that of the default one.
func (c *Cache) Driver() string { return c.core.name }

// Supports reports whether the backend can do op: errors.ErrUnsupported is what the
// others answer. Only compare-and-swap, compare-and-delete, get item, touch and stats
// may be missing.
func (c *Cache) Supports(op Op) bool {
	switch op {
	case OpGetItem, OpGetItemMulti, OpCompareAndSwap, OpCompareAndDelete, OpCompareAndDeleteMulti:
		return c.core.swap != nil
	case OpTouch:
		return c.core.touch != nil
	case OpStats:
		return c.core.stats != nil
	}
	return int(op) < len(opNames)
}

// Discards reports whether the backend by design keeps nothing, as package null: what
// was stored is never found.
func (c *Cache) Discards() bool {
	_, ok := c.core.driver.(driver.Discarder)
	return ok
}

// ready is what every operation checks first.
func (c *Cache) ready(ctx context.Context) error {
	if c.core.closed.Load() {
		return ErrClosed
	}
	return ctx.Err()
}

// begin is ready, and the key as the driver wants it.
func (c *Cache) begin(ctx context.Context, k string) (string, error) {
	if err := c.ready(ctx); err != nil {
		return "", err
	}
	return c.legal(k)
}

// legal returns k as it is sent, if it may be.
func (c *Cache) legal(k string) (string, error) {
	if !c.plain() {
		k = c.encoded(k)
	}
	if !key.Legal(k) {
		return "", invalidKey(k)
	}
	return k, nil
}

// encoded returns k with its prefix, encoded.
func (c *Cache) encoded(k string) string {
	k = c.prefix + k
	if c.encode != nil {
		k = c.encode(k)
	}
	return k
}

// plain reports that keys go as they are.
func (c *Cache) plain() bool { return c.prefix == "" && c.encode == nil }

func invalidKey(k string) error { return fmt.Errorf("%w: %s", ErrInvalidKey, key.Problem(k)) }

func checkTTL(ttl time.Duration) error {
	if ttl < 0 {
		return fmt.Errorf("%w: %v; want 0 for no expiry, or more", ErrInvalidTTL, ttl)
	}
	return nil
}

// unsupported is the answer of an ability that the driver lacks.
func (c *Cache) unsupported(op Op) error {
	return &Error{Driver: c.core.name, Op: op.String(), Err: errors.ErrUnsupported}
}
