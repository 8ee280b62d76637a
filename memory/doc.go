// Package memory is a cache in the memory of the process, with a TTL for each entry and,
// if wanted, a bound.
//
// # DSN
//
//	memory://?buckets=60&bucket_interval=15s&max_bytes=64MiB&max_entries=100000&key_encoding=safe
//
// All parameters may be left out:
//
//	buckets          how often in a bucket_interval deadlines are looked at, default 60
//	bucket_interval  how long an expired entry may keep its memory, default 15s
//	max_bytes        bound on the memory taken: bytes, or with KiB, MiB, GiB; 0, the default: none
//	max_entries      bound on the number of entries; 0, the default: none
//	key_encoding     see package encoding
//
// # Config
//
// [Config] says the same, and CheckReads, for tests.
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
// The sentinels of package cache, and no other: ErrMiss, ErrNotStored, ErrConflict, ErrNotNumber,
// and ErrTooLarge, after which the old value is still there.
//
// # Context
//
// A context that is done before the call refuses it; afterwards it is not looked at.
// Operations wait for nothing but a lock; with MaxBytes, stores also for a garbage
// collection, when they make garbage faster than it is collected: see Limits.
//
// # Limits
//
// Values have up to 1 GiB less a byte. With MaxBytes, up to half of a shard: that is
// MaxBytes/2 below 32 MiB, and 8 MiB or more from there on. There are 32 shards or more, fewer
// with a small bound; each has room for 4 GiB of small entries, or 16,384 values of 32 KiB
// and more; what is over is ErrTooLarge.
//
// Bytes that Get returned keep the slab they lie in from the garbage collector, up to 256 KiB: copy a
// small value that is to be held for long.
//
// A TTL of a minute or more may end 10 ms early, as it is reckoned from a clock that is
// read that often. After the whole process stood still for more than a second (SIGSTOP,
// a paused machine) an entry whose end came meanwhile may be found for some milliseconds
// more. A cache that was made outside of a testing/synctest bubble must not be used
// inside, and the other way round: it has the time of where it was made.
//
// With MaxBytes, dropped slabs are garbage until a collection. One is started when they
// take more than 8 MiB and a twentieth of what is in use, and stores wait for it from twice
// that on. So the process stays within 1.15 of MaxBytes and some 30 MiB.
//
// # How it works
//
// Entries are appended to slabs, stretches of memory without pointers, so that the
// garbage collector has next to nothing to look at: the log of Segcache (Yang et al.,
// NSDI 2021) on the Go heap. A record, once read, is never changed, and a slab from which
// anything was read is never used twice, so a get returns the bytes as they lie there,
// without a copy; what nobody has read yet is overwritten in place. slab.go, record.go.
//
// A word of 64 bits in a hash table names each record. The first get of a record takes
// the lock of the shard that the key belongs to, and marks the record as read; the gets
// that follow take none. What changes anything takes the lock. index.go has the sources;
// shard.search says why readers are safe.
//
// Stores do the upkeep, each a bounded slice: they look for expired entries
// (expire.go), move records together where most of a slab is dead (compact.go), and
// evict (evict.go). There is no goroutine, but for a garbage collection now and then
// (garbage.go), and no timer, but for one of 10 ms while the clock is in use (clock.go).
package memory
