// Package valkey keeps a cache on Valkey or Redis: one server, a cluster, or a primary
// that Sentinels watch. It uses the client library [github.com/valkey-io/valkey-go].
//
// Import it for its DSNs, or call [New]:
//
//	import _ "github.com/larder-go/larder/drivers/valkey"
//
//	c, err := cache.Open("valkey://10.0.0.1:6379?prefix=app:&timeout=200ms")
//
// # What these servers do not promise
//
// An item that was deleted can come back. Replication is asynchronous, so a failover
// undoes what the old primary had not yet sent; and a server that restarts from its disk
// has the items of an earlier time. A memcached forgets, these servers remember. Packages
// dependency and load then lose their promise: a page that was invalidated is served
// until its TTL ends. Therefore:
//
//   - Run a server for caches, and configure it to keep nothing: save "", appendonly no.
//     After a restart it is empty, which is safe.
//   - Set maxmemory, and maxmemory-policy allkeys-lru or allkeys-lfu. With noeviction, the
//     default, a full server refuses every store (ErrUnavailable); deletes still work.
//   - Where there are replicas, give every item a TTL: it bounds for how long a failover
//     can bring an item back. A version in the key, which the program raises, forgets all.
//   - In a cluster set cluster-require-full-coverage no. By default the failure of one node
//     without a replica fails all keys.
//
// # DSN
//
//	valkey://user:password@host:port/db?name=value&name=value
//	valkey://host:port,host:port?cluster=true
//	valkey://host:port,host:port?sentinel=primary-name
//	valkey:///path/of/socket?name=value
//
// The scheme valkeys is the same with TLS; redis and rediss are accepted for both. A host
// is a name, an IPv4 address or an IPv6 address in brackets; the port is 6379, of a
// Sentinel 26379, if it is not given. Without any server it is 127.0.0.1. Several hosts are
// nodes of a cluster or Sentinels; some of them are enough.
//
//	cluster            true: the servers are nodes of a cluster; false
//	sentinel           the name of the primary: the servers are Sentinels
//	sentinel_user      of the Sentinels, which do not get the user of the servers
//	sentinel_password  of the Sentinels
//	db                 number of the database, as after the hosts; 0
//	prefix             comes before every key; none
//	flush_database     true: Flush removes everything in the database; false
//	timeout            bounds connecting, and the silence of a server that owes a reply; 500ms
//	max_value          length of the largest value, as 1MiB; 512MiB less 16 bytes
//	key_encoding       see package encoding; none
//	tls_server_name    the name in the servers' certificate; the host of each server
//	tls_ca             file of the authorities to trust instead of the system's, PEM
//	tls_cert           file of the client's certificate, PEM
//	tls_key            file of its key, PEM
//
// # Config
//
// [Config] says the same, and takes a [crypto/tls.Config] of the program. Its zero value
// is one server on this machine. [Config.FormatDSN] is the inverse of [ParseDSN].
//
// # Stored form
//
// A value is a plain string, under the prefix and the encoded key: other programs can GET
// and SET it. Reading an item for a compare-and-swap (GetItem, GetOrAdd) appends a mark of
// 16 bytes to the stored value, which identifies its state: Get does not return it, and
// whatever stores the value again drops it. Other programs see the mark, and cannot INCR
// a counter that has one. A foreign APPEND makes it part of the value, and a foreign
// SETRANGE leaves the mark, so that a compare-and-swap overwrites it. A value that itself
// ends as a mark does is stored with a mark.
//
// # Abilities
//
//	get, set, add, replace, delete        GET, SET, DEL
//	increment, decrement                  a script: INCR is signed and adds absent keys
//	get item, get or add, compare and     a script; but for a cluster, 128 keys in one
//	  swap, compare and delete
//	of many keys                          pipelined, 250 requests at a time, nodes in
//	                                      parallel
//	touch                                 PEXPIRE, or a script to remove the TTL
//	get and touch                         GETEX
//	flush                                 SCAN and UNLINK of the keys with the prefix, or
//	                                      FLUSHDB ASYNC
//	ping                                  every primary; in a cluster also that all slots
//	                                      have one
//	stats                                 connections and failures of each server
//
// Flush needs a prefix or flush_database: a database of these servers is often shared. By
// prefix it walks through all keys of the database, is not atomic, and may miss a key that
// moves between nodes meanwhile. ACL key patterns do not restrict FLUSHDB.
//
// A server needs version 7.0 of Redis or 7.2 of Valkey. A user needs these commands, and
// the keys with the prefix (~app:*):
//
//	+get +set +del +unlink +pexpire +getex +evalsha +eval +exists +persist +pttl
//	+getrange +scan +ping +select +@connection
//
// In a cluster these are needed too: +cluster|slots +cluster|shards +cluster|info +asking;
// where Sentinels watch, +role; for flush_database, +flushdb.
//
// # Errors
//
// A server that is down, silent, or sends an invalid reply is a
// [github.com/larder-go/larder/cache.Error] with driver, operation and server that
// satisfies errors.Is(err, cache.ErrUnavailable). So is one that is loading, full (OOM),
// busy with a script or a replica, a wrong password, and a slot without a server. A key
// that holds a list or the like (WRONGTYPE) and a key or command that the user may not use
// (NOPERM) are errors that are not ErrUnavailable. A batch returns an error for exactly the
// keys that failed. A value over max_value is ErrTooLarge, before it is sent; a server
// whose proto-max-bulk-len is smaller than that closes the connection, and with it fails
// the other calls on it.
//
// After a connection was lost, what is idempotent is sent once more: get, set, replace,
// delete, touch, get item, get or add, flush and ping, of one key or many. Add, increment,
// decrement, and compare and swap or delete return the error: they may have been carried
// out. A delete that is sent again may return ErrMiss for a key that the first one deleted.
// Two calls in a row that a server did not reply to in time make the following ones fail
// at once, until it replies again; it is tried with every call.
//
// # Context
//
// A call that waits ends when its context does, with a cache.Error that satisfies
// errors.Is(err, ctx.Err()); the operation may have been carried out. It fails no other
// call on the connection. Without a deadline, a call ends after the timeout if the server
// sends nothing, after twice the timeout if it is sent again.
//
// # Limits
//
// Keys with their prefix are at most 450 bytes. TTLs are rounded up to milliseconds. The
// driver keeps one connection to each server, which all calls share: requests of many
// goroutines go in one write. About 600 calls are under way at a time; the others wait, for
// as long as their contexts let them. A large value delays the calls behind it for as long
// as it takes to send. In a cluster, keys are on the servers that their hash slots belong
// to; replicas are not read. Servers that forbid scripts cannot be used.
package valkey
