package dependency

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

// maxRounds bounds how often Delete goes over a master that others are wiring to. The
// first round keeps the promise; the second is to remove the master too, so that its count
// starts again. A master that stays keeps its new wires for the next Delete.
const maxRounds = 2

// Delete removes every key that was wired to master before the call, the wires, and
// the master. It returns nil if nothing is wired, or if a wired item is gone already.
//
// Keys that are wired while it runs are removed or stay wired. After an error some keys may
// be left, with their wires: call it again. If a wired key is invalid in this cache, which
// only a program in another language can have wired, Delete returns [cache.ErrInvalidKey]
// once and removes the wire with the others.
func (d *Dependency) Delete(ctx context.Context, master string) error {
	ctx, end := d.observe(ctx, cache.OpDependencyDelete, master, 1)
	err := d.drop(ctx, []string{master})[master]
	if err != nil {
		err = fmt.Errorf("dependency: delete: %w", err)
	}
	end(err)
	return err
}

// DeleteMulti is Delete for many masters, in batches across all of them. A
// [*cache.MultiError] has an error for each master for which Delete would have returned
// one; for the others the promise is kept. Masters may repeat.
func (d *Dependency) DeleteMulti(ctx context.Context, masters []string) error {
	ctx, end := d.observe(ctx, cache.OpDependencyDelete, "", len(slices.Compact(slices.Sorted(slices.Values(masters)))))
	err := d.drop(ctx, masters).err(cache.OpDependencyDelete)
	end(err)
	return err
}

// target is a master that is being deleted, as it was read.
type target struct {
	item  cache.Item
	count uint64
	err   error // why its keys may still be there: it must stay
}

// slot is one number of a master.
type slot struct {
	name string
	of   *target
}

// drop deletes masters and returns the reasons for those that it could not delete.
//
// The protocol: read the master with its token; read its slots; remove the wired keys;
// compare and delete the slots in which they were found; compare and delete the master. A
// slot must be compared: while this call runs, others may delete the master and fill the
// slots again.
func (d *Dependency) drop(ctx context.Context, masters []string) failures {
	var failed failures
	for range maxRounds {
		targets := d.read(ctx, masters, &failed)
		d.sweep(ctx, targets, &failed)
		masters = nil
		d.unmake(ctx, targets)
		for _, t := range targets {
			switch {
			case t.err == nil || errors.Is(t.err, cache.ErrMiss):
			case errors.Is(t.err, cache.ErrConflict):
				masters = append(masters, t.item.Key)
			default:
				failed.join(t.item.Key, t.err)
			}
		}
		if len(masters) == 0 {
			break
		}
	}
	return failed
}

// unmake removes the masters whose wires have all been removed.
func (d *Dependency) unmake(ctx context.Context, targets []*target) {
	items := make([]cache.Item, 0, len(targets))
	for _, t := range targets {
		if t.err == nil {
			items = append(items, t.item)
		}
	}
	err := d.cache.CompareAndDeleteMulti(ctx, items)
	if err == nil {
		return
	}
	for _, t := range targets {
		if t.err == nil {
			t.err = reason(err, t.item.Key)
		}
	}
}

// read returns the distinct masters that are present.
func (d *Dependency) read(ctx context.Context, masters []string, failed *failures) []*target {
	items, err := d.cache.GetItemMulti(ctx, masters)
	targets := make([]*target, 0, len(items))
	seen := make(map[string]bool, len(masters))
	for _, master := range masters {
		if seen[master] {
			continue
		}
		seen[master] = true
		it, ok := items[master]
		if !ok {
			if err := reason(err, master); err != nil {
				failed.join(master, err)
			}
			continue
		}
		n, err := count(it)
		if err != nil {
			failed.join(master, err)
			continue
		}
		targets = append(targets, &target{item: it, count: n})
	}
	return targets
}

// sweep removes the wired keys and the slots of the targets, a chunk at a time. It goes on
// after a failure, to remove as much as possible from the servers that work.
func (d *Dependency) sweep(ctx context.Context, targets []*target, failed *failures) {
	var slots []slot
	for _, t := range targets {
		for i := uint64(1); i <= t.count; i++ {
			slots = append(slots, slot{slotKey(t.item.Key, i), t})
			if len(slots) == chunk {
				d.clear(ctx, slots, failed)
				slots = slots[:0]
			}
			if err := ctx.Err(); err != nil {
				t.err = err
				break
			}
		}
	}
	if len(slots) > 0 {
		d.clear(ctx, slots, failed)
	}
}

// clear removes the keys that the slots hold, then those slots.
func (d *Dependency) clear(ctx context.Context, slots []slot, failed *failures) {
	names := make([]string, len(slots))
	for i, s := range slots {
		names[i] = s.name
	}
	found, err := d.cache.GetItemMulti(ctx, names)
	var keys []string
	seen := make(map[string]bool, len(found))
	for _, s := range slots {
		key, ok := wired(found, s.name)
		if ok && !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
		if _, there := found[s.name]; !there {
			s.of.fail(reason(err, s.name))
		}
	}
	undone := d.remove(ctx, keys)
	var done []slot
	for _, s := range slots {
		key, ok := wired(found, s.name)
		if !ok {
			continue
		}
		err := undone[key]
		if errors.Is(err, cache.ErrInvalidKey) {
			failed.add(s.of.item.Key, fmt.Errorf("a key that was wired: %w", err))
		} else if err != nil {
			s.of.fail(err)
			continue
		}
		done = append(done, s)
	}
	d.release(ctx, done, found)
}

func (t *target) fail(err error) {
	if t.err == nil {
		t.err = err
	}
}

// remove deletes wired keys and returns the reasons for those that may still be there.
func (d *Dependency) remove(ctx context.Context, keys []string) failures {
	err := d.cache.DeleteMulti(ctx, keys)
	if err == nil {
		return nil
	}
	var failed failures
	for _, key := range keys {
		err := reason(err, key)
		// Two keys with the same encoded form cannot be in one batch.
		if errors.Is(err, encoding.ErrCollision) {
			err = d.cache.Delete(ctx, key)
		}
		if err != nil && !errors.Is(err, cache.ErrMiss) {
			failed.add(key, err)
		}
	}
	return failed
}
