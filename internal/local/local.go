// Package local holds what packages cache, dependency, load and memory do together that drivers
// and programs cannot see.
package local

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A Cache is a cache in the process. It stores valid keys only, so a lookup that finds a
// key has proved it valid. The key is checked only after a miss: a check before the lookup
// would wait for the bytes of the key to arrive from memory, and a get would take 1.4 times
// as long.
type Cache interface {
	// Lookup returns the value of key, which may be any string. It returns
	// driver.ErrInvalidKey for a key that is not valid, and otherwise what the Get
	// of a driver returns.
	Lookup(key string) ([]byte, error)

	// Has reports whether key, which may be any string, is present. It is not counted
	// as a get, but it is a use of the entry. An Add of a present key needs neither
	// the check of the key nor a lock: it takes 0.7 of the time.
	Has(key string) bool
}

// A Wire is an entry that package dependency stores. It makes a Delete of a master remove
// an item.
type Wire struct {
	Entry  driver.Entry // its key is that of a slot; its value names the item to programs
	Master string       // the encoded key of the master
	Item   string       // the encoded key of the item
	Number uint64       // which slot of the master it is, by the count of the master
}

// A Wirer is a driver in the process that must know which entries are wires, because it
// evicts.
type Wirer interface {
	// AddWire stores w.Entry if its key is absent, and otherwise returns
	// driver.ErrNotStored. If the confirmation that follows finds the master present,
	// then the wire and the master stay for as long as the item that was there before
	// the call, within the TTL of the wire. A wire to that item from a slot of that
	// master of the same number or less may take the place of w: it is then in a new
	// state. ErrEvicted is returned when the item that was there before the call has
	// gone: with the master, or because there is no room for the wire.
	AddWire(w Wire) error
}

// ErrEvicted is returned by Wirer.AddWire.
var ErrEvicted = errors.New("the item was evicted instead of being wired")

// AddWires stores a wire for each of keys in slots of a master from number first on, if the
// driver of c is a Wirer. Otherwise it returns false and does nothing. Package cache sets it;
// c is a *cache.Cache.
var AddWires func(ctx context.Context, c any, master string, first uint64, slots, keys []string, ttl time.Duration) ([]error, bool)

// A Backend is what package load needs to know of a cache in the process.
type Backend struct {
	// Cache is nil if the data is not in the process.
	Cache Cache

	// Hooked reports whether a hook observes the cache.
	Hooked bool

	// Plain reports whether keys are used as they are, so that Cache may be called in
	// the place of the cache.Cache if no hook observes it.
	Plain bool

	// Invalidations counts the invalidations of tags in all loaders of the backend.
	Invalidations *atomic.Uint64
}

// BackendOf returns the backend of a *cache.Cache. Package cache sets it.
var BackendOf func(c any) Backend
