// Package gomemcache keeps a cache on memcached servers, over their text protocol, with
// the client library [github.com/bradfitz/gomemcache].
//
// Import it for its DSNs, or call [New]:
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
// A host is a name, an IPv4 address or an IPv6 address in brackets; the port is 11211
// and the weight 1 if they are not given. Without any server it is 127.0.0.1. A server
// that is there twice is an error.
//
//	server           another server; may repeat. How unix sockets are listed
//	timeout          bounds a call; 500ms
//	max_idle_conns         connections kept for each server; 100
//	key_encoding     see package encoding; none
//	distribution     gomemcache (the library's) or python-memcached; gomemcache
//	number_flags     how numbers are marked: pylibmc (4) or python-memcached (2); pylibmc
//	tls              true: TLS, verified by the system's authorities; false
//	tls_server_name  the name in the servers' certificate; the host of each server
//	tls_ca           file of the authorities to trust instead, PEM
//	tls_cert         file of the client's certificate, PEM
//	tls_key          file of its key, PEM
//
// # Config
//
// [Config] says the same, and takes a [crypto/tls.Config] of the program. Its zero value
// is one server on this machine. [Config.FormatDSN] is the inverse of [ParseDSN].
//
// # Abilities
//
//	get multi, get item multi     native, 1,000 keys in a request, servers in parallel
//	set, add, replace, delete     native
//	increment, decrement          native
//	set, add, replace, delete     pipelined: up to 128 requests at a time on one
//	  and compare and delete      connection to each server, servers in parallel
//	  of many keys
//	compare and swap              native
//	compare and delete            native, as a swap for an item that has expired
//	touch, flush, ping            native
//	stats                         no: errors.ErrUnsupported
//
// Values are marked by kind, with the flags that Python's pylibmc and python-memcached
// use, and theirs are read: bytes, str, int, compressed or not. Pickled objects are an
// error. A counter that the server padded with blanks is read without them. So that
// this is never done to a value of the user's own, and so that only numbers can be
// counted, a value that begins with blanks, a sign or digits and would pass for a number
// with the server ("9 ", "3 apples", "+1") is stored compressed; clients in other
// languages than Go and Python may not know the flag (8). A value of kind Text that is
// not UTF-8, or of kind Number that is not a number, is stored as bytes.
//
// The distribution python-memcached is also that of pylibmc with the behavior
// {"hash": "crc"}, without weights. With both distributions, the order of the servers
// counts. Keys do not move when a server is down: its share of the keys gives errors until
// it is back. (python-memcached does move them, and may come back to values that are out
// of date.)
//
// # Errors
//
// A server that is down, silent, or talks nonsense, and a name that does not resolve, is
// a [github.com/larder-go/larder/cache.Error] with driver, operation and server that
// satisfies errors.Is(err, cache.ErrUnavailable). The operation may have been carried out
// nevertheless. Such a connection is closed. GetMulti returns what the other servers gave
// beside the error; other batches name every key that failed. A batch does not wait for a
// silent server once for every key: after a failure, the other keys of that server fail
// with the same error.
//
// A connection that the server closed while it was idle, having been restarted, say, is
// noticed before anything is sent, and another is made. Where that shows only after the
// request was sent, get, set, replace, delete, touch, flush and ping, of one key or many,
// are done again on a new connection: they leave the same twice as once. Add, increment,
// decrement, and compare and swap or delete are not: if the server did carry out the
// first, the second would count twice or find itself. They return the error. A delete done
// again may answer ErrMiss for a key that the first one deleted.
//
// # Context
//
// A context that is done stops a call before it is sent. Its deadline shortens the call,
// connecting, sending and waiting alike; a cancellation is noticed within 20 ms while the
// call waits for an answer, at once while it connects, and not before the timeout while it
// sends, which takes time only for a large value and a server that does not read. The
// error then is a cache.Error that satisfies errors.Is(err, ctx.Err()); the operation may
// have been carried out. The connection is closed, as its answer would belong to nobody.
// Batches look at the context before every request.
//
// # Limits
//
// A value and its key must fit the server's -I, 1 MiB unless it was raised; what is larger
// is ErrTooLarge, and after a Set the old value is gone too. TTLs are rounded up to
// seconds, on a clock of the server that ticks once a second: a second may last only a
// part of one. TTLs beyond January 2038 end there. Compressed values of Python may be up to
// 64 MiB once decompressed. Compare and swap needs a server that was not started with -C.
// A counter of 2^63 or more may need a compare and swap and a meta get, which memcached
// has since 1.6, as the server does not always take it for a number.
//
// A connection serves one call at a time, so there are as many as there are calls at the
// same time; nothing bounds that but the server's -c, 1024 unless it was raised. Choose
// max_idle_conns, the ones kept, so that all programs of a server together stay well below -c:
// beyond it, memcached refuses new connections, and the calls answer ErrUnavailable.
package gomemcache
