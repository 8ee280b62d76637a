package cache

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// An Item is a value as it was read, for CompareAndSwap and CompareAndDelete. They act only
// if the key is still in the state in which the item was read. Every store to the key
// makes a new state, even of equal bytes; whether Touch does depends on the backend. An
// Item may be used as long as its cache is open, but a driver may return ErrConflict for one
// that was read before a connection was lost.
type Item struct {
	Key   string // as the caller gave it
	Value []byte // shared: must not be modified
	Kind  Kind

	core     *core
	encoded  string
	token    any
	ttl      time.Duration
	ttlKnown bool
}

// TTL returns the remaining time to live that the item had when it was read; 0 means no
// expiry. Known is false if the backend cannot tell. Backends that count seconds round up.
func (it Item) TTL() (ttl time.Duration, known bool) { return it.ttl, it.ttlKnown }

// errForeignItem is returned for an Item that has no state to compare with.
var errForeignItem = errors.New("cache: the item was not read from this cache")

// errDuplicateKey is returned for an item of a batch whose key is that of an earlier one.
var errDuplicateKey = errors.New("cache: duplicate key in batch; only its first item was used")

// GetItem is like Get, but returns an Item, for CompareAndSwap. Not every backend supports
// it; see [Cache.Supports].
func (c *Cache) GetItem(ctx context.Context, key string) (Item, error) {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpGetItem, key)
		it, err := c.bare.GetItem(ctx, key)
		s.end(ctx, len(it.Value), err)
		return it, err
	}
	encoded, err := c.prepare(ctx, key)
	if err != nil {
		return Item{}, err
	}
	if c.core.swap == nil {
		return Item{}, c.unsupported(OpGetItem)
	}
	it, err := c.core.swap.GetItem(ctx, encoded)
	if err != nil {
		return Item{}, err
	}
	return c.item(key, encoded, it), nil
}

func (c *Cache) item(key, encoded string, it driver.Item) Item {
	return Item{
		Key: key, Value: it.Value, Kind: it.Kind, ttl: it.TTL, ttlKnown: it.TTLKnown,
		core: c.core, encoded: encoded, token: it.Token,
	}
}

// GetOrAdd returns the item at key. If key is absent it stores value there, with ttl, and
// returns that as the item: then added is true. Many backends do it in one round trip. It
// returns ErrMiss if the value was evicted before it was read back. Not every backend
// supports it; see [Cache.Supports].
//
// The store is atomic, as that of Add. The item is as it was read right after that: if
// another caller changed it in between, it is that caller's.
func (c *Cache) GetOrAdd(ctx context.Context, key string, value []byte, ttl time.Duration) (it Item, added bool, err error) {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpGetOrAdd, key)
		it, added, err := c.bare.GetOrAdd(ctx, key, value, ttl)
		s.end(ctx, len(it.Value), err)
		return it, added, err
	}
	encoded, err := c.prepare(ctx, key)
	if err != nil {
		return Item{}, false, err
	}
	if err := checkTTL(ttl); err != nil {
		return Item{}, false, err
	}
	if c.core.swap == nil {
		return Item{}, false, c.unsupported(OpGetOrAdd)
	}
	found, added, err := c.getOrAdd(ctx, driver.Entry{Key: encoded, Value: value, TTL: ttl, Kind: c.kind})
	if err != nil {
		return Item{}, added, err
	}
	return c.item(key, encoded, found), added, nil
}

// getOrAdd tries until the key is either present or added: it may be present when it is to
// be added, and gone when it is read.
func (c *Cache) getOrAdd(ctx context.Context, e driver.Entry) (it driver.Item, added bool, err error) {
	for range maxAttempts {
		it, added, err := c.tryGetOrAdd(ctx, e)
		if err == nil || !c.goneMeanwhile(added, err) {
			return it, added, err
		}
		if err := ctx.Err(); err != nil {
			return driver.Item{}, false, err
		}
	}
	return driver.Item{}, false, c.gaveUp(OpGetOrAdd)
}

// goneMeanwhile reports whether err says that a key was present and is gone.
func (c *Cache) goneMeanwhile(added bool, err error) bool {
	return errors.Is(err, ErrMiss) && !added && !c.core.discards
}

func (c *Cache) tryGetOrAdd(ctx context.Context, e driver.Entry) (it driver.Item, added bool, err error) {
	if c.core.batchSwap != nil {
		items, added, errs := c.core.batchSwap.GetOrAddMulti(ctx, []driver.Entry{e})
		if errs != nil && errs[0] != nil {
			return driver.Item{}, added[0], errs[0]
		}
		return items[0], added[0], nil
	}
	err = c.core.driver.Store(ctx, driver.Add, e)
	if err != nil && !errors.Is(err, ErrNotStored) {
		return driver.Item{}, false, err
	}
	added = err == nil
	it, err = c.core.swap.GetItem(ctx, e.Key)
	return it, added, err
}

// CompareAndSwap stores value, with ttl, where old was read, if old is still there. It
// returns ErrConflict if the item changed since, and ErrMiss if it is gone. The kind of
// the new value is that of old, unless c is a view of another kind.
func (c *Cache) CompareAndSwap(ctx context.Context, old Item, value []byte, ttl time.Duration) error {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpCompareAndSwap, old.Key)
		err := c.bare.CompareAndSwap(ctx, old, value, ttl)
		s.end(ctx, len(value), err)
		return err
	}
	if err := c.readyFor(ctx, OpCompareAndSwap, &old); err != nil {
		return err
	}
	if err := checkTTL(ttl); err != nil {
		return err
	}
	return c.core.swap.CompareAndSwap(ctx, old.token, c.successor(&old, value, ttl))
}

// successor returns the entry that is to take the place of old.
func (c *Cache) successor(old *Item, value []byte, ttl time.Duration) driver.Entry {
	kind := old.Kind
	if c.kind != Bytes {
		kind = c.kind
	}
	return driver.Entry{Key: old.encoded, Value: value, TTL: ttl, Kind: kind}
}

// CompareAndDelete removes the item that old was read from, if it is still there. It
// returns ErrConflict if the item changed since, and ErrMiss if it is gone.
func (c *Cache) CompareAndDelete(ctx context.Context, old Item) error {
	if c.bare != nil {
		ctx, s := c.start(ctx, OpCompareAndDelete, old.Key)
		err := c.bare.CompareAndDelete(ctx, old)
		s.end(ctx, 0, err)
		return err
	}
	if err := c.readyFor(ctx, OpCompareAndDelete, &old); err != nil {
		return err
	}
	return c.core.swap.CompareAndDelete(ctx, old.encoded, old.token)
}

// readyFor returns why op on old cannot begin, or nil.
func (c *Cache) readyFor(ctx context.Context, op Op, old *Item) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.core.swap == nil {
		return c.unsupported(op)
	}
	return c.known(old)
}

// known returns an error unless old was read from this cache.
func (c *Cache) known(old *Item) error {
	if old.core != c.core || old.token == nil {
		return errForeignItem
	}
	return nil
}
