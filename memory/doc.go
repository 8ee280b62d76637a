// Package memory implements a cache in the memory of the process, with a TTL for each entry
// and optional bounds on bytes and entries.
//
// # DSN
//
//	memory://?buckets=60&bucket_interval=15s&max_bytes=64MiB&max_entries=100000&key_encoding=safe
//
// The parameters, with their defaults:
//
//	buckets          how often in a bucket_interval to look for memory that has expired; 60
//	bucket_interval  bounds the time for which an expired entry keeps its memory; 15s
//	max_bytes        bound on the memory, in bytes, or with KiB, MiB, GiB; 0, no bound
//	max_entries      bound on the number of entries; 0, no bound
//	key_encoding     see package encoding; none
//
// # Config
//
// [Config] has a field for each parameter, and CheckReads, for tests. [Config.FormatDSN] is
// the inverse of [ParseDSN].
//
// # Abilities
//
//	get, set, add, replace, delete, count   yes
//	operations on many keys                 a loop over single operations
//	compare-and-swap, compare-and-delete    yes; an item that was touched counts as changed
//	touch, flush, statistics                yes; statistics are exact
//	ping                                    always nil
//	namespaces                              no: the cache is its own partition
//
// # Errors
//
// Operations return ErrMiss, ErrNotStored, ErrConflict, ErrNotNumber, ErrClosed and
// ErrTooLarge of package cache. After ErrTooLarge the old value is still there.
//
// # Context
//
// If the context is done before a call, the call returns its error. It is not checked later:
// operations wait only for locks.
//
// # Bounds
//
// Config.MaxBytes bounds the memory that the cache keeps reachable: entries with their keys, the
// dead records between them (entries that were replaced or removed), the index, and the wires
// of package dependency. Stats counts the same. The bound applies to the whole cache, whatever
// the sizes of values: nothing is evicted while the cache has room.
//
// Memory that the cache has dropped is garbage until the next collection, as for every Go
// value. The cache does not start collections, because each marks the whole process. With
// Go's default of GOGC=100, a process that does nothing else may use up to twice MaxBytes.
// GOMEMLIMIT bounds the process: set it to MaxBytes, plus what the rest of the program needs,
// plus a quarter. The file docs/benchmarks.md of the repository has the resident memory and
// the time that both cost.
//
// A small bound leaves less for entries: a few slabs (see "How it works") are set aside, of
// 1 KiB in a cache of 64 KiB, and each has a header of 80 bytes.
//
// Config.MaxEntries bounds the number of entries. A get, a count, a touch or a swap is a use
// of an entry; entries that were not used recently are evicted first.
//
// An unbounded cache takes at most three times the bytes of its live entries when entries are
// read and overwritten, a large one at most twice plus 4 MiB. A cache with MaxBytes that has
// filled three quarters of it compacts earlier: dead records take at most a quarter of what
// live ones take, and one slab.
//
// # Dependencies
//
// Eviction keeps the promise of package dependency at any bound: a wire and its master stay
// while the item that is wired may be there. When wires take three quarters of a shard, an
// item is evicted instead of being wired. So a bounded cache holds fewer items that are wired
// than items that are not: a wired item takes three entries until it shares its master.
// Cache tags, in package load, need one more read for each hit and no wires.
//
// # Limits
//
// A value has at most 1 GiB less a byte. With MaxBytes, a key, its value and their header of
// 17 bytes have at most MaxBytes/2. There are 32 shards or more, fewer with a small bound; each
// has room for 4 GiB of small entries, or for 16,384 values of 32 KiB and more. A store beyond
// a limit returns ErrTooLarge.
//
// Bytes that Get returned, and an Item, keep the slab that contains them reachable: 256 KiB,
// or the size of a larger value. That includes an Item with an empty Value, because its token
// refers to the record. Copy small values that are held for long, and drop the Item.
//
// A TTL of a minute or more may end 10 ms early, because the clock is read that often. Time
// passes while the process is stopped (SIGSTOP, a paused machine) or gets no processor; after a
// pause of more than a second, an entry that expired meanwhile may be returned for some
// milliseconds if its TTL was half a second or more. While the machine is suspended, Go's
// monotonic clock stops; the time counts if the wall clock shows that it was a second or more.
// A wall clock that is set forward by a second or more expires entries early by as much.
//
// A cache that was created outside of a testing/synctest bubble must not be used inside of
// one, nor the reverse.
//
// # How it works
//
// Entries are appended to slabs, pieces of memory without pointers, so that the
// garbage collector has little to mark: the log of Segcache (Yang et al., NSDI 2021) on the
// Go heap. A record that was read is never changed, and a slab from which a record was read
// is never used again, so a get returns the bytes in the slab without a copy. A record that
// nobody has read is overwritten in place. See slab.go and record.go.
//
// A word of 64 bits in a hash table locates each record. The first get of a record takes the
// lock of its shard, and marks the record as read; later gets take no lock. All changes take
// the lock. See table.go for the sources. The comment of shard.search explains why
// readers are safe.
//
// Stores do the maintenance, each a bounded part of it: they look for expired entries
// (expire.go), compact slabs that are mostly dead records (compact.go), evict (evict.go), and
// divide the bounds among the shards (room.go). There is no goroutine. A timer of 10 ms runs
// while the cache is in use (clock.go).
package memory
