package dependency

import (
	"context"
	"errors"
	"fmt"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/local"
)

// maxAttempts bounds how often a wire is begun again. Each time but the first means
// that another program deleted the master or took the slot in that very moment, or
// that the slot was left by a master that the server forgot, where steps double. So
// only a cache that keeps no master comes to the end.
const maxAttempts = 100

var errBusy = fmt.Errorf("the master was gone %d times before a wire held; the cache drops it at once, or it is deleted all the time: %w",
	maxAttempts, cache.ErrConflict)

// Add wires key to master: the next Delete of master removes it. The item itself must
// have been set before, with a TTL no longer than that of the wires.
//
// On any error the wire may not hold. A key that the cache would not take, or a master
// that leaves no room for the numbers of slots, is [cache.ErrInvalidKey]; a master
// that holds something else than a count is [cache.ErrNotNumber]. On a cache that keeps
// nothing Add does nothing.
func (d *Dependency) Add(ctx context.Context, master, key string) error {
	ctx, end := d.observe(ctx, cache.OpDependencyAdd, master, 1)
	err := d.checkMaster(master)
	if err == nil {
		if err = d.wire(ctx, master, []string{key})[key]; err != nil {
			err = fmt.Errorf("dependency: add: %w", err)
		}
	}
	end(err)
	return err
}

// AddMulti is Add for many keys: one count, one batch of slots and one confirmation for
// all of them. Every key that can be wired is; a [*cache.MultiError] names the keys whose wires may not hold, each
// with its reason.
func (d *Dependency) AddMulti(ctx context.Context, master string, keys []string) error {
	ctx, end := d.observe(ctx, cache.OpDependencyAdd, master, len(keys))
	err := d.checkMaster(master)
	if err == nil {
		err = d.wire(ctx, master, keys).err(cache.OpDependencyAdd)
	}
	end(err)
	return err
}

// checkMaster refuses a master to which the largest number cannot be appended, rather
// than have it fail on a busy day.
func (d *Dependency) checkMaster(master string) error {
	err := d.cache.CheckKey(master)
	if err == nil {
		err = d.cache.CheckKey(slotKey(master, maxWires))
	}
	if err != nil {
		return fmt.Errorf("dependency: master and number of a wire: %w", err)
	}
	return nil
}

// wire finds a confirmed slot for each key and returns the reasons of those for which
// it did not.
//
// The protocol: count the master up to take numbers, add the slots of these numbers,
// then confirm, by counting 0, that the master has not been deleted meanwhile, in
// which case nobody would look at the slots. Counting 0 also makes a Delete that read
// the master before, and may not have seen the slots, fail to remove it.
func (d *Dependency) wire(ctx context.Context, master string, keys []string) failures {
	var failed failures
	left := make([]string, 0, len(keys))
	for _, key := range keys {
		if err := d.cache.CheckKey(key); err != nil {
			failed.add(key, err)
			continue
		}
		left = append(left, key)
	}
	step := uint64(len(left))
	for range maxAttempts {
		if len(left) == 0 {
			return failed
		}
		last, err := d.reserve(ctx, master, step)
		if err != nil {
			return failed.addAll(left, err)
		}
		var stored, taken []string
		for i, err := range d.fill(ctx, master, last-uint64(len(left))+1, left) {
			switch {
			case err == nil:
				stored = append(stored, left[i])
			case errors.Is(err, cache.ErrNotStored):
				taken = append(taken, left[i])
			case errors.Is(err, local.ErrEvicted): // nothing is left to wire
			default:
				failed.add(left[i], err)
			}
		}
		if len(stored) > 0 {
			held, err := d.confirm(ctx, master, last)
			if err != nil {
				return failed.addAll(stored, err).addAll(taken, err)
			}
			if !held {
				taken = append(taken, stored...)
			}
		}
		// Not one free: these are the slots of a master that is lost. Leave
		// them behind in steps that double, however many they are.
		if len(stored) == 0 && len(taken) == len(left) {
			step *= 2
		} else {
			step = uint64(len(taken))
		}
		left = taken
	}
	return failed.addAll(left, errBusy)
}

// reserve counts the master up by n and returns the new count.
func (d *Dependency) reserve(ctx context.Context, master string, n uint64) (uint64, error) {
	last, err := d.cache.IncrementFrom(ctx, master, n, 0, 0)
	if err != nil {
		return 0, err
	}
	if last < n {
		return 0, errors.New("the master counted beyond 2^64, so it was no count of wires; delete that key")
	}
	return last, checkCount(last)
}

// fill adds the slots from number first on, one for each key, and returns one error
// for each.
func (d *Dependency) fill(ctx context.Context, master string, first uint64, keys []string) []error {
	names := make([]string, len(keys))
	for i := range keys {
		names[i] = slotKey(master, first+uint64(i))
	}
	if errs, ok := local.AddWires(ctx, d.wires, master, first, names, keys, d.ttl); ok {
		return errs
	}
	errs := make([]error, len(keys))
	if len(keys) == 1 {
		errs[0] = d.wires.Add(ctx, names[0], []byte(keys[0]), d.ttl)
		return errs
	}
	values := make(map[string][]byte, len(keys))
	for i, key := range keys {
		values[names[i]] = []byte(key)
	}
	err := d.wires.AddMulti(ctx, values, d.ttl)
	for i, name := range names {
		errs[i] = reason(err, name)
	}
	return errs
}

// confirm reports whether the master still covers slot number last, and marks it as
// changed.
func (d *Dependency) confirm(ctx context.Context, master string, last uint64) (bool, error) {
	n, err := d.cache.Increment(ctx, master, 0)
	if errors.Is(err, cache.ErrMiss) {
		return d.cache.Discards(), nil
	}
	return n >= last, err
}
