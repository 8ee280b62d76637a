// Package driver is what a backend of package cache implements.
//
// Programs do not use it: they hold a [github.com/larder-go/larder/cache.Cache],
// which checks and encodes keys, checks TTLs, refuses work after Close and calls
// the driver below it. A backend implements [Cache], the small required part, and
// whichever of the optional interfaces it has natively:
//
//   - [MultiGetter], [MultiStorer], [MultiDeleter]: many keys in one call. Without
//     them the cache calls the single operation in a loop.
//   - [Swapper]: compare-and-swap and compare-and-delete. They cannot be imitated
//     atomically, so without them the cache answers an error that satisfies
//     errors.Is(err, errors.ErrUnsupported).
//   - [MultiItemGetter], [MultiSwapper]: a Swapper's operations on many keys, looped
//     like the others where they are missing.
//   - [Toucher], [Statser]: likewise without imitation.
//   - [Pinger]: a reachability check. Without it the cache pings with a Get,
//     which reaches one server of several.
//   - [Discarder]: the statement that nothing is kept.
//
// The abilities are looked for once, when the cache is made. The rules that the
// pieces must keep together are the test suite
// [github.com/larder-go/larder/cache/cachetest]; docs/drivers.md walks through a
// complete driver.
package driver

import (
	"context"
	"time"
)

// Cache is the part that every backend has. All methods may be called by many
// goroutines at once.
//
// What a driver may rely on: keys are encoded and legal (1 to 250 bytes, none of
// them <= 0x20 or 0x7f), TTLs are not negative, the context was not done when the
// call began, and no operation begins after Close has (calls already running may
// overlap with it).
//
// What a driver owes: it keeps no reference to the bytes of an [Entry] after the
// call, never changes bytes that it has returned, returns the sentinel errors of
// this package bare when they are the whole story, and wraps any other failure once,
// in an [Error].
type Cache interface {
	// Get returns the value of key, or ErrMiss. The bytes are shared: the
	// caller must not write to them. An empty value is empty and not nil.
	Get(ctx context.Context, key string) ([]byte, error)

	// Store stores e as mode says. It answers ErrNotStored when Add finds the
	// key present or Replace finds it absent, and ErrTooLarge when the value is
	// over the limit of the backend.
	Store(ctx context.Context, mode Mode, e Entry) error

	// Delete removes key, or answers ErrMiss.
	Delete(ctx context.Context, key string) error

	// Increment adds delta to the decimal number at key, wrapping at 2^64, and
	// returns the sum; the TTL of the key stays. It answers ErrMiss when the
	// key is absent and ErrNotNumber when the value is not a decimal number
	// that fits 64 bits. Afterwards Get returns the digits without padding.
	// With a delta of 0 it still counts as a change for a Swapper.
	Increment(ctx context.Context, key string, delta uint64) (uint64, error)

	// Decrement is Increment with a subtraction that stops at 0.
	Decrement(ctx context.Context, key string, delta uint64) (uint64, error)

	// Flush removes everything in this cache.
	Flush(ctx context.Context) error

	// Close releases what the cache holds. It is called once.
	Close() error
}

// Mode says when an entry is stored.
type Mode uint8

const (
	Set     Mode = iota // always
	Add                 // only if the key is absent
	Replace             // only if the key is present
)

// String returns the mode's name: "set", "add" or "replace".
func (m Mode) String() string {
	switch m {
	case Set:
		return "set"
	case Add:
		return "add"
	case Replace:
		return "replace"
	}
	return "unknown"
}

// Kind says what the bytes of a value are to a reader in another language. Go
// programs get bytes whatever the kind; a driver for a shared server writes it down
// in the way the other clients expect (memcached: flags) and a driver that has no
// place for it ignores it.
type Kind uint8

const (
	Bytes  Kind = iota // opaque
	Text               // UTF-8
	Number             // decimal digits
)

// String returns the kind's name: "bytes", "text" or "number".
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

// Entry is a value on its way into a cache.
type Entry struct {
	Key   string
	Value []byte        // nil and empty are the same; the driver copies it
	TTL   time.Duration // 0: no expiry; never negative
	Kind  Kind
}

// Item is a value as it was found, with the token that recognises it again.
type Item struct {
	Value []byte // shared: not to be written to; not nil when the item was found
	Kind  Kind
	// Token identifies this state of the item to CompareAndSwap and
	// CompareAndDelete of the same driver. Any store to the key, equal bytes
	// or not, makes a new state, and so does an increment by 0. Nil in an
	// Item that stands for a miss.
	Token any
}

// MultiGetter gets many keys in one call.
type MultiGetter interface {
	// GetMulti returns one value for each key, in order: nil for a miss, empty
	// and not nil for an empty value. When a part of the keys could not be
	// asked for, the values of the others are returned together with the
	// error. Keys may repeat.
	GetMulti(ctx context.Context, keys []string) ([][]byte, error)
}

// MultiStorer stores many entries in one call.
type MultiStorer interface {
	// StoreMulti stores each entry as Store would. The result is nil when all
	// were stored; otherwise it holds one error for each entry, in order, nil
	// for those that were. No key comes twice.
	StoreMulti(ctx context.Context, mode Mode, entries []Entry) []error
}

// MultiDeleter deletes many keys in one call.
type MultiDeleter interface {
	// DeleteMulti deletes each key as Delete would. The result is nil when
	// nothing failed; otherwise it holds one error for each key, in order. An
	// absent key may give ErrMiss or nil. Keys may repeat.
	DeleteMulti(ctx context.Context, keys []string) []error
}

// Swapper changes an item only if it is still the one that was read.
type Swapper interface {
	// GetItem is Get with the token.
	GetItem(ctx context.Context, key string) (Item, error)

	// CompareAndSwap stores e if the key still is in the state that token
	// names. It answers ErrConflict when it is in another, ErrMiss when it
	// is gone.
	CompareAndSwap(ctx context.Context, token any, e Entry) error

	// CompareAndDelete deletes key under the same condition.
	CompareAndDelete(ctx context.Context, key string, token any) error
}

// MultiItemGetter is GetItem for many keys, for a driver that is a [Swapper].
type MultiItemGetter interface {
	// GetItemMulti returns one item for each key, in order; the zero Item is a
	// miss. Errors are as in GetMulti. Keys may repeat.
	GetItemMulti(ctx context.Context, keys []string) ([]Item, error)
}

// MultiSwapper is CompareAndDelete for many keys, for a driver that is a [Swapper].
type MultiSwapper interface {
	// CompareAndDeleteMulti deletes each key as CompareAndDelete would with the
	// token of the same index. The result is nil when all were deleted; otherwise
	// it holds one error for each key, in order. No key comes twice.
	CompareAndDeleteMulti(ctx context.Context, keys []string, tokens []any) []error
}

// Toucher gives a key a new TTL without its value.
type Toucher interface {
	// Touch sets the TTL of key (0: no expiry), or answers ErrMiss.
	Touch(ctx context.Context, key string, ttl time.Duration) error
}

// Pinger checks that the backend can be reached.
type Pinger interface {
	// Ping returns nil when every server of the cache answers.
	Ping(ctx context.Context) error
}

// Discarder is a cache that by design keeps nothing, so that no stored item is ever
// found: package null. Code that waits for an item to be there asks for it.
type Discarder interface {
	// Discards does nothing; having it is the statement.
	Discards()
}

// Statser reports on the cache since it was made.
type Statser interface {
	Stats(ctx context.Context) (Stats, error)
}

// Stats are counts since the cache was made, except where a field says otherwise.
type Stats struct {
	Hits   uint64 // gets that found the key, each key of a batch counted
	Misses uint64 // gets that did not
	Sets   uint64 // entries written: stores of any mode, swaps and counts that took effect

	Expired           uint64 // entries removed because their TTL had passed
	EvictedForEntries uint64 // entries removed to keep within a bound on the number of entries
	EvictedForBytes   uint64 // entries removed to keep within a bound on bytes

	Entries uint64 // held now, among them expired ones that are not yet removed
	Bytes   uint64 // held now, as the driver's bound on bytes counts them
}
