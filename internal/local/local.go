// Package local connects packages cache, dependency, load, memory and drivers/valkey by interfaces
// that drivers and programs outside of this repository cannot use.
package local

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// A Cache is a cache in the process. It stores valid keys only, so a key that a lookup finds
// is valid, and keys are checked only after a miss: a check before the lookup would wait for
// the bytes of the key to arrive from memory, and a get would take 1.4 times as long.
type Cache interface {
	// Lookup is the Get of a driver for a key that may be invalid. For an invalid key
	// it returns driver.ErrInvalidKey.
	Lookup(key string) ([]byte, error)

	// Has reports whether key, which may be invalid, is present. It is not counted as a
	// get, but it is a use of the entry. With it, an Add of a present key needs neither
	// a check of the key nor a lock, and takes 0.7 of the time.
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

// A Wirer is a driver in the process that evicts, and so must know which entries are wires.
type Wirer interface {
	// AddWire stores w.Entry if its key is absent, and otherwise returns
	// driver.ErrNotStored. If the confirmation that follows finds the master present,
	// then the wire and the master stay for as long as the item that was there before
	// the call, within the TTL of the wire. If the item already has a wire in a slot
	// of that master whose number is at most w.Number, AddWire may renew that wire
	// instead, which gives it a new state. ErrEvicted is returned when the item that
	// was there before the call has gone: with the master, or because there is no room
	// for the wire.
	AddWire(w Wire) error
}

// ErrEvicted is returned by Wirer.AddWire.
var ErrEvicted = errors.New("the item was evicted instead of being wired")

// AddWires stores a wire for each of keys, in slots of a master from number first on, if the
// driver of c, a *cache.Cache, is a Wirer. Otherwise it does nothing and returns false.
// Package cache sets it.
var AddWires func(ctx context.Context, c any, master string, first uint64, slots, keys []string, ttl time.Duration) ([]error, bool)

// A Near reads values through a driver for servers, and keeps some of them in the process. The
// values that it returns may be older than those on the servers.
type Near interface {
	// Lookup returns the value of a key, which may be invalid, if it is kept. Only those of
	// valid keys are.
	Lookup(key string) (value []byte, kept bool)

	// Get reads the value of a key that Lookup did not find.
	Get(ctx context.Context, key string) ([]byte, error)
	GetMulti(ctx context.Context, keys []string) (values [][]byte, errs []error)
	Ping(ctx context.Context) error
	Stats(ctx context.Context) (driver.Stats, error)
}

// NearView returns a view of c, a *cache.Cache, whose Get, GetMulti, Ping and Stats call the Near
// that open returns for the driver of c. Package cache sets it.
var NearView func(c any, open func(d driver.Cache) (Near, error)) (view any, err error)

// Exact returns c, a *cache.Cache, without its Near if it is a near view. Packages whose promises
// need the current values of the servers use it. Package cache sets it.
var Exact func(c any) any

// A Backend describes a cache to package load.
type Backend struct {
	// Cache is nil if the data is not in the process.
	Cache Cache

	// Hooked reports whether a hook observes the cache.
	Hooked bool

	// Plain reports whether keys have neither a prefix nor an encoding, so that Cache
	// may be used directly if no hook observes it.
	Plain bool

	// Invalidations counts the invalidations of tags in all loaders of the backend, and
	// its flushes.
	Invalidations *atomic.Uint64
}

// BackendOf returns the backend of a *cache.Cache. Package cache sets it.
var BackendOf func(c any) Backend
