// Package ketama implements a cache on memcached servers that are shared with programs on
// libmemcached, such as Python's pylibmc: both find each other's keys. It speaks the binary
// protocol, through [github.com/rainycape/memcache], with a pool of clients, from
// [github.com/jackc/puddle/v2], for each server. For memcached 1.6.13 and later, package
// drivers/memcached has the same distributions.
//
// Import it to open its DSNs, or call [New]:
//
//	import _ "github.com/larder-go/larder/drivers/ketama"
//
//	c, err := cache.Open("ketama://10.0.0.1,10.0.0.2,10.0.0.3:11212?timeout=200ms")
//
// # DSN
//
//	ketama://host:port:weight,host:port:weight?name=value&name=value
//	ketama:///path/of/socket?name=value
//	ketama://?server=/path/of/socket&server=host:port
//
// A host is a name, an IPv4 address, or an IPv6 address in brackets. The port is 11211 and
// the weight 1 unless given. The default server is 127.0.0.1. A server that is listed twice is
// an error. The parameters, with their defaults:
//
//	server        another server; may repeat
//	distribution  ketama, ketama_weighted or ketama_md5: see Config; ketama
//	pool_size     clients for each server; 64
//	pool_timeout  bounds the wait for a free client; the timeout
//	timeout       bounds connecting, and a request and its reply; 500ms
//	key_encoding  see package encoding; none
//	number_flags  how numbers are marked: pylibmc (4) or python-memcached (2); pylibmc
//
// # Config
//
// [Config] has a field for each parameter. Its zero value is one server on this machine.
// [Config.FormatDSN] is the inverse of [ParseDSN]. Neither New nor cache.Open connects: a
// server that is down, or whose name does not resolve, is an error of the calls that need it.
//
// The distribution must be that of the other clients of the cluster, with the same names of
// servers and the same weights:
//
//	pylibmc's behaviors               distribution
//	ketama                            ketama
//	ketama and ketama_weighted        ketama_weighted
//	ketama_weighted                   ketama_weighted
//	ketama and hash: md5              ketama_md5
//
// wheezy.caching sets ketama. The names localhost and 127.0.0.1 differ, and with ketama a
// weight above 1 on any server moves most keys.
//
// # Abilities
//
//	get, replace, touch, get and touch,    native
//	flush, ping
//	set, add, delete                       native, through rainycape
//	increment, decrement                   native, through rainycape
//	compare and swap, compare and delete   native, by the CAS ids of the servers
//	batches                                one pipeline for each server, in parallel
//	statistics                             the connections to each server, and failures
//	                                       by kind
//	kind of a value                        kept, as the flags of Python clients
//	remaining TTL of an item               unknown: the protocol does not return it
//	TTL                                    whole seconds, rounded up
//
// The driver makes another connection for what rainycape lacks, or does in a way that loses
// keys or errors. So a client has up to two connections, and for a moment a third to count a
// large number (see Limits). A batch takes one client of each server that it needs.
//
// # Errors
//
// In an outage a call returns a [github.com/larder-go/larder/cache.Error] with driver,
// operation and server that matches cache.ErrUnavailable: if a server is down, does not reply
// or refuses the request, if its reply is invalid, if its name does not resolve, or if no
// client is free within pool_timeout. The operation may have been carried out nevertheless. A
// batch returns the results of the other servers together with the error.
//
// A server that timed out twice in a row is asked by one caller at a time, with a shorter
// timeout, until it replies. The calls of the others return ErrUnavailable at once.
//
// A lost connection is noticed when it is used, or before if the driver made it. Get, set,
// replace, delete, touch, flush and ping, of one key or many, are then sent again on a new
// connection, since they are idempotent. Add, increment, decrement, and compare and swap or
// delete return the error. When one idle connection to a server turns out to be lost, all of
// them are closed. Rainycape's connection cannot be checked, so after half a second without
// a call it is replaced before an add, an increment or a decrement.
//
// # Compare and swap
//
// CAS ids begin again when a server is restarted, so an id alone could match another item.
// An item is therefore used only over a connection that was open when the item was read: it
// leads to the same process. Without such a connection, because it was closed or the server
// was restarted, the call returns ErrConflict, or ErrMiss if the key is absent. Such a
// conflict may be spurious; a success never is. A swap waits for a connection that is in use
// by another call, up to pool_timeout.
//
// A server that was started with -C has no CAS ids. The calls that read an item for a swap
// return an error that matches [errors.ErrUnsupported] and says so.
//
// # Context
//
// A context that is done stops a call before it is sent. The wait for a client, and for a
// reply, ends with the context, except in Set, Add, Delete, Increment and Decrement: these
// go through rainycape, which knows no context, so a deadline ends them in time, but a
// cancellation only with the reply or the timeout. Their timeout is up to a sixteenth longer,
// because a deadline is not set for each. The operation may have been carried out.
//
// # Names
//
// The name of a server is resolved for each new connection. If it has several addresses,
// the next one is tried as soon as one fails, or is silent for a part of the timeout. When a
// connection reaches another address than the one before, the idle connections to the old
// address are closed, and a swap of an item that was read there returns ErrConflict. A program
// whose connections are all kept busy notices a changed name only when it makes a new one.
//
// # Limits
//
// memcached has deprecated the binary protocol, and still has it in 1.6.
//
// Keys do not move while a server is down, as with pylibmc: calls for them return errors
// until it is back.
//
// Choose pool_size such that twice the pools of all programs of a server together stay well
// below its -c, 1024 unless it was raised. Beyond it, memcached refuses connections, and the
// call that needed one returns ErrUnavailable with what the server said, or with "bad magic
// number" from rainycape. Clients that are connected are taken first, so calls fail only
// while more are in progress than there are connections.
//
// A value and its key must fit the server's -I, 1 MiB unless it was raised. A larger value is
// ErrTooLarge, and the server removes the old value of its key.
//
// Each reply to a get, a batch or a compare and swap is checked to be that of its request.
// Rainycape matches replies and requests by their order alone. A server that sends replies
// nobody asked for could make a Set look like a success.
//
// Set, Add, Delete, Increment and Decrement, which go through rainycape, trust the length
// that a reply announces: a server that is not memcached can make each of them allocate up
// to 4 GiB, until the timeout. Other calls make room only for what has come, or for 1 MiB.
//
// A counter of 2^63 or more is not always counted by the server: memcached 1.6.18 takes such
// a number for a negative one if there is a minus sign in the memory behind it. The driver
// then counts with compare and swap, after a meta get of the text protocol for the TTL, on a
// connection for that alone. That needs memcached 1.6 with both protocols (no -B) and CAS ids
// (no -C); elsewhere such a count is an error. A Touch at the same time may be lost.
package ketama
