// Package dependency invalidates groups of cached items. Items are wired to a master key,
// and deleting the master removes all of them. A wire is a small item that names the key of
// another. A master is a cache tag, also called a surrogate key, whose invalidation deletes
// the items. The tags of package load work in another way: each read checks them. "Evictions
// and restarts" compares the two.
//
// A program that caches several pages made from one order wires them to a master key
// of that order. When the order changes it deletes the master, and the pages are gone:
//
//	orders, err := dependency.New(c, time.Hour)
//	...
//	err = c.Set(ctx, "page:7", page, time.Hour)   // the item first,
//	err = orders.Add(ctx, "order:100:", "page:7") // then its wire
//	...
//	err = orders.Delete(ctx, "order:100:")        // page:7 is gone
//
// # The promise
//
// A key whose Add returned nil before Delete began is gone when Delete returns nil,
// whatever other goroutines, processes and machines do with the same master in the
// meantime. This holds for the value that was set before that Add began. A program must
// follow three rules:
//
//   - Set the item, then Add its wire. In the other order a Delete between the two
//     finds nothing to drop.
//   - When Add returns an error, the key may not be wired: remove the item, or let its
//     TTL end it.
//   - When Delete returns an error, some items may be left: call it again. If a server
//     does not reply, Delete takes two timeouts for every 4,096 wires; a deadline in the
//     context ends it earlier.
//
// A value that was computed before a Delete and set after it is not removed by that
// Delete; no invalidation can do that. The next Delete removes it.
//
// Package dependency does not prevent a stampede after a Delete, when many callers compute
// the same item at once. Package load does.
//
// # Masters
//
// A master is a key of the same cache. Its value counts the wires that were made. Each
// wire is an item too: its key is the master followed by the number of the wire
// (order:100:1, order:100:2, ...), and its value is the wired key. End a master with
// something that is not a digit: "order:1" and "order:11" would share keys. Deleting one
// of the two may then remove items of the other. A wire of one may also be at the key of
// the other, which Add reports as [cache.ErrNotNumber], unless the wired key is a number.
//
// No item may have the key of a wire. With the master "user:" the item "user:1" and the
// wire number 1 share a key: a Get returns the name of another key, or a Delete removes an
// item that is not wired. Use a master such as "user:tag:" or "tag:user:". Add rejects such a
// key if it is wired to this master, with [cache.ErrInvalidKey]. Other items it cannot see.
//
// Do not wire a master to another master, to build a tree of them: deleting the outer
// one removes the inner one's count, and with it the way to the inner one's keys. Wire
// each item to all the masters that it belongs to.
//
// A master counts every Add until it is deleted, repeated ones of the same key too. Its
// next Delete reads as many wires as there were Adds, even if most of them have expired.
//
// # TTL
//
// The TTL given to [New] is that of a wire. It must be at least the TTL of the items, and
// two seconds more on servers that count seconds. 0 makes wires that do not expire, for
// items that do not expire. The master has no TTL.
//
// # Evictions and restarts
//
// Package memory keeps the promise at any bound: a wire and its master stay while the item
// may be there, and an item for whose wire there is no room is evicted instead. Add then
// returns nil, because no item is left that could become stale.
//
// Memcached may evict any of them, and loses everything when it restarts. Wires are not read
// until a Delete, so memcached may evict a wire or a master before the item. A Delete then
// cannot find the item, and returns nil. The table shows the pages that survived the Deletes
// of all masters, each of which returned nil: 60,000 pages of 1 KiB, four to a master, read
// 400,000 times with a Zipf distribution, on a server with -m MiB of memory:
//
//	-m      evictions   pages cached   of these stale
//	64              0         50,027             0 %
//	32        116,162         24,780            47 %
//	16        261,337         12,390            46 %
//	 8        399,500          6,195            38 %
//
// The command go run . -drivers eviction in internal/dev/benchmarks makes it.
//
// Where evictions happen (watch the server's counter), give the items a short TTL, or use
// the cache tags of package load. There an item is stored with the versions of its tags, and
// a tag that was evicted makes its items misses, so an eviction cannot make them stale. Each
// hit takes one more read.
//
// # Other languages
//
// The layout is that of wheezy.caching's CacheDependency in Python, and both work on
// the same servers and masters: keys are stored as text, counts as numbers. Keys are
// stored as they were given to Add, so all programs must use the same key prefix and key
// encoding. The promise holds for wires made here while Python makes wires on the same
// master. It does not hold while Python deletes the master: that may remove a wire that was
// just made. Wires that Python makes may be lost.
package dependency
