// Package soak plays production: several processes use three memcached servers and
// bounded caches in memory, by keys of unequal popularity, while servers are killed,
// frozen, restarted, flushed and added to the list of half of the processes. Every
// value that is read is compared with what had been invalidated before the read began.
//
// There are five workloads:
//
//   - memory: package dependency on a bounded memory, in each process
//   - wires: package dependency on servers that are frozen but keep their items
//   - tags: package load on the same servers
//   - lossy-wires: package dependency on servers with far too little memory, which are
//     also killed, restarted, flushed and left out of lists
//   - lossy-tags: package load on those servers
//   - swaps: compare-and-swap and compare-and-delete on those servers, with items that
//     were read before a restart
//
// A stale read has a cause: a changed list, a server that lost its items, an eviction.
// The test fails on one that the guide's table "What a cache can lose" does not allow.
package soak
