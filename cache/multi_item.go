package cache

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// GetItemMulti is GetItem for many keys. Absent keys are not in the map, and errors are as
// those of GetMulti.
func (c *Cache) GetItemMulti(ctx context.Context, keys []string) (map[string]Item, error) {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpGetItemMulti, distinct(keys))
		items, err := c.bare.GetItemMulti(ctx, keys)
		s.endRead(ctx, len(items), totalItemLen(items), err)
		return items, err
	}
	if err := c.readyToSwap(ctx, OpGetItemMulti); err != nil {
		return nil, err
	}
	b := c.batch(keys)
	items := make(map[string]Item, len(b.keys))
	switch {
	case len(b.keys) == 0:
	case c.core.batchSwap != nil:
		found, errs := c.core.batchSwap.GetItemMulti(ctx, b.keys)
		b.failAll(errs)
		for i, it := range found {
			if it.Token != nil {
				items[b.originals[i]] = c.item(b.originals[i], b.keys[i], it)
			}
		}
	default:
		b.each(ctx, func(i int, key string) error {
			it, err := c.core.swap.GetItem(ctx, key)
			if err == nil {
				items[b.originals[i]] = c.item(b.originals[i], key, it)
			}
			return ignoreMiss(err)
		})
	}
	forget(b.failed, items)
	return items, b.err(OpGetItemMulti)
}

// GetOrAddMulti is GetOrAdd for many keys, each with its own value. It returns the items
// that are present or were added, and the set of keys that were added. A *MultiError names
// the keys whose items could not be read or added; with ErrMiss, those that were added and
// that the cache did not keep.
func (c *Cache) GetOrAddMulti(ctx context.Context, values map[string][]byte, ttl time.Duration) (items map[string]Item, added map[string]bool, err error) {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpGetOrAddMulti, len(values))
		items, added, err := c.bare.GetOrAddMulti(ctx, values, ttl)
		s.endRead(ctx, len(items), totalItemLen(items), err)
		return items, added, err
	}
	if err := c.readyToSwap(ctx, OpGetOrAddMulti); err != nil {
		return nil, nil, err
	}
	if err := checkTTL(ttl); err != nil {
		return nil, nil, err
	}
	b := c.batch(slices.Collect(maps.Keys(values)))
	items, added = make(map[string]Item, len(b.keys)), map[string]bool{}
	entry := func(i int) driver.Entry {
		return driver.Entry{Key: b.keys[i], Value: values[b.originals[i]], TTL: ttl, Kind: c.kind}
	}
	took := func(i int, it driver.Item, isNew bool, err error) error {
		if err == nil {
			items[b.originals[i]] = c.item(b.originals[i], b.keys[i], it)
		}
		if isNew {
			added[b.originals[i]] = true
		}
		return err
	}
	switch {
	case len(b.keys) == 0:
	case c.core.batchSwap != nil:
		found, isNew, errs := c.core.batchSwap.GetOrAddMulti(ctx, b.entries(entry))
		for i, it := range found {
			var err error
			if errs != nil {
				err = errs[i]
			}
			if c.goneMeanwhile(isNew[i], err) {
				it, isNew[i], err = c.getOrAdd(ctx, entry(i))
			}
			b.fail(i, took(i, it, isNew[i], err))
		}
	default:
		b.each(ctx, func(i int, _ string) error {
			it, isNew, err := c.getOrAdd(ctx, entry(i))
			return took(i, it, isNew, err)
		})
	}
	return items, added, b.err(OpGetOrAddMulti)
}

// A Swap is an item to replace with CompareAndSwapMulti.
type Swap struct {
	Old   Item
	Value []byte
	TTL   time.Duration // 0 means no expiry
}

// CompareAndSwapMulti is CompareAndSwap for many items. Every item that is unchanged is
// replaced; a *MultiError names the keys of the others: with ErrConflict, ErrMiss, or the
// reason of a failure. Items must have distinct Keys, because MultiError is indexed by Key.
// Duplicates are rejected, even under different prefixes.
func (c *Cache) CompareAndSwapMulti(ctx context.Context, swaps []Swap) error {
	if c.bare != nil {
		bytes := 0
		for i := range swaps {
			bytes += len(swaps[i].Value)
		}
		ctx, s := c.startMulti(ctx, OpCompareAndSwapMulti, distinctItems(len(swaps), func(i int) string { return swaps[i].Old.Key }))
		err := c.bare.CompareAndSwapMulti(ctx, swaps)
		s.endWrite(ctx, bytes, err)
		return err
	}
	if err := c.readyToSwap(ctx, OpCompareAndSwapMulti); err != nil {
		return err
	}
	b, chosen := c.itemBatch(len(swaps), func(i int) *Item { return &swaps[i].Old }, func(i int) error { return checkTTL(swaps[i].TTL) })
	entry := func(i int) driver.Entry {
		s := &swaps[chosen[i]]
		return c.successor(&s.Old, s.Value, s.TTL)
	}
	switch {
	case len(b.keys) == 0:
	case c.core.batchSwap != nil:
		tokens := make([]any, len(chosen))
		for i, n := range chosen {
			tokens[i] = swaps[n].Old.token
		}
		b.failAll(c.core.batchSwap.CompareAndSwapMulti(ctx, tokens, b.entries(entry)))
	default:
		b.each(ctx, func(i int, _ string) error {
			return c.core.swap.CompareAndSwap(ctx, swaps[chosen[i]].Old.token, entry(i))
		})
	}
	return b.err(OpCompareAndSwapMulti)
}

// CompareAndDeleteMulti is CompareAndDelete for many items. Every item that is unchanged is
// removed; a *MultiError names the keys of the others: with ErrConflict, ErrMiss, or the
// reason of a failure. Items must have distinct Keys, as for CompareAndSwapMulti.
func (c *Cache) CompareAndDeleteMulti(ctx context.Context, old []Item) error {
	if c.bare != nil {
		ctx, s := c.startMulti(ctx, OpCompareAndDeleteMulti, distinctItems(len(old), func(i int) string { return old[i].Key }))
		err := c.bare.CompareAndDeleteMulti(ctx, old)
		s.endWrite(ctx, 0, err)
		return err
	}
	if err := c.readyToSwap(ctx, OpCompareAndDeleteMulti); err != nil {
		return err
	}
	b, chosen := c.itemBatch(len(old), func(i int) *Item { return &old[i] }, nil)
	switch {
	case len(b.keys) == 0:
	case c.core.batchSwap != nil:
		tokens := make([]any, len(chosen))
		for i, n := range chosen {
			tokens[i] = old[n].token
		}
		b.failAll(c.core.batchSwap.CompareAndDeleteMulti(ctx, b.keys, tokens))
	default:
		b.each(ctx, func(i int, key string) error {
			return c.core.swap.CompareAndDelete(ctx, key, old[chosen[i]].token)
		})
	}
	return b.err(OpCompareAndDeleteMulti)
}

// readyToSwap returns why op cannot begin, or nil.
func (c *Cache) readyToSwap(ctx context.Context, op Op) error {
	if err := c.ready(ctx); err != nil {
		return err
	}
	if c.core.swap == nil {
		return c.unsupported(op)
	}
	return nil
}

// itemBatch makes a batch of n items, and returns the number of the item of each of its
// keys. It leaves out duplicate keys, items of other caches, and those that check rejects.
func (c *Cache) itemBatch(n int, item func(i int) *Item, check func(i int) error) (b *batch, chosen []int) {
	b = newBatch(n)
	seen := make(map[string]bool, n)
	for i := range n {
		it := item(i)
		var err error
		if check != nil {
			err = check(i)
		}
		if err == nil {
			err = c.known(it)
		}
		if seen[it.Key] {
			err = errDuplicateKey
		}
		seen[it.Key] = true
		if err != nil {
			b.note(it.Key, err)
			continue
		}
		b.add(it.Key, it.encoded)
		chosen = append(chosen, i)
	}
	return b, chosen
}

// totalItemLen returns the length of the values of all items together.
func totalItemLen(items map[string]Item) int {
	n := 0
	for _, it := range items {
		n += len(it.Value)
	}
	return n
}

// distinctItems counts the keys of n items, each once.
func distinctItems(n int, key func(i int) string) int {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = key(i)
	}
	return distinct(keys)
}
