// Package driver defines the interfaces that cache backends implement for package
// [github.com/larder-go/larder/cache].
//
// Applications do not use it. They hold a [github.com/larder-go/larder/cache.Cache],
// which checks and encodes keys, checks TTLs, rejects operations after Close and calls
// the driver. A backend implements [Cache], the small required interface, and whichever
// optional interfaces it can implement natively:
//
//   - [Batcher]: many keys in one call. Without it the cache calls the operation on one
//     key in a loop.
//   - [Swapper]: compare-and-swap and compare-and-delete. They cannot be imitated
//     atomically, so without it they return an error that matches
//     [errors.ErrUnsupported].
//   - [BatchSwapper]: the operations of a Swapper on many keys. Without it the cache
//     calls them in a loop.
//   - [InitialCounter]: counts that begin with a value. Without it the cache counts, and
//     adds the key if it is absent.
//   - [Toucher]: a new TTL without the value. Without it the cache uses
//     compare-and-swap, and without that it is unsupported.
//   - [Pinger]: a check that the servers can be reached. Without it the cache pings with
//     a Get, which reaches one server of several.
//   - [StatsReporter]: statistics. Without it they are unsupported.
//
// The cache looks for them once, when it is made. Package
// [github.com/larder-go/larder/cache/cachetest] tests the rules that a driver must keep,
// package [github.com/larder-go/larder/cache/driver/dsn] reads configuration strings, and
// docs/drivers.md walks through a complete driver.
package driver

import (
	"context"
	"strconv"
	"time"
)

// A Cache is the part that every backend has. Its methods must be safe for concurrent
// use.
//
// A driver may rely on the following. Keys are encoded and valid: 1 to 250 bytes, none of
// them <= 0x20 or 0x7f. TTLs are not negative. The context was not done when the call
// began. No operation begins after Close has begun; operations that are in progress may
// overlap with it.
//
// A driver must not modify the bytes of an [Entry], must keep no reference to them after
// the call, and must never change bytes that it has returned. It returns the sentinel
// errors of this package unwrapped when there is nothing to add, and wraps any other
// failure once, in an [Error].
type Cache interface {
	// Get returns the value of key, or ErrMiss. The caller must not modify the
	// bytes. An empty value is empty and not nil.
	Get(ctx context.Context, key string) ([]byte, error)

	// Store stores e according to mode. It returns ErrNotStored when Add finds the
	// key present or Replace finds it absent, and ErrTooLarge when the value is over
	// the limit of the backend.
	Store(ctx context.Context, mode Mode, e Entry) error

	// Delete removes key, or returns ErrMiss.
	Delete(ctx context.Context, key string) error

	// Increment adds delta to the decimal number at key, wrapping at 2^64, and
	// returns the sum. It keeps the TTL of the key. It returns ErrMiss when the key
	// is absent and ErrNotNumber when the value is not a decimal number that fits
	// 64 bits. Afterwards Get returns the digits without padding. An increment by 0
	// makes a new state for a Swapper too.
	Increment(ctx context.Context, key string, delta uint64) (uint64, error)

	// Decrement is like Increment, but subtracts, and stops at 0.
	Decrement(ctx context.Context, key string, delta uint64) (uint64, error)

	// Flush removes everything in this cache.
	Flush(ctx context.Context) error

	// Close releases the resources of the cache. It is called once.
	Close() error
}

// A Mode says when an entry is stored.
type Mode uint8

const (
	Set     Mode = iota // always
	Add                 // only if the key is absent
	Replace             // only if the key is present
)

// String returns "set", "add" or "replace".
func (m Mode) String() string { return m.Op().String() }

// Op returns the operation that stores one entry in this mode.
func (m Mode) Op() Op {
	switch m {
	case Set:
		return OpSet
	case Add:
		return OpAdd
	case Replace:
		return OpReplace
	}
	return opEnd
}

// MultiOp returns the operation that stores many entries in this mode.
func (m Mode) MultiOp() Op {
	switch m {
	case Set:
		return OpSetMulti
	case Add:
		return OpAddMulti
	case Replace:
		return OpReplaceMulti
	}
	return opEnd
}

// A Kind says what the bytes of a value are to readers in other languages. Go programs
// get bytes whatever the kind. A driver for a shared server marks the value as the other
// clients expect (memcached: flags); a driver that has no place for the kind ignores it.
type Kind uint8

const (
	Bytes  Kind = iota // opaque
	Text               // UTF-8
	Number             // decimal digits
)

// String returns "bytes", "text" or "number".
func (k Kind) String() string {
	switch k {
	case Bytes:
		return "bytes"
	case Text:
		return "text"
	case Number:
		return "number"
	}
	return "unknown"
}

// An Entry is a value to store.
type Entry struct {
	Key   string
	Value []byte        // nil and empty are the same; the driver copies it
	TTL   time.Duration // 0 means no expiry; never negative
	Kind  Kind
}

// An Item is a stored value and a token that identifies its state.
type Item struct {
	Value []byte // shared: must not be modified; not nil if the item was found
	Kind  Kind

	// TTL is the remaining time to live, if TTLKnown is set; 0 then means no
	// expiry. A backend that cannot tell leaves both unset.
	TTL      time.Duration
	TTLKnown bool

	// Token identifies the state of the item to the same driver's CompareAndSwap
	// and CompareAndDelete. Every store to the key makes a new state, whether the
	// bytes are equal or not, and so does an increment by 0. No two states of a key
	// have the same token, even if its server was restarted in between. An
	// Item without a Token is a miss.
	Token any
}

// A Batcher operates on many keys in one call.
type Batcher interface {
	// GetMulti returns one value for each key, in order: nil for a miss, empty and
	// not nil for an empty value. If some keys cannot be fetched, errs has one error
	// for each key, nil for the others; otherwise it is nil. Keys may repeat.
	GetMulti(ctx context.Context, keys []string) (values [][]byte, errs []error)

	// StoreMulti stores each entry as Store would. The result is nil if all were
	// stored; otherwise it has one error for each entry, in order, nil for those
	// that were. Keys do not repeat.
	StoreMulti(ctx context.Context, mode Mode, entries []Entry) []error

	// DeleteMulti deletes each key as Delete would. The result is nil if nothing
	// failed; otherwise it has one error for each key, in order. An absent key may
	// give ErrMiss or nil. Keys may repeat.
	DeleteMulti(ctx context.Context, keys []string) []error
}

// A Swapper changes an item only if it is still in the state in which it was read.
type Swapper interface {
	// GetItem is like Get, but returns the token as well.
	GetItem(ctx context.Context, key string) (Item, error)

	// CompareAndSwap stores e if the key is still in the state that token
	// identifies. It returns ErrConflict if the state is another, and ErrMiss if the
	// key is absent.
	CompareAndSwap(ctx context.Context, token any, e Entry) error

	// CompareAndDelete deletes key under the same condition.
	CompareAndDelete(ctx context.Context, key string, token any) error
}

// A BatchSwapper is a [Swapper] that operates on many keys in one call.
type BatchSwapper interface {
	Swapper

	// GetItemMulti returns one item for each key, in order; the zero Item is a miss.
	// Errors are as in GetMulti. Keys may repeat.
	GetItemMulti(ctx context.Context, keys []string) (items []Item, errs []error)

	// GetOrAddMulti returns the item at each entry's key. Where there is none, it
	// stores the entry and returns it as the item: then added is true. A driver does
	// it in as few round trips as its protocol allows, as a rule in one. A token
	// must belong to the state that the item describes. An entry that was stored but
	// is gone when it is read back is ErrMiss. Errors are as in GetMulti. Keys do
	// not repeat.
	GetOrAddMulti(ctx context.Context, entries []Entry) (items []Item, added []bool, errs []error)

	// CompareAndSwapMulti stores each entry as CompareAndSwap would with the token of
	// the same index. The result is nil if all were stored; otherwise it has one
	// error for each entry, in order. Keys do not repeat.
	CompareAndSwapMulti(ctx context.Context, tokens []any, entries []Entry) []error

	// CompareAndDeleteMulti deletes each key as CompareAndDelete would with the token
	// of the same index. The result is nil if all were deleted; otherwise it has one
	// error for each key, in order. Keys do not repeat.
	CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error
}

// An InitialCounter counts, in one round trip, keys that may be absent.
type InitialCounter interface {
	// IncrementFrom is Increment, but stores initial first, with ttl and as a Number, if
	// key is absent. A counter that is removed between the two steps may be ErrMiss: the
	// cache then calls again.
	IncrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error)

	// DecrementFrom is the same with Decrement.
	DecrementFrom(ctx context.Context, key string, delta, initial uint64, ttl time.Duration) (uint64, error)
}

// A Toucher gives a key a new TTL.
type Toucher interface {
	// Touch sets the TTL of key (0 means no expiry), or returns ErrMiss.
	Touch(ctx context.Context, key string, ttl time.Duration) error

	// GetAndTouch is Get and Touch in one atomic operation.
	GetAndTouch(ctx context.Context, key string, ttl time.Duration) ([]byte, error)
}

// A Pinger checks that the backend can be reached.
type Pinger interface {
	// Ping returns nil if every server of the cache replies.
	Ping(ctx context.Context) error
}

// A StatsReporter reports statistics.
type StatsReporter interface {
	// Stats returns the statistics of the cache.
	Stats(ctx context.Context) (Stats, error)
}

// shortKey returns key for an error message: quoted, and shortened if it is long.
func shortKey(key string) string {
	const most = 40
	if len(key) > most {
		return strconv.QuoteToASCII(key[:most]) + "..."
	}
	return strconv.QuoteToASCII(key)
}
