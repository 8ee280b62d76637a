package memcached

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache/driver"
)

// adder is a driver that GetOrAddMulti can be made of.
type adder interface {
	StoreMulti(ctx context.Context, mode driver.Mode, entries []driver.Entry) []error
	GetItemMulti(ctx context.Context, keys []string) ([]driver.Item, []error)
}

// GetOrAddMulti is the operation of a [driver.BatchSwapper], as an add and a get.
func GetOrAddMulti(ctx context.Context, d adder, entries []driver.Entry) (items []driver.Item, added []bool, errs []error) {
	added, errs = make([]bool, len(entries)), make([]error, len(entries))
	stored := d.StoreMulti(ctx, driver.Add, entries)
	keys := make([]string, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
		var err error
		if stored != nil {
			err = stored[i]
		}
		added[i] = err == nil
		if err != nil && !errors.Is(err, driver.ErrNotStored) {
			errs[i] = err
		}
	}
	items, failed := d.GetItemMulti(ctx, keys)
	for i := range items {
		switch {
		case errs[i] != nil:
			items[i] = driver.Item{}
		case failed != nil && failed[i] != nil:
			errs[i] = failed[i]
		case items[i].Token == nil:
			errs[i] = driver.ErrMiss
		}
	}
	return items, added, errs
}
