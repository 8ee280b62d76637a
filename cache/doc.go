// Package cache provides [Cache], a cache with atomic operations that is backed by a
// driver, and a registry of drivers.
//
// A program opens a Cache from a string, or makes one with the New of a driver, and uses it
// in the same way wherever the data is stored:
//
//	import (
//		"github.com/larder-go/larder/cache"
//		_ "github.com/larder-go/larder/memory"
//	)
//
//	c, err := cache.Open("memory://")
//	...
//	err = c.Set(ctx, "user:1", page, 10*time.Minute)
//	page, err = c.Get(ctx, "user:1") // cache.ErrMiss if there is none
//
// Drivers register themselves when they are imported, as with database/sql. Packages memory
// and null are in this module. Each driver for a server is a separate module.
//
// # Related packages
//
//   - [github.com/larder-go/larder/load] fills a cache on demand (read-through). It
//     prevents stampedes: callers that want the same absent value wait for one load. Its
//     tags (cache tags, surrogate keys) invalidate any number of values at once.
//   - [github.com/larder-go/larder/codec] encodes typed values.
//   - [github.com/larder-go/larder/dependency] removes many items in one operation. It
//     is shared with wheezy.caching in Python.
//   - [github.com/larder-go/larder/client] partitions a cache by namespace.
//   - [github.com/larder-go/larder/encoding] encodes keys, so that any string is a valid
//     one.
//   - [github.com/larder-go/larder/cache/driver] defines what a driver implements.
//
// # The contract
//
// These rules hold on every backend; package
// [github.com/larder-go/larder/cache/cachetest] tests each of them.
//
//   - Concurrency: every method may be called by many goroutines at once.
//   - Keys: any string is encoded with the configured encoding. The result must be 1 to
//     250 bytes, none of them <= 0x20 or 0x7f. Otherwise the operation returns
//     [ErrInvalidKey], and nothing is sent.
//   - Values are bytes. Nil and empty are the same empty value. The cache does not
//     modify the bytes that it is given, keeps no reference to them, and never changes
//     those that it returned. Other callers may share the returned bytes: do not modify
//     them, modify a copy (bytes.Clone). A value over the limit of the backend is
//     [ErrTooLarge], and the previous value may be gone.
//   - TTLs: 0 means no expiry, and a negative TTL is [ErrInvalidTTL]. An item expires
//     when its TTL has passed, and is never returned afterwards. Backends that count
//     seconds round up. A cache may always evict an item early, to make room.
//   - Errors: a miss is [ErrMiss] itself. An outage is never a miss: it is an error that
//     matches [ErrUnavailable]. Test for errors with [errors.Is].
//   - Abilities: an operation that a backend cannot do atomically, such as compare-and-swap
//     (CAS), returns an error that matches [errors.ErrUnsupported]. See [Cache.Supports].
//   - Contexts: if the context is done before the call, its error is returned and
//     nothing is sent. The documentation of each driver says how much of a call in
//     progress a context can cut short.
//   - Many keys: an operation on many keys does everything that can be done. A
//     [*MultiError] names exactly the keys for which it failed, each with its reason,
//     and the results of the others are returned with it.
//   - After Close, every operation returns [ErrClosed].
package cache
