// Package memcached implements a cache on memcached servers, 1.6.13 or later, over their meta
// protocol. It needs no client library: all callers of a program share one connection to
// each server, which pipelines their requests.
//
// Import it to open its DSNs, or call [New]:
//
//	import _ "github.com/larder-go/larder/drivers/memcached"
//
//	c, err := cache.Open("memcached://10.0.0.1:11211,10.0.0.2:11211?timeout=200ms")
//
// # DSN
//
//	memcached://user:password@host:port:weight,host:port:weight?name=value&name=value
//	memcached:///path/of/socket?name=value
//	memcached://?server=/path/of/socket&server=host:port
//
// A host is a name, an IPv4 address or an IPv6 address in brackets. The port is 11211 and the
// weight 1 unless given. The default server is 127.0.0.1. A server that is listed twice is
// an error. User and password, percent-encoded, are for servers with an authentication file
// (-Y), and are usually left out. The parameters, with their defaults:
//
//	server           another server, as host:port or the path of a unix socket; may repeat
//	distribution     which server has a key: see below; ketama
//	timeout          bounds connecting, and the wait for a server that sends nothing; 500ms
//	conns            connections to each server; 1
//	key_encoding     see package encoding; none
//	number_flags     how numbers are marked: pylibmc (4) or python-memcached (2); pylibmc
//	discovery        how to find the servers: srv or config; none
//	poll_interval    how often to ask for the list of servers, at least 1s; 1m
//	replay_deletes   failed deletes to repeat when a server is back; 0
//	tls              true: use TLS, verified by the system's certificate authorities; false
//	tls_server_name  the name in the servers' certificates; the host of each server
//	tls_ca           file of the certificate authorities to trust instead, PEM
//	tls_cert         file of the client's certificate, PEM
//	tls_key          file of its key, PEM
//
// The distributions are those of other clients, which then find the same keys on the same
// servers:
//
//	ketama            pylibmc and libmemcached with {"ketama": True}; wheezy.caching
//	ketama_weighted   the same with {"ketama_weighted": True}
//	ketama_md5        the same with {"ketama": True, "hash": "md5"}
//	python-memcached  python-memcached, and pylibmc with {"hash": "crc"}
//	gomemcache        bradfitz/gomemcache
//
// With the first three, adding or removing a server moves only the keys of that server. With
// the last two it moves most keys, and the order of the servers counts. If no other clients
// use the servers, keep ketama.
//
// # Config
//
// [Config] has a field for each parameter. It also takes a [crypto/tls.Config], a [Resolver],
// and OnWriteFailure. Its zero value is one server on this machine. [Config.FormatDSN] is the
// inverse of [ParseDSN]. [New] does not connect, start a goroutine, or resolve a name.
//
// With discovery=srv the only host of the DSN is a name with DNS SRV records, such as
// _memcached._tcp.example.org. With discovery=config the hosts are asked for the list of
// servers with "config get cluster", as Amazon ElastiCache and Google Memorystore support it.
// The list is asked for while the cache is used. A new list is used when it was returned twice
// in a row, about a second apart; errors and empty lists change nothing. Meanwhile programs
// disagree about the servers. A value that stays on its old server can be found again if the
// list changes back.
//
// # Abilities
//
//	get, set, add, replace, delete      native
//	get and touch, touch, flush, ping   native
//	increment, decrement                native; with an initial value in one round trip
//	get item, compare and swap or       native; the remaining TTL in seconds
//	  delete, get or add
//	all of these for many keys          pipelined, servers in parallel
//	stats                               of the connections; ServerStats: of the servers
//
// The kind of a value is stored in the flags of Python's pylibmc and python-memcached, whose
// values the driver reads: bytes, str, int, compressed or not. A pickled object is
// [github.com/larder-go/larder/cache.ErrUnreadable]. A value that is not a number, but that
// the server would count ("9 ", "3 apples"), is stored compressed, so that it cannot be
// counted.
//
// An item can be swapped as long as the connection on which it was read is open; later the
// swap returns ErrConflict. CAS ids begin again when a server is restarted, so an id that
// outlived its connection might match another item.
//
// # Errors
//
// In an outage a call returns a [github.com/larder-go/larder/cache.Error] with driver,
// operation and server that matches cache.ErrUnavailable: if a server is down or silent, if
// its reply is invalid, or if a name does not resolve. A batch returns the results of the
// other servers, and names every key that failed. Keys never move to another server: two
// servers with the same key could return different values.
//
// For an operation that changes an item, the error says "not sent" if no part of the request
// has reached the server, and otherwise that it may have taken effect; [NotSent] tells them
// apart. When a connection is lost, requests that were not sent, and gets, are sent again on a
// new connection, at most twice. Other requests are not.
//
// A server counts as down after one refused connection, or two timeouts in a row without a
// reply. Calls to it then fail at once. As long as there are such calls, one probe at a time
// tries to connect, with a back-off from 100 ms to 5 s and jitter.
// [github.com/larder-go/larder/cache.Cache.Ping] always tries.
//
// An item that could not be invalidated while a server was unreachable may be returned when
// the server is back with its memory, for example after a network partition.
// Config.OnWriteFailure reports each such key. Config.ReplayDeletes is the number of failed
// deletes that each connection remembers, in the memory of this program, and repeats before
// any other request when the server is back.
//
// # Context
//
// A call returns within a millisecond or two when its context is done, whatever the server
// does. The error is a cache.Error that matches ctx.Err(). The connection stays open, and other
// callers are not affected: a request that was not sent yet is dropped, and the reply to one that
// was sent is discarded when it arrives. If a server sends nothing for the timeout while replies
// are outstanding, its connection is closed, and all calls on it fail; that may take an eighth
// longer than the timeout.
//
// # Limits
//
// A value and its key must fit the server's -I, 1 MiB unless it was raised. A larger value is
// ErrTooLarge, and after a Set the old value is gone too: memcached removes it. TTLs are
// rounded up to seconds. A TTL of a second may end early, because the clock of the server
// ticks once a second. TTLs end in January 2038 at the latest. Compare-and-swap needs a server
// that was not started with -C. The binary protocol (-B binary), mcrouter and twemproxy have
// no meta commands: use drivers/gomemcache for these and for older servers.
//
// Each program has conns connections to each server, and for a moment another while one is
// replaced or the list of servers is asked for. At most 8,192 replies are outstanding on a
// connection at a time; further calls wait until their contexts are done.
//
// The file docs/memcached.md of the repository says how to run the servers.
package memcached
