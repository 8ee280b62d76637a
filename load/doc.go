// Package load reads values through a cache: it returns them from the cache, or loads and
// keeps them. One [Loader] reads, loads and invalidates values of one type:
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
// A key is loaded by one caller at a time, in all processes that share the cache, by a lease
// in the cache. The others wait for the value. This prevents a cache stampede (also called
// dogpile or thundering herd). If a load outlasts its lease one waiter takes over.
//
// # Invalidation by tag
//
// A value can have tags (also called cache tags or surrogate keys). Invalidating a tag takes
// one command, however many values have it. Each tag has a record in the cache with a random
// version. A value is stored with the versions that its tags had before it was loaded, and is
// returned only while these are the versions of the records. A record is made where it is
// absent, is never overwritten, and is removed by [Loader.Invalidate]. A record that was
// evicted, or lost in a restart, therefore invalidates values and never revives them.
//
// # What is not promised
//
//   - A server that comes back with old contents, such as a restored snapshot or a replica
//     that was promoted before it received the last deletes, can return old values. Their TTL
//     bounds that.
//   - While processes move to another list of servers one by one, invalidations must go to
//     both lists; see [Config.AlsoInvalidate]. When a list goes back to servers that still hold
//     what they held before, increase [Config.Generation], or empty them first.
//   - Items that another program stored have no header and no tags. They are decoded as they
//     are, and [Loader.Invalidate] does not reach them.
//   - [Loader.Delete] without [Config.KeyTags] does not reach values in the memory of other
//     processes.
//
// # Other words for it
//
// [ErrNotFound] with [Config.NotFoundTTL] is negative caching. [Config.RefreshAfter] is
// stale-while-revalidate, and [Config.KeepStale] is stale-if-error.
//
// A loader starts nothing in the background but loads that somebody waits for and the
// refreshes that its configuration asks for.
package load
