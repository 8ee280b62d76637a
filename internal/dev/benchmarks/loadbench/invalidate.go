package loadbench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/benchmarks/report"
	"github.com/larder-go/larder/load"
)

// Two ways to invalidate items.
const (
	byTag = "load: Invalidate of their tag"
	byKey = "by hand: DeleteMulti of their keys"
)

const (
	million = 1_000_000
	atOnce  = 1000 // items that are stored by one call
)

func (r *Results) runInvalidations(o Options) (err error) {
	addr, stop, err := startMemcached()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stop()) }()
	c, err := memcached.New(memcached.Config{Servers: []string{addr}, Timeout: 10 * time.Second})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.Close()) }()
	loader, err := load.New(c, load.Config[[]byte]{TTL: time.Hour})
	if err != nil {
		return err
	}
	rounds := map[int]int{1: 21, 1000: 11, million: 3}
	for _, n := range []int{1, 1000, million} {
		count := rounds[n]
		if o.Quick {
			if count = 1; n == million {
				continue
			}
		}
		rows := []Row{{Name: byTag}, {Name: byKey}}
		for range count {
			for i, measure := range []func(n int, calls counted) (µs float64, err error){
				func(n int, calls counted) (float64, error) { return invalidateTag(loader, n, calls) },
				func(n int, calls counted) (float64, error) { return deleteKeys(c, n, calls) },
			} {
				took, err := measure(n, func(do func() error) (err error) {
					rows[i].Commands, err = deletes(addr, do)
					return err
				})
				if err != nil {
					return err
				}
				rows[i].Group, rows[i].Times = report.Number(float64(n)), append(rows[i].Times, took)
			}
		}
		r.Invalidations = append(r.Invalidations, rows...)
	}
	return nil
}

// counted does something and counts the commands that the server receives.
type counted func(do func() error) error

// invalidateTag stores items with a tag, and returns the µs that invalidating the tag takes.
func invalidateTag(loader *load.Loader[[]byte], n int, calls counted) (µs float64, err error) {
	keys := keysOf("tagged", n)
	value := make([]byte, valueSize)
	for some := range slices.Chunk(keys, atOnce) {
		_, err := loader.GetMulti(ctx, some, func(_ context.Context, _ *load.Entries[[]byte], missing []string) (map[string][]byte, error) {
			values := make(map[string][]byte, len(missing))
			for _, key := range missing {
				values[key] = value
			}
			return values, nil
		}, "all")
		if err != nil {
			return 0, err
		}
	}
	if found, err := count(loader, keys); err != nil || found != n {
		return 0, fmt.Errorf("%d of %d items were stored: %w", found, n, err)
	}
	var took time.Duration
	if err := calls(func() error {
		began := time.Now()
		err := loader.Invalidate(ctx, "all")
		took = time.Since(began)
		return err
	}); err != nil {
		return 0, err
	}
	if found, err := count(loader, keys); err != nil || found != 0 {
		return 0, fmt.Errorf("%d of %d items are left: %w", found, n, err)
	}
	return took.Seconds() * 1e6, nil
}

// count returns how many of keys are in the cache and good.
func count(loader *load.Loader[[]byte], keys []string) (int, error) {
	found := 0
	for some := range slices.Chunk(keys, atOnce) {
		values, err := loader.GetMulti(ctx, some, nil)
		if err != nil {
			return found, err
		}
		found += len(values)
	}
	return found, nil
}

// deleteKeys stores items, and returns the µs that deleting them takes.
func deleteKeys(c *cache.Cache, n int, calls counted) (µs float64, err error) {
	keys := keysOf("plain", n)
	value := make([]byte, valueSize)
	for some := range slices.Chunk(keys, atOnce) {
		values := make(map[string][]byte, len(some))
		for _, key := range some {
			values[key] = value
		}
		if err := c.SetMulti(ctx, values, time.Hour); err != nil {
			return 0, err
		}
	}
	var took time.Duration
	err = calls(func() error {
		began := time.Now()
		err := c.DeleteMulti(ctx, keys)
		took = time.Since(began)
		return err
	})
	return took.Seconds() * 1e6, err
}

func keysOf(prefix string, n int) []string {
	keys := make([]string, n)
	for i := range keys {
		keys[i] = fmt.Sprint(prefix, ":", i)
	}
	return keys
}
