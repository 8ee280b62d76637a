// Package memcached keeps a cache on memcached servers, 1.6.13 or later, over their meta
// protocol. It needs no client library: all callers of a program share one connection to
// each server, on which their requests go out together and the replies come back in order.
//
// Import it for its DSNs, or call [New]:
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
// weight 1 unless given. Without any server it is 127.0.0.1. A server that is listed twice is
// an error. User and password, percent-encoded, are for servers with an authentication file
// (-Y), and are usually left out.
//
//	server           another server; may repeat. How unix sockets are listed
//	distribution     which server has a key: see below; ketama
//	timeout          bounds connecting, and the silence of a server that owes a reply; 500ms
//	conns            connections to each server; 1
//	key_encoding     see package encoding; none
//	number_flags     how numbers are marked: pylibmc (4) or python-memcached (2); pylibmc
//	discovery        how to find the servers: srv or config; they are those of the list
//	poll_interval    how often to look for another list, at least 1s; 1m
//	replay_deletes   failed deletes to repeat when a server is back; 0
//	tls              true: TLS, verified by the system's authorities; false
//	tls_server_name  the name in the servers' certificate; the host of each server
//	tls_ca           file of the authorities to trust instead, PEM
//	tls_cert         file of the client's certificate, PEM
//	tls_key          file of its key, PEM
//
// The distributions are those of other clients, which find the same keys on the same servers:
//
//	ketama            pylibmc and libmemcached with {"ketama": True}; wheezy.caching
//	ketama_weighted   the same with {"ketama_weighted": True}
//	ketama_md5        the same with {"ketama": True, "hash": "md5"}
//	python-memcached  python-memcached, and pylibmc with {"hash": "crc"}
//	gomemcache        bradfitz/gomemcache
//
// With the first three, a server more or less moves the keys of that server only. With the
// last two most keys move, and the order of the servers counts. If nothing is shared with
// other clients, keep ketama.
//
// # Config
//
// [Config] says the same. It also takes a [crypto/tls.Config] of the program, a [Resolver],
// and OnWriteFailure. Its zero value is one server on this machine. [Config.FormatDSN] is the
// inverse of [ParseDSN]. [New] connects to nothing, starts no goroutine, and resolves no name.
//
// With discovery=srv the one host of the list is a name with DNS SRV records, such as
// _memcached._tcp.example.org. With discovery=config the hosts are asked with "config get
// cluster", which Amazon ElastiCache and Google Memorystore reply to. The list is asked for
// while the cache is used. Another list than the one in use takes its place when it was found
// twice in a row, about a second apart; errors and empty lists change nothing. Programs
// disagree about the servers in between, and a value that is left behind on its old server
// can be found again if the list changes back.
//
// # Abilities
//
//	get, set, add, replace, delete      native
//	get and touch, touch, flush, ping   native
//	increment, decrement                native; with an initial value in one round trip
//	get item, compare and swap or       native; the remaining TTL in seconds
//	  delete, get or add
//	all of these for many keys          pipelined, servers in parallel
//	stats                               of the connections
//
// Values are marked by kind, with the flags that Python's pylibmc and python-memcached use,
// and theirs are read: bytes, str, int, compressed or not. Pickled objects are an error. A
// value that is not a number and would pass for one with the server ("9 ", "3 apples") is
// stored compressed, so that it cannot be counted.
//
// A token of compare-and-swap is good as long as the connection on which its item was read.
// Servers number their items from the start when they are restarted, so a token that outlived
// the connection might match another item. It is a conflict instead.
//
// # Errors
//
// A server that is down or silent, or whose replies are invalid, and a name that does not
// resolve, is a [github.com/larder-go/larder/cache.Error] with driver, operation and server that
// satisfies errors.Is(err, cache.ErrUnavailable). A batch names every key that failed beside what the
// other servers returned. Keys never move to another server, since two servers with the same
// key are two truths.
//
// For an operation that changes something, the error says "not sent" if nothing of it has
// reached the server, and otherwise that it may have taken effect; [NotSent] tells them apart.
// Requests that were not sent, and gets, are sent again on a new connection when one is lost,
// at most twice. Others are not.
//
// A server is down after one refused connection, or two timeouts in a row without a reply.
// Calls to it then fail at once. While there are such calls, one probe at a time looks for the
// server, from 100 ms to 5 s apart, with jitter. [github.com/larder-go/larder/cache.Cache.Ping] always tries.
//
// What cannot be invalidated while a server is out of reach may be found stale when it is back
// with its memory, after a network partition, say. Config.OnWriteFailure reports each such
// key. Config.ReplayDeletes remembers the keys of so many failed deletes for each connection, in
// the memory of this program, and deletes them before anything else when it is back.
//
// # Context
//
// A call returns when its context ends, whatever the server does. The error is a cache.Error
// that satisfies errors.Is(err, ctx.Err()). The connection stays as it is: a request that was
// not sent yet is taken back, and the reply to one that was is discarded when it comes. Other
// callers do not notice. A server that sends nothing for the timeout while it owes replies
// loses its connection, with the calls of all who wait; it takes up to an eighth longer to
// notice.
//
// # Limits
//
// A value and its key must fit the server's -I, 1 MiB unless it was raised. What is larger is
// ErrTooLarge, and after a Set the old value is gone too: memcached removes it. TTLs are
// rounded up to seconds, on a clock of the server that ticks once a second: a second may last
// only a part of one. TTLs beyond January 2038 end there. Compare-and-swap needs a server that
// was not started with -C. The binary protocol (-B binary), mcrouter and twemproxy have no
// meta commands: take drivers/gomemcache for these and for older servers.
//
// Each program has one connection to each server, unless conns says more, and another for a
// moment while one is replaced or the list of servers is asked for. At most 8,192 replies are
// owed on a connection at a time; further calls wait, as long as their contexts let them.
//
// How to run the servers is in docs/memcached.md of larder.
package memcached
