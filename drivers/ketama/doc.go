// Package ketama is a cache on one memcached or a cluster of them that is shared with
// programs on libmemcached, such as Python's pylibmc: both find each other's keys. It
// talks the binary protocol, over github.com/rainycape/memcache, with a pool of
// clients, from github.com/jackc/puddle/v2, for each server.
//
//	c, err := cache.Open("ketama://10.0.0.1,10.0.0.2,10.0.0.3:11212?timeout=200ms")
//
// # DSN
//
//	ketama://host:port:weight,host:port:weight,...?name=value&...
//	ketama:///path/of/a/unix.socket
//	ketama://?server=/run/a.sock&server=/run/b.sock
//
// An IPv6 address stands in brackets, as in [::1]:11211. Port 11211 and weight 1 may be
// left out. No server at all means 127.0.0.1; a server that is there twice is an error.
// The parameters, with their defaults:
//
//	server        one more server; may be repeated
//	distribution  ketama | ketama_weighted | ketama_md5
//	pool_size     64; how many clients for each server
//	pool_timeout     the timeout; the longest wait for a free client
//	timeout       500ms; for a connection, and for a request and its reply
//	key_encoding  string; see package encoding
//	number_flags  pylibmc | python-memcached
//
// # Config
//
// [Config] says the same as a DSN; [ParseDSN] and [Config.FormatDSN] turn one into the
// other, and [New] makes the cache. Neither New nor cache.Open connects: a server that
// is down, or whose name does not resolve, is an error of the operations that need it.
//
// The distribution must be that of the other clients of the cluster, with the same
// names of servers and the same weights:
//
//	pylibmc's behaviors               distribution
//	ketama                            ketama
//	ketama and ketama_weighted        ketama_weighted
//	ketama_weighted                   ketama_weighted
//	ketama and hash: md5              ketama_md5
//
// wheezy.caching sets ketama. Note that localhost and 127.0.0.1 are different names,
// and that with "ketama" a weight above 1 on any server moves most keys.
//
// # Abilities
//
//	get, get item                     native
//	set, add, delete                  native, through rainycape
//	increment, decrement              native, through rainycape; see Limits
//	replace, touch, flush, ping       native
//	compare-and-swap, and -delete     native, by the CAS ids of the server
//	get, set, add, replace, delete,   native: one pipeline for each server
//	get item and compare-and-delete
//	of many keys
//	statistics                        no
//	kind of a value                   kept, as the flags of Python clients
//	TTL                               whole seconds, rounded up
//
// What rainycape lacks, or does in a way that loses keys or errors, goes over a
// connection of the driver's own, so a client has two, and in a rare case (see Limits)
// a third for a moment. A batch acquires one client of each server it needs, not one
// for each key.
//
// # Errors
//
// A failure is a [github.com/larder-go/larder/cache.Error] with the operation and the
// server. It is ErrUnavailable when the server did not answer as it should, and when
// no client was free within pool_timeout. A batch returns what the other servers gave
// together with the error.
//
// A connection that was idle while its server was restarted is noticed when it is
// used. Get, Set, Replace, Delete, Touch, Flush and Ping are then tried once more on a
// new connection; Add, Increment, Decrement and compare-and-swap return the error,
// since they may have taken effect; the next one works. All idle connections to a
// server are dropped when the first of them is found lost.
//
// # Context
//
// An operation whose context is done sends nothing. Waiting for a client ends with the
// context. So does an exchange under way, except for Set, Add, Delete, Increment and
// Decrement: they go through rainycape, which knows no context, so a deadline ends them
// in time, but a cancellation only with the reply or the timeout. What a server was
// asked before that, it may still do.
//
// # Limits
//
// The binary protocol is deprecated by memcached, which still has it in 1.6. It is what
// pylibmc and rainycape share; package gomemcache talks the text protocol.
//
// A client has up to two connections, so choose pool_size such that twice the pools of
// all programs of a server together stay well below its -c, 1024 unless it was raised:
// beyond it, memcached refuses new connections, and the operations answer
// ErrUnavailable.
//
// When a server dies, its keys do not move to the others, as with pylibmc: they give
// errors until it is back, and the others' keys work as before. Pools are for each
// server, so one that does not answer takes no client that another needs.
//
// A server at its own limit of connections (-c, 1024) refuses more: the call that needed
// one fails with what the server said, or with "bad magic number" from rainycape. The
// clients that are connected are then taken first, so calls fail only while more are
// under way than there are connections. A pool that the server has room for, of two
// connections for each client, does not get there.
//
// A value may be up to what the server takes (its -I, 1 MiB with the key); a larger one
// is ErrTooLarge, and the server removes the old value of its key.
//
// Every reply to a get, a batch or a compare-and-swap is checked to be that of its
// request. Rainycape matches a reply with its request by the order alone, and drops
// the connection after anything out of order that it can see. That a server sends
// replies nobody asked for is not among it: it could make a Set look like a success.
//
// Set, Add, Delete, Increment and Decrement, which go through rainycape, believe the
// length that a reply announces: a server that is not memcached can make each of them
// allocate up to 4 GiB, until the timeout ends the wait for the rest. The others make
// room only for what has come, or for 1 MiB.
//
// A counter of 2^63 or more is not always counted by the server: memcached 1.6.18
// takes such a number for a negative one when there is a minus sign in the memory
// behind it, which an older item may have left there. The driver then counts with
// compare-and-swap, and reads the TTL before with a meta get of the text protocol, on
// a connection for that alone. That needs memcached 1.6 with both protocols (no -B)
// and CAS ids (no -C); elsewhere such a count is an error. A Touch in that moment may
// be lost.
package ketama
