// Package memory is a cache in the memory of the process, with a TTL for each entry and
// optional bounds.
//
// # DSN
//
//	memory://?buckets=60&bucket_interval=15s&max_bytes=64MiB&max_entries=100000&key_encoding=safe
//
// All parameters are optional:
//
//	buckets          how often in a bucket_interval deadlines are looked at, default 60
//	bucket_interval  how long an expired entry may keep its memory, default 15s
//	max_bytes        bound on the memory taken: bytes, or with KiB, MiB, GiB; 0, the default: none
//	max_entries      bound on the number of entries; 0, the default: none
//	key_encoding     see package encoding
//
// # Config
//
// [Config] has a field for each parameter, and CheckReads, for tests.
//
// # Abilities
//
//	get, set, add, replace, delete, count   yes
//	the same for many keys                  by a loop: a batch would save nothing
//	compare-and-swap, compare-and-delete    yes; an item that was touched counts as changed
//	touch, flush, statistics                yes; statistics are exact
//	ping                                    always nil
//	namespaces                              no: the cache is its own partition
//
// # Errors
//
// The errors are sentinels of package cache: ErrMiss, ErrNotStored, ErrConflict, ErrNotNumber,
// ErrClosed, and ErrTooLarge, after which the old value is still there.
//
// # Context
//
// A context that is done before a call refuses it; it is not looked at afterwards.
// Operations wait for nothing but locks.
//
// # Bounds
//
// Config.MaxBytes bounds the memory that the cache keeps reachable: entries with their keys, the
// dead records between them, the index, and the wires of package dependency. Stats counts the
// same. The bound holds for the whole cache: shards take parts of it as they grow, and
// nothing is evicted while the cache has room, whatever the sizes of values.
//
// Memory that the cache has dropped is garbage until the next collection, as for every Go
// value. The cache starts no collection, because a collection marks the whole process. With
// Go's default of GOGC=100, a process that does nothing else may use up to twice MaxBytes.
// GOMEMLIMIT bounds the process: set it to MaxBytes, plus what the rest of the program needs,
// plus a quarter. The file docs/benchmarks.md of the repository has the resident memory and
// the price of both.
//
// Config.MaxEntries bounds the number of entries. A get, a count, a touch or a swap is a use
// of an entry; entries that were not used lately are evicted first.
//
// An unbounded cache takes at most three times the bytes of its live entries when entries are
// read and overwritten, a large one at most twice plus 4 MiB. A cache with MaxBytes compacts
// earlier: dead records take at most a quarter of what live ones take, and one slab.
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
// Values have up to 1 GiB less a byte. With MaxBytes, a key, its value and their header of 17 bytes
// have up to MaxBytes/2. There are 32 shards or more, fewer with a small bound; each has
// room for 4 GiB of small entries, or for 16,384 values of 32 KiB and more; what is over is
// ErrTooLarge.
//
// Bytes that Get returned, and an Item, keep the slab in which they lie from the garbage collector, up
// to 256 KiB or the size of a larger value. That holds for an Item with an empty Value
// too, as its token refers to the record. Copy a small value that is to be held for long, and
// drop the Item.
//
// A TTL of a minute or more may end 10 ms early: it is computed from a clock that is
// read that often. While the process stands still (SIGSTOP, a paused machine), time passes;
// an entry that expired meanwhile may be found for some milliseconds more when the pause was
// longer than a second. While the machine is suspended Go's monotonic clock stands still; the
// wall clock tells for how long, and that time counts if it was a second or more. A wall
// clock that is set forward by a second or more expires entries early by as much.
//
// A cache that was made outside of a testing/synctest bubble must not be used
// inside, and the reverse: it has the time of where it was made.
//
// # How it works
//
// Entries are appended to slabs, pieces of memory without pointers, so that the
// garbage collector has next to nothing to mark: the log of Segcache (Yang et al.,
// NSDI 2021) on the Go heap. A record that was read is never changed, and a slab from which
// anything was read is never used twice, so a get returns the bytes as they lie there,
// without a copy. A record that nobody has read is overwritten in place. See slab.go and
// record.go.
//
// A word of 64 bits in a hash table names each record. The first get of a record takes
// the lock of the shard that the key belongs to, and marks the record as read; the gets
// that follow take none. What changes anything takes the lock. See table.go for the sources;
// shard.search says why readers are safe.
//
// Stores do the upkeep, each a bounded part: they look for expired entries
// (expire.go), move records together where most of a slab is dead (compact.go), evict
// (evict.go), and divide the bounds among the shards (room.go). There is no goroutine. A timer of
// 10 ms runs while the cache is in use (clock.go).
package memory
