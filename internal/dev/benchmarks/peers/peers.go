// Package peers puts larder's memory cache and the Go caches that it is compared
// with behind one small adapter, each in the configuration that suits it best.
package peers

import (
	"time"
	"unsafe"
)

// Sizing says what a cache must be made for.
type Sizing struct {
	Entries   int // it must hold so many; with Bounded, no more than that
	Bounded   bool
	KeySize   int // bytes, of every key
	ValueSize int // bytes, of every value
	// Overwrites is the number of stores to present keys that a cache that appends to a
	// ring must take without losing an entry.
	Overwrites int
	TTL        time.Duration // of every entry, where the cache has one
	// Inline asks for eviction at once instead of in the background, where the
	// cache offers it: hit ratios then do not depend on scheduling.
	Inline bool
}

// Cache is one instance of an implementation.
type Cache interface {
	Worker() Worker // a handle for one goroutine
	Settle()        // returns when stores that are buffered have taken effect
	Len() int       // entries held, or -1 if the cache cannot say
	Close()
}

// Worker is a cache as one goroutine uses it. Values are not written to after Set,
// so that caches that keep the slice they are given need not copy it.
type Worker interface {
	Get(key string) []byte // nil if absent; valid until the worker's next call
	Set(key string, value []byte)
	Delete(key string)
}

// Adder is a Worker that can store a key only if it is absent.
type Adder interface {
	Add(key string, value []byte) (stored bool)
}

// Expirer is a Worker that can give each entry a different TTL.
type Expirer interface {
	SetFor(key string, value []byte, ttl time.Duration)
}

// Counters are counters that live in a cache. Incr may be called by many goroutines;
// an absent counter starts from 0.
type Counters interface {
	Incr(key string) uint64
	Close()
}

// Peer is an implementation.
type Peer struct {
	Name   string
	Module string // its path, for the version
	// Yardstick marks a map, which is not a cache: it shows what a map alone costs.
	Yardstick bool
	Larder    bool // larder itself, in one configuration or another
	Config    string
	// Beyond lists for the report the features that larder does not have.
	Beyond string

	New         func(Sizing) Cache
	NewCounters func(n int, ttl time.Duration) Counters // nil: it has no atomic count

	Expires   bool // entries have a TTL
	PerEntry  bool // and each its own
	Evicts    bool // can be bounded by number of entries
	TickerTTL bool // expired entries are found only up to a second or more later
}

// All are the implementations, in the order of the tables.
func All() []Peer {
	return []Peer{
		larder, larderCancel, larderBounded, larderBytes,
		otterPlain, otterCoarse, otterBounded,
		ristrettoPeer, theinePeer,
		fastcachePeer, freecachePeer, freecacheDefault, bigcachePeer,
		goCachePeer, ttlcachePeer, lruPeer, sturdycPeer,
		xsyncPeer, mutexMapPeer,
	}
}

// ByName returns the implementation of that name.
func ByName(name string) (Peer, bool) {
	for _, p := range append(All(), Idle) {
		if p.Name == name {
			return p, true
		}
	}
	return Peer{}, false
}

// raw is key as bytes, for the caches that want it so. They only read it.
func raw(key string) []byte { return unsafe.Slice(unsafe.StringData(key), len(key)) }

// Idle is the harness alone: a cache that does nothing.
var Idle = Peer{
	Name: "harness",
	New:  func(Sizing) Cache { return idle{} },
	NewCounters: func(int, time.Duration) Counters {
		return idle{}
	},
}

type idle struct{}

var idleValue = []byte{1}

func (i idle) Worker() Worker        { return i }
func (idle) Settle()                 {}
func (idle) Len() int                { return -1 }
func (idle) Close()                  {}
func (idle) Get(string) []byte       { return idleValue }
func (idle) Set(string, []byte)      {}
func (idle) Delete(string)           {}
func (idle) Add(string, []byte) bool { return false }
func (idle) Incr(string) uint64      { return 0 }
