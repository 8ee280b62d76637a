// Package gomemcache implements a cache on memcached servers. It speaks their text protocol,
// through the client library [github.com/bradfitz/gomemcache]. Choose it for servers before
// 1.6.13 and for proxies without meta commands; otherwise choose package drivers/memcached.
//
// Import it to open its DSNs, or call [New]:
//
//	import _ "github.com/larder-go/larder/drivers/gomemcache"
//
//	c, err := cache.Open("gomemcache://10.0.0.1:11211,10.0.0.2:11211?timeout=200ms")
//
// # DSN
//
//	gomemcache://host:port:weight,host:port:weight?name=value&name=value
//	gomemcache:///path/of/socket?name=value
//	gomemcache://?server=/path/of/socket&server=host:port
//
// A host is a name, an IPv4 address, or an IPv6 address in brackets. The port is 11211
// and the weight 1 unless given. The default server is 127.0.0.1. A server that is listed
// twice is an error. The parameters, with their defaults:
//
//	server           another server; may repeat
//	timeout          bounds a call to a server, connecting included; 500ms
//	max_idle_conns   idle connections kept for each server; 100
//	key_encoding     see package encoding; none
//	distribution     gomemcache (that of the library) or python-memcached; gomemcache
//	number_flags     how numbers are marked: pylibmc (4) or python-memcached (2); pylibmc
//	tls              true: use TLS, verified by the system's certificate authorities; false
//	tls_server_name  the name in the servers' certificates; the host of each server
//	tls_ca           file of the certificate authorities to trust instead, PEM
//	tls_cert         file of the client's certificate, PEM
//	tls_key          file of its key, PEM
//
// # Config
//
// [Config] has a field for each parameter, and takes a [crypto/tls.Config]. Its zero value is
// one server on this machine. [Config.FormatDSN] is the inverse of [ParseDSN]. Neither New nor
// cache.Open connects: a server that is down, or whose name does not resolve, is an error of
// the calls that need it.
//
// # Abilities
//
//	get, set, add, replace, delete   native
//	increment, decrement             native
//	touch, get and touch, flush      native
//	compare and swap                 native, by the CAS ids of the servers
//	compare and delete               native, as a swap for an item that has expired
//	get of many keys                 1,000 keys in a request, servers in parallel
//	other batches                    pipelined: up to 128 requests, or 64 KiB of them, in a
//	                                 round trip to each server, servers in parallel
//	statistics                       the connections to each server, and failures by kind
//	remaining TTL of an item         unknown: the protocol does not return it
//	TTL                              whole seconds, rounded up
//
// The kind of a value is stored in the flags of Python's pylibmc and python-memcached, whose
// values the driver reads: bytes, str, int, compressed or not. A pickled object, or a value
// that does not match its flags, is [github.com/larder-go/larder/cache.ErrUnreadable]. The
// driver removes the spaces with which a server pads a counter. A value that is not a number,
// but that the server would count ("9 ", "3 apples", "+1"), is stored compressed, so that it
// cannot be counted and keeps its spaces; clients in other languages than Go and Python may
// not know the flag (8). A value of kind Text that is not UTF-8, or of kind Number that is not
// a number, is stored as bytes.
//
// The distribution python-memcached is also that of pylibmc with the behavior
// {"hash": "crc"}, without weights. The order of the servers counts in both distributions.
// Keys do not move while a server is down: calls for them return errors until it is back.
// (python-memcached moves them, and later returns values that are out of date.)
//
// # Errors
//
// In an outage a call returns a [github.com/larder-go/larder/cache.Error] with driver,
// operation and server that matches cache.ErrUnavailable: if a server is down or does not
// reply, if its reply is invalid, or if its name does not resolve. The operation may have been
// carried out nevertheless. GetMulti returns the values of the other servers together with the
// error; other batches name each key that failed.
//
// A server may refuse a single request (SERVER_ERROR), for example because it has no memory.
// Then only that key of a batch fails. A get of many keys that is refused is sent again in
// halves.
//
// A server that timed out twice in a row is asked by one caller at a time, with a shorter
// timeout, until it replies. The calls of the others return ErrUnavailable at once.
//
// A connection that the server closed while it was idle is noticed before anything is sent,
// with and without TLS, and another is made. Where the loss shows only after the request was
// sent, get, set, replace, delete, touch, flush and ping, of one key or many, are sent again
// on a new connection, since they are idempotent. Add, increment, decrement, and compare and
// swap or delete return the error. A delete that is sent again may return ErrMiss for a key
// that the first one deleted.
//
// # Compare and swap
//
// CAS ids begin again when a server is restarted, so an id alone could match another item.
// An item is therefore used only over a connection that was open when the item was read: it
// leads to the same process. Without such a connection, because it was closed or the server
// was restarted, the call returns ErrConflict, or ErrMiss if the key is absent. Such a
// conflict may be spurious; a success never is. A swap waits for a connection that is in use
// by another call, up to the timeout. Spurious conflicts are more frequent where connections
// are closed often: where more calls run at the same time than max_idle_conns, or the server
// closes idle connections (-o idle_timeout).
//
// A server that was started with -C has no CAS ids. The calls that read an item for a swap
// return an error that matches [errors.ErrUnsupported] and says so.
//
// # Context
//
// A context that is done stops a call before it is sent. Its deadline shortens the call. A
// cancellation is noticed at once while the call connects, within 20 ms while it waits for
// the reply, and over TLS not before the timeout while it sends. The error matches
// errors.Is(err, ctx.Err()); the operation may have been carried out, and the connection is
// closed. Batches look at the context between two pieces.
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
// A value and its key must fit the server's -I, 1 MiB unless it was raised. A larger value is
// ErrTooLarge, and after a Set the old value is gone too. A TTL of a second may end early,
// because the clock of the server ticks once a second. TTLs end in January 2038 at the latest.
// Compressed values of Python may be up to 64 MiB when decompressed.
//
// A counter of 2^63 or more may need a compare and swap and a meta get, which memcached has
// since 1.6, because the server does not always take it for a number.
//
// A connection serves one call at a time, so there are as many as there are calls at the
// same time. Nothing bounds them but the server's -c, 1024 unless it was raised: beyond it,
// memcached refuses connections, and calls return ErrUnavailable. Choose max_idle_conns such
// that all programs of a server together stay well below it.
package gomemcache
