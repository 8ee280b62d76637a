// Package load implements a read-through cache, with protection against stampedes and
// invalidation by cache tags. A [Loader] returns a value of one type from the cache, or
// loads and stores it:
//
//	users, err := load.New(c, load.Config[User]{Codec: codec.JSON[User](), TTL: time.Hour})
//
//	u, err := users.Get(ctx, "user:7", func(ctx context.Context, e *load.Entry[User]) (User, error) {
//		if err := e.Tag(ctx, "team:3"); err != nil { // before the data is read
//			return User{}, err
//		}
//		return db.User(ctx, 7)
//	})
//
//	err = users.Invalidate(ctx, "team:3") // everything with that tag, one command
//
// # Stampedes
//
// A lease in the cache makes one caller at a time load a key, in all processes that share the
// cache. The others wait for the value. This prevents a cache stampede (also called dogpile
// or thundering herd). If a load outlasts its lease, one waiter takes over.
//
// # Invalidation by cache tags
//
// A value can have cache tags (also called surrogate keys). Invalidating a tag takes one
// command, however many values have it. Each tag has a record in the cache with a random
// version. A value is stored with the versions that its tags had before it was loaded, and is
// returned only while the records have these versions. An absent record is added with a new
// version; a record is never overwritten; [Loader.Invalidate] removes it. So a record that is
// evicted, or lost in a restart, invalidates values and never revives them.
//
// # What is not promised
//
//   - A server that comes back with old contents, such as a restored snapshot or a replica
//     that was promoted before it received the last deletes, can return old values. Their TTL
//     bounds that.
//   - While processes move to another list of servers one by one, invalidations must go to
//     both lists; see [Config.AlsoInvalidate]. Before a list goes back to servers that still
//     hold old items, increase [Config.Generation], or flush these servers.
//   - Items that another program stored have no header and no tags. They are decoded as they
//     are, and [Loader.Invalidate] does not invalidate them.
//   - Leases, refreshes and KeepStale use the system clocks of the processes. If a clock is
//     set back, refreshes are late, and a value whose refresh fails can last longer by as
//     much. If two clocks differ by more than a lease, both processes may load a key at the
//     same time. Invalidated values are not returned, whatever the clocks show.
//   - [Loader.Delete] without [Config.KeyTags] does not remove values from the memory of
//     other processes.
//
// # Other names
//
// [ErrNotFound] with [Config.NotFoundTTL] is negative caching. [Config.RefreshAfter] is
// stale-while-revalidate (soft TTL), and [Config.KeepStale] is stale-if-error.
//
// The only goroutines of a loader are loads that a caller waits for and the refreshes that
// its configuration enables.
package load
