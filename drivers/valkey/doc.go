// Package valkey implements a cache on Valkey or Redis: one server, a cluster, or a primary
// that Sentinels watch. It uses the client library [github.com/valkey-io/valkey-go].
//
// Import it to open its DSNs, or call [New]:
//
//	import _ "github.com/larder-go/larder/drivers/valkey"
//
//	c, err := cache.Open("valkey://10.0.0.1:6379?prefix=app:&timeout=200ms")
//
// # What these servers do not promise
//
// An item that was deleted can come back. Replication is asynchronous, so a failover undoes
// the changes that the old primary had not yet sent. A server that restarts from its disk has
// the items of an earlier time. Packages dependency and load then lose their promise: a page
// that was invalidated is returned until its TTL ends. Therefore:
//
//   - Run a server for caches, and configure it to keep nothing: save "", appendonly no.
//     After a restart it is empty, which is safe.
//   - Set maxmemory, and maxmemory-policy allkeys-lru or allkeys-lfu. With noeviction, the
//     default, a full server refuses every store (ErrUnavailable); deletes still work.
//   - Where there are replicas, give every item a TTL: it bounds for how long a failover
//     can bring an item back. To drop all items, change a version in the prefix.
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
// is a name, an IPv4 address or an IPv6 address in brackets. The port is 6379 unless given,
// or 26379 for a Sentinel. The default server is 127.0.0.1. Several hosts are nodes of a
// cluster or Sentinels; some of them are enough. The parameters, with their defaults if they
// have one:
//
//	cluster            true: the servers are nodes of a cluster; false
//	sentinel           the name of the primary: the servers are Sentinels
//	sentinel_user      for the Sentinels, which do not get the user of the servers
//	sentinel_password  for the Sentinels
//	db                 number of the database, as after the hosts; 0
//	prefix             comes before every key
//	flush_database     true: Flush removes everything in the database; false
//	timeout            bounds connecting, and the wait for a server that sends nothing; 500ms
//	max_value          length of the largest value, such as 1MiB; 512MiB less 16 bytes
//	key_encoding       see package encoding; keys are used as they are
//	tls_server_name    the name in the servers' certificates; the host of each server
//	tls_ca             file of the certificate authorities to trust instead of the system's, PEM
//	tls_cert           file of the client's certificate, PEM
//	tls_key            file of its key, PEM
//
// # Config
//
// [Config] has a field for each parameter, and takes a [crypto/tls.Config]. Its zero value is
// one server on this machine. [Config.FormatDSN] is the inverse of [ParseDSN]. Neither New nor
// cache.Open connects.
//
// # Stored form
//
// A value is a plain string, under the prefix and the encoded key: other programs can GET
// and SET it. Reading an item for a compare-and-swap (GetItem, GetOrAdd) appends a mark of
// 16 bytes to the stored value, which identifies its state. Get does not return the mark, and
// the next store drops it. Other programs see the mark, and cannot INCR a counter that has
// one. An APPEND by another program makes the mark a part of the value. A SETRANGE by another
// program keeps the mark, so a later compare-and-swap overwrites that change. A value that
// ends like a mark is stored with a mark.
//
// # Abilities
//
//	get, set, add, replace, delete        GET, SET, DEL
//	increment, decrement                  a script: INCR is signed and adds absent keys
//	get item, get or add, compare and     a script, for 128 keys at a time except in a
//	  swap, compare and delete            cluster
//	operations on many keys               pipelined, 250 requests at a time, nodes in
//	                                      parallel
//	touch                                 PEXPIRE, or a script to remove the TTL
//	get and touch                         GETEX
//	flush                                 SCAN and UNLINK of the keys with the prefix, or
//	                                      FLUSHDB ASYNC
//	ping                                  PING to every primary; in a cluster also checks
//	                                      that all slots have a primary
//	statistics                            the connections to each server, and failures by
//	                                      kind
//
// Flush needs a prefix or flush_database: a database of these servers is often shared. By
// prefix it scans all keys of the database, is not atomic, and may miss a key that moves
// between nodes meanwhile. ACL key patterns do not restrict FLUSHDB.
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
// # Near view
//
// [Near] returns a view of a cache that keeps the values that it reads in the memory of the
// process, also known as a near cache or client-side caching. A Get of a value that is kept takes
// no round trip. The server reports which keys have changed (CLIENT TRACKING, RESP3), and the
// view drops them:
//
//	near, err := valkey.Near(c, valkey.NearConfig{MaxAge: time.Second})
//
// The rules of the view:
//
//   - A change by another program is seen when its report arrives, usually within
//     milliseconds. Until then Get returns the old value.
//   - A value that Get returns was on the server at some time within MaxAge before the call,
//     whatever fails. A value becomes that old only if packets are lost or the server is
//     frozen. The time is that of the monotonic clock, which some systems stop while the
//     machine is suspended.
//   - A change by this process, through the view or the cache, is seen at once.
//   - A value is not kept for longer than its TTL. Absent keys and values that are decimal
//     numbers are not kept: they may be counters.
//   - Only Get and GetMulti return values that are kept. All other operations go to the
//     server, and so do those of packages load and dependency, which need current leases,
//     tags and wires.
//   - When a connection is lost, the view drops what it keeps. While there is no
//     connection, it reads like the cache. It also connects again when the driver does,
//     since the name of the server may have moved. A view must not be used with an address
//     that leads to several servers at the same time, as that of a proxy may.
//   - Stats counts keys that were kept as Hits and other keys as Misses, and has the
//     number and the bytes of the values that are kept. A hook sees each get once, kept
//     or not.
//
// The view makes another connection to each server that has keys. If a server cannot report
// changes (RESP2 only), or the user may not ask for them (+client|tracking, which is in
// +@connection), Get, GetMulti and Ping of the view return an error that says so. A server
// remembers the keys that its clients keep, up to tracking-table-max-keys (a million), and has
// clients drop keys beyond that. A failover loses what the replica had not received, as it does
// without a view.
//
// # Errors
//
// In an outage a call returns a [github.com/larder-go/larder/cache.Error] with driver,
// operation and server that matches cache.ErrUnavailable: if a server is down, silent,
// loading, full (OOM), busy with a script, or a replica, if its reply is invalid, if the
// password is wrong, or if a slot has no server. A key that holds another type, such as a list
// (WRONGTYPE), is ErrUnreadable in every read, ErrNotNumber in a count, and ErrConflict in a
// compare and swap or delete; it can be stored over and deleted. The error for a key or command
// that the user may not use (NOPERM) does not match ErrUnavailable. A batch returns an error for
// exactly the keys that failed. A value over max_value is ErrTooLarge, before it is sent. If a
// server's proto-max-bulk-len is smaller than a value, it closes the connection, and the other
// calls on it fail too.
//
// If an attempt to connect fails, each call that waited for it tries once more, since the attempt
// may have begun before the call. After a connection was lost, idempotent requests are sent once
// more: get, set, replace,
// delete, touch, get item, get or add, flush and ping, of one key or many. Add, increment,
// decrement, and compare and swap or delete return the error: they may have been carried
// out. A delete that is sent again may return ErrMiss for a key that the first one deleted.
// After two calls in a row without a reply in time, further calls to the server fail at once
// until it replies again; each call tries it.
//
// # Context
//
// A call returns when its context is done, with a cache.Error that matches ctx.Err(); the
// operation may have been carried out. Other calls on the connection are not affected. Without
// a deadline, a call ends after the timeout if the server sends nothing, or after twice the
// timeout if it is sent again.
//
// # Limits
//
// Keys with their prefix are at most 450 bytes. TTLs are rounded up to milliseconds. The
// driver keeps one connection to each server, which pipelines the requests of all calls. About
// 600 calls are in progress at a time; the others wait until their contexts are done. A large
// value delays the calls behind it for as long as it takes to send. In a cluster, keys are on
// the servers that their hash slots belong to; replicas are not read. Servers that forbid
// scripts cannot be used.
package valkey
