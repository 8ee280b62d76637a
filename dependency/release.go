package dependency

import (
	"context"
	"errors"

	"github.com/larder-go/larder/cache"
)

// release removes the slots that still hold the items found in them. A slot that holds
// another item belongs to a wire made since.
func (d *Dependency) release(ctx context.Context, slots []slot, found map[string]cache.Item) {
	items := make([]cache.Item, len(slots))
	for i, s := range slots {
		items[i] = found[s.name]
	}
	err := d.cache.CompareAndDeleteMulti(ctx, items)
	if err == nil {
		return
	}
	for _, s := range slots {
		err := reason(err, s.name)
		if err != nil && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrConflict) {
			s.of.fail(err)
		}
	}
}
