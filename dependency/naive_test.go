package dependency_test

import (
	"context"
	"errors"
	"strconv"

	"github.com/larder-go/larder/cache"
)

// naive is the protocol of the original: count, add; get, get many, delete many with
// the master.
var naive = protocol{
	add: func(ctx context.Context, c *cache.Cache, master string, keys []string) error {
		n, err := c.IncrementFrom(ctx, master, uint64(len(keys)), 0, 0)
		if err != nil {
			return err
		}
		for i, key := range keys {
			slot := master + strconv.FormatUint(n-uint64(len(keys)-1-i), 10)
			if err := c.WithKind(cache.Text).Add(ctx, slot, []byte(key), ttl); err != nil && !errors.Is(err, cache.ErrNotStored) {
				return err
			}
		}
		return nil
	},
	delete: func(ctx context.Context, c *cache.Cache, masters []string) error {
		for _, master := range masters {
			v, err := c.Get(ctx, master)
			if errors.Is(err, cache.ErrMiss) {
				continue
			}
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(string(v))
			if err != nil {
				return err
			}
			var slots, all []string
			for i := range n {
				slots = append(slots, master+strconv.Itoa(i+1))
			}
			found, err := c.GetMulti(ctx, slots)
			if err != nil {
				return err
			}
			for _, slot := range slots {
				if key, ok := found[slot]; ok {
					all = append(all, string(key))
				}
			}
			all = append(append(all, slots...), master)
			if err := c.DeleteMulti(ctx, all); err != nil {
				return err
			}
		}
		return nil
	},
}

// plainSlots is Delete but for one thing: it deletes the slots that it has seen, and
// does not compare them first.
var plainSlots = protocol{
	add: ours.add,
	delete: func(ctx context.Context, c *cache.Cache, masters []string) error {
		for _, master := range masters {
			for {
				it, err := c.GetItem(ctx, master)
				if errors.Is(err, cache.ErrMiss) {
					break
				}
				if err != nil {
					return err
				}
				n, err := strconv.Atoi(string(it.Value))
				if err != nil {
					return err
				}
				for i := range n {
					slot := master + strconv.Itoa(i+1)
					key, err := c.Get(ctx, slot)
					if err == nil {
						err = c.DeleteMulti(ctx, []string{string(key), slot})
					}
					if err != nil && !errors.Is(err, cache.ErrMiss) {
						return err
					}
				}
				err = c.CompareAndDelete(ctx, it)
				if err == nil || errors.Is(err, cache.ErrMiss) {
					break
				}
				if !errors.Is(err, cache.ErrConflict) {
					return err
				}
			}
		}
		return nil
	},
}
