// Package cache is one contract for caches, and the type that programs hold.
//
// A program opens a [Cache] from a string, or makes one with a driver's New, and
// uses it the same way wherever the data lives:
//
//	import (
//		"github.com/larder-go/larder/cache"
//		_ "github.com/larder-go/larder/memory"
//	)
//
//	c, err := cache.Open("memory://")
//	...
//	err = c.Set(ctx, "user:1", page, 10*time.Minute)
//	page, err = c.Get(ctx, "user:1") // cache.ErrMiss if it is not there
//
// Drivers register themselves when they are imported, as with database/sql. This
// module holds memory and null; memcached comes in modules of its own.
//
// # The contract
//
// These rules hold on every backend; package
// [github.com/larder-go/larder/cache/cachetest] tests each of them.
//
//   - Concurrency: every method may be called by many goroutines at once.
//   - Keys: any string goes through the configured encoding. The result must be 1 to
//     250 bytes, none of them <= 0x20 or 0x7f; otherwise [ErrInvalidKey], before
//     anything is sent.
//   - Values are bytes; nil and empty are the same empty value. The cache keeps no
//     reference to what it is given. What it returns may be shared with other
//     callers: do not write to it, copy it first (bytes.Clone). It never changes
//     under the reader. Over the limit of the backend: [ErrTooLarge];
//     the value that was there before may be gone.
//   - TTL: 0 means no expiry, negative is [ErrInvalidTTL]. An item has expired when its
//     TTL has passed, and is never returned then. Backends that count seconds round up.
//     A cache may always drop an item early, to make room.
//   - Errors: a miss is the bare [ErrMiss]; an outage is never a miss but an error
//     that satisfies errors.Is(err, [ErrUnavailable]). Test errors with errors.Is.
//   - Abilities: an operation that a backend cannot do atomically returns an error that
//     matches [errors.ErrUnsupported]; see [Cache.Supports].
//   - Context: when it is done before the call, its error is returned and nothing is
//     sent. How far it reaches into a running call is in the driver's documentation.
//   - Many keys: everything that can be done is done. A [*MultiError] names exactly the
//     keys for which it could not be done, each with its reason; the results of the
//     others are returned with it.
//   - After Close every operation returns [ErrClosed].
package cache
