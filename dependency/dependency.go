package dependency

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache"
)

// maxWires is the largest valid count of a master. A larger number is not a count: reading
// so many slots would take hours on any server.
const maxWires = 1_000_000_000

// chunk is the number of slots that are read and cleared at a time. It bounds the memory
// for a master that has counted to millions. Drivers split batches further as they need.
const chunk = 4096

// A Dependency wires keys of one cache to masters. Its state is in the cache: any number
// of them, in any number of processes, may use the same masters. It is safe for concurrent
// use.
type Dependency struct {
	cache *cache.Cache
	wires *cache.Cache // the same cache, storing text
	ttl   time.Duration

	comparable atomic.Bool // an item of the cache was found to have a token
}

// New returns a Dependency whose masters and wires are in c, as the items are. A wire
// expires after ttl, which must be at least the TTL of the wired items; 0 means no expiry.
//
// If c is a namespace, masters, wires and items are all in that namespace. If c cannot
// compare and delete, New returns an error that matches [errors.ErrUnsupported]. If ttl is
// negative, it returns [cache.ErrInvalidTTL].
func New(c *cache.Cache, ttl time.Duration) (*Dependency, error) {
	if c == nil {
		return nil, errors.New("dependency: the cache is nil")
	}
	if ttl < 0 {
		return nil, fmt.Errorf("dependency: %w: %v must not be negative (0 means no expiry)", cache.ErrInvalidTTL, ttl)
	}
	if !c.Supports(cache.OpCompareAndDelete) {
		return nil, fmt.Errorf("dependency: the cache cannot compare and delete: %w", errors.ErrUnsupported)
	}
	return &Dependency{cache: c, wires: c.WithKind(cache.Text), ttl: ttl}, nil
}

// Keys returns the distinct keys that are wired to master, in the order of the numbers of
// their wires. Keys whose wires have expired are left out; keys whose items have expired
// may be included. If a part could not be read, it returns the keys read before that
// together with the error. The result need not be complete while others wire or delete.
func (d *Dependency) Keys(ctx context.Context, master string) ([]string, error) {
	ctx, end := d.observe(ctx, cache.OpDependencyKeys, master, 1)
	keys, err := d.keys(ctx, master)
	end(err)
	return keys, err
}

func (d *Dependency) keys(ctx context.Context, master string) ([]string, error) {
	it, err := d.cache.GetItem(ctx, master)
	if errors.Is(err, cache.ErrMiss) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("dependency: keys: %w", err)
	}
	n, err := count(it)
	if err != nil {
		return nil, fmt.Errorf("dependency: keys: %w", err)
	}
	var keys []string
	seen := map[string]bool{}
	for first := uint64(1); first <= n; first += chunk {
		names := make([]string, 0, min(chunk, n-first+1))
		for i := range uint64(cap(names)) {
			names = append(names, slotKey(master, first+i))
		}
		found, err := d.cache.GetItemMulti(ctx, names)
		for _, name := range names {
			if key, ok := wired(found, name); ok && !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		if err != nil {
			return keys, fmt.Errorf("dependency: keys: %w", err)
		}
	}
	return keys, nil
}

// slotKey returns the key of slot number i of a master.
func slotKey(master string, i uint64) string {
	return master + strconv.FormatUint(i, 10)
}

// wired returns the key that the slot called name holds. A number is not a wire: it is the
// count of another master whose name ends in digits.
func wired(found map[string]cache.Item, name string) (key string, ok bool) {
	it, ok := found[name]
	if !ok || it.Kind == cache.Number {
		return "", false
	}
	return string(it.Value), true
}

// count parses the value of a master: the number of wires that were made.
func count(master cache.Item) (uint64, error) {
	// memcached pads a counter with spaces when it gets shorter.
	n, err := strconv.ParseUint(strings.TrimRight(string(master.Value), " "), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("the master does not hold a count of wires: %w", cache.ErrNotNumber)
	}
	return n, checkCount(n)
}

func checkCount(n uint64) error {
	if n > maxWires {
		return fmt.Errorf("the master holds %d, which is not a count of wires (at most %d); delete that key", n, maxWires)
	}
	return nil
}
