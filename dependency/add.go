package dependency

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/local"
)

// maxAttempts bounds the attempts to make a wire. An attempt fails if another program
// deleted the master or took the slot meanwhile, or if the slot was left by a master that
// the server has lost; in the last case steps double. Only a cache that keeps no master is
// expected to reach the bound.
const maxAttempts = 100

var errBusy = fmt.Errorf("the master was absent %d times before the wire could be confirmed; the cache evicts it at once, or it is deleted all the time: %w",
	maxAttempts, cache.ErrConflict)

// Add wires key to master: the next Delete of master removes key. The item must have been
// set before, with a TTL no longer than that of the wires.
//
// After any error the key may not be wired. Add returns [cache.ErrInvalidKey] if the cache
// does not accept key, if master is too long for a number to be appended to it, or if key is
// master followed by digits, since that is the key of a wire. It returns
// [cache.ErrNotNumber] if master holds something other than a count, and an error that
// matches [errors.ErrUnsupported] if the server turns out to have no compare-and-swap: the
// first Add looks, which takes one more round trip. On a cache that keeps nothing Add returns
// nil.
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

// AddMulti is Add for many keys, with three operations on the cache for all of them: one
// counts, one adds the wires, and one checks that the master is still there. Every key that
// can be wired is; a [*cache.MultiError] has an error for each key that may not be wired.
func (d *Dependency) AddMulti(ctx context.Context, master string, keys []string) error {
	ctx, end := d.observe(ctx, cache.OpDependencyAdd, master, len(keys))
	err := d.checkMaster(master)
	if err == nil {
		err = d.wire(ctx, master, keys).err(cache.OpDependencyAdd)
	}
	end(err)
	return err
}

// checkMaster returns an error if the largest number cannot be appended to master, so that
// a long master fails at once and not only after many Adds.
func (d *Dependency) checkMaster(master string) error {
	err := d.cache.CheckKey(master)
	if err == nil {
		err = d.cache.CheckKey(slotKey(master, maxWires))
	}
	if err != nil {
		return fmt.Errorf("dependency: the master, or the key of a wire, which is the master and a number: %w", err)
	}
	return nil
}

// checkKey returns an error if key cannot be wired to master: a later wire would replace the
// item at it, or be replaced by it.
func (d *Dependency) checkKey(master, key string) error {
	number, isSlot := strings.CutPrefix(key, master)
	if isSlot && number != "" && strings.Trim(number, "0123456789") == "" {
		return fmt.Errorf("%w: key %.40q is the key of a wire of master %.40q; want a master that no key of an item begins with",
			cache.ErrInvalidKey, key, master)
	}
	return d.cache.CheckKey(key)
}

// wire finds a confirmed slot for each key and returns the reasons of those for which
// it did not.
//
// The protocol: increment the master to reserve numbers; add the slots of these numbers;
// then increment the master by 0, to confirm that it has not been deleted meanwhile. If it
// has, no Delete would read the slots. The increment by 0 also changes the master, so that
// a Delete that read it before, and may not have seen the slots, fails to remove it.
func (d *Dependency) wire(ctx context.Context, master string, keys []string) failures {
	var failed failures
	left := make([]string, 0, len(keys))
	for _, key := range keys {
		if err := d.checkKey(master, key); err != nil {
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
		if err == nil {
			err = d.checkTokens(ctx, master)
		}
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
		// If no slot is free, these are the slots of a master that was lost. Steps
		// that double pass them soon, however many there are.
		if len(stored) == 0 && len(taken) == len(left) {
			step *= 2
		} else {
			step = uint64(len(taken))
		}
		left = taken
	}
	return failed.addAll(left, errBusy)
}

// checkTokens returns an error if the server keeps nothing by which a Delete could compare the
// master, which was just counted. It looks until it has seen that the server does.
func (d *Dependency) checkTokens(ctx context.Context, master string) error {
	if d.comparable.Load() {
		return nil
	}
	_, err := d.cache.GetItem(ctx, master)
	if err == nil {
		d.comparable.Store(true)
	}
	if errors.Is(err, cache.ErrMiss) {
		return nil // by now
	}
	return err
}

// reserve increments the master by n and returns the new count.
func (d *Dependency) reserve(ctx context.Context, master string, n uint64) (uint64, error) {
	last, err := d.cache.IncrementFrom(ctx, master, n, 0, 0)
	if err != nil {
		return 0, err
	}
	if last < n {
		return 0, errors.New("the master counted beyond 2^64, so it did not hold a count of wires; delete that key")
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
