// Package dependency wires items of a cache together, so that one operation drops
// all of them.
//
// A program that caches several pages made from one order wires them to a master key
// of that order; when the order changes it deletes the master, and the pages are gone:
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
// meantime. What is gone is the value that was set before that Add began. Three rules
// make this true for a program:
//
//   - Set the item, then Add its wire. In the other order a Delete between the two
//     finds nothing to drop.
//   - When Add returns an error the wire may not hold: remove the item, or let it be
//     dropped by its own TTL.
//   - When Delete returns an error something may be left: call it again. With a server
//     that is silent it takes two timeouts for every 4,096 wires: a deadline in the
//     context ends it earlier.
//
// A value that was computed before a Delete and set after it is not dropped by that
// Delete; no invalidation can do that. The next one drops it.
//
// # Masters
//
// A master is a key of the same cache. It holds the number of wires made, and that
// number written after it (order:100:1, order:100:2, ...) makes the keys of the slots
// that hold them. End a master with something that is not a digit: "order:1" and
// "order:11" would share keys. Deleting one of the two may then drop items of the
// other, and the wires of one may stand where the other wants to count, which Add
// reports as [cache.ErrNotNumber], unless the wired key is a number itself.
//
// Do not wire a master to another master, to build a tree of them: deleting the outer
// one removes the inner one's count, and with it the way to the inner one's keys. Wire
// each item to all the masters that it belongs to.
//
// A master counts every Add until it is deleted, repeated ones of the same key too. One
// that is added to for months and never deleted makes its next Delete read as many
// slots as there were Adds, though most of them will have expired.
//
// # TTL
//
// The TTL given to [New] is that of a wire. It must be at least the TTL of the items,
// and on servers that count seconds two seconds more; 0 makes wires that do not expire,
// which suits items that do not. The master has no TTL.
//
// # Evictions and restarts
//
// Package memory keeps the promise at any bound: a wire and its master stay while the item may
// be there, and an item for whose wire there is no room is evicted instead. Add then returns
// nil, as nothing is left that could become stale.
//
// Memcached evicts what it likes, and forgets everything when it restarts. Masters are
// written by each Add, and slots are not read until a Delete, so it may evict a slot or a master
// before the item. A Delete then cannot know of the key that was wired, and returns nil. The
// table has what survived the Deletes of all masters, each of which returned nil: 60,000 pages
// of 1 KiB, four to a master, read 400,000 times by zipf on a server with -m:
//
//	-m      evictions   pages cached   of these stale
//	64              0         50,027             0 %
//	32        116,162         24,780            47 %
//	16        261,337         12,390            46 %
//	 8        399,500          6,195            38 %
//
// The command go run . -drivers eviction in internal/dev/benchmarks makes it.
//
// Where evictions happen (watch the server's counter), give the items a TTL that is short
// enough to live with, or use the cache tags of package load. An item carries the
// versions of its tags, so a tag that the server forgot makes the items of that tag misses: an
// eviction cannot make them stale. That costs one more read for each hit.
//
// # Other languages
//
// The layout is that of wheezy.caching's CacheDependency in Python, and both work on
// the same servers and masters: keys are stored as text, counts as numbers. Keys are
// written as they were given to Add, so with a key prefix or a key encoding all
// programs must use the same. The promise holds for wires made here while Python makes
// wires on the same master. It does not hold while Python deletes it: its delete may
// remove a wire that was just made, and its own wires may be lost.
package dependency
