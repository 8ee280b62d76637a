package cache

import (
	"context"
	"errors"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// Item is a value as it was read, for CompareAndSwap and CompareAndDelete: they act
// only if the key is still in the state that the Item remembers. Any store to the
// key in between, of equal bytes too, makes another state; whether a Touch does depends
// on the backend. An Item does not expire and holds no resources.
type Item struct {
	Key   string // as the caller gave it
	Value []byte // shared: do not write to it
	Kind  Kind

	core    *core
	encoded string
	token   any
}

// errSameKey is a mistake of the caller.
var errSameKey = errors.New("cache: the batch holds another item of that key; only the first was looked at")

// errForeignItem is a mistake of the caller: there is no state to compare with.
var errForeignItem = errors.New("cache: the item was not read by GetItem of this cache")

// GetItem is Get with what CompareAndSwap needs. Not every backend can: see
// [Cache.Supports].
func (c *Cache) GetItem(ctx context.Context, key string) (Item, error) {
	if c.hook != nil {
		ctx, s := c.start(ctx, OpGetItem, 1)
		it, err := c.getItem(ctx, key)
		s.end(ctx, len(it.Value), err)
		return it, err
	}
	return c.getItem(ctx, key)
}

func (c *Cache) getItem(ctx context.Context, key string) (Item, error) {
	encoded, err := c.begin(ctx, key)
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
	return Item{Key: key, Value: it.Value, Kind: it.Kind, core: c.core, encoded: encoded, token: it.Token}
}

// CompareAndSwap stores value for ttl where old was read, if old is still there. It
// answers ErrConflict if the item was changed since, ErrMiss if it is gone. The kind
// is that of old, unless c is a view of another kind.
func (c *Cache) CompareAndSwap(ctx context.Context, old Item, value []byte, ttl time.Duration) error {
	if c.hook != nil {
		ctx, s := c.start(ctx, OpCompareAndSwap, 1)
		err := c.compareAndSwap(ctx, old, value, ttl)
		s.end(ctx, len(value), err)
		return err
	}
	return c.compareAndSwap(ctx, old, value, ttl)
}

func (c *Cache) compareAndSwap(ctx context.Context, old Item, value []byte, ttl time.Duration) error {
	if err := c.readyFor(ctx, OpCompareAndSwap, old); err != nil {
		return err
	}
	if ttl < 0 {
		return checkTTL(ttl)
	}
	kind := old.Kind
	if c.kind != Bytes {
		kind = c.kind
	}
	return c.core.swap.CompareAndSwap(ctx, old.token, driver.Entry{Key: old.encoded, Value: value, TTL: ttl, Kind: kind})
}

// CompareAndDelete removes the item that old was read from, if it is still there. It
// answers ErrConflict if the item was changed since, ErrMiss if it is gone.
func (c *Cache) CompareAndDelete(ctx context.Context, old Item) error {
	if c.hook != nil {
		ctx, s := c.start(ctx, OpCompareAndDelete, 1)
		err := c.compareAndDelete(ctx, old)
		s.end(ctx, 0, err)
		return err
	}
	return c.compareAndDelete(ctx, old)
}

func (c *Cache) compareAndDelete(ctx context.Context, old Item) error {
	if err := c.readyFor(ctx, OpCompareAndDelete, old); err != nil {
		return err
	}
	return c.core.swap.CompareAndDelete(ctx, old.encoded, old.token)
}

// CompareAndDeleteMulti is CompareAndDelete for many items. Every item that is unchanged
// is removed; a *MultiError names the keys of the others, each with its reason:
// ErrConflict, ErrMiss, or a failure. Each item must be of another key: a second one of
// the same name is refused, whatever its prefix, as the answer could not tell them apart.
func (c *Cache) CompareAndDeleteMulti(ctx context.Context, old []Item) error {
	if c.hook == nil {
		return c.compareAndDeleteMulti(ctx, old)
	}
	ctx, s := c.start(ctx, OpCompareAndDeleteMulti, len(old))
	err := c.compareAndDeleteMulti(ctx, old)
	keys := make([]string, len(old))
	for i, it := range old {
		keys[i] = it.Key
	}
	s.hook.End(ctx, s.o, multi(distinct(keys), err))
	return err
}

func (c *Cache) compareAndDeleteMulti(ctx context.Context, old []Item) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.core.swap == nil {
		return c.unsupported(OpCompareAndDeleteMulti)
	}
	b := &batch{keys: make([]string, 0, len(old)), originals: make([]string, 0, len(old))}
	tokens := make([]any, 0, len(old))
	seen := make(map[string]bool, len(old))
	for _, it := range old {
		if seen[it.Key] {
			b.note(it.Key, errSameKey)
			continue
		}
		seen[it.Key] = true
		if err := c.readyFor(ctx, OpCompareAndDeleteMulti, it); err != nil {
			b.note(it.Key, err)
			continue
		}
		b.keys = append(b.keys, it.encoded)
		b.originals = append(b.originals, it.Key)
		tokens = append(tokens, it.token)
	}
	if c.core.multiSwap == nil {
		b.each(ctx, func(i int, key string) error {
			return c.core.swap.CompareAndDelete(ctx, key, tokens[i])
		})
		return b.err(OpCompareAndDeleteMulti)
	}
	if len(b.keys) == 0 {
		return b.err(OpCompareAndDeleteMulti)
	}
	for i, err := range c.core.multiSwap.CompareAndDeleteMulti(ctx, b.keys, tokens) {
		b.fail(i, err)
	}
	return b.err(OpCompareAndDeleteMulti)
}

func (c *Cache) readyFor(ctx context.Context, op Op, old Item) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.core.swap == nil {
		return c.unsupported(op)
	}
	if old.core != c.core || old.token == nil {
		return errForeignItem
	}
	return nil
}
