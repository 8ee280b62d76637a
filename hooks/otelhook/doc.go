// Package otelhook traces and counts the operations of caches with OpenTelemetry.
//
//	hook, err := otelhook.New(otelhook.Config{})
//	// ...
//	c = hook.Watch(c) // pass this one on to the program
//
// It uses the global providers of package otel, unless its Config has others. One Hook watches
// any number of caches. Names are those of the semantic conventions for databases, version
// 1.43.0; names that the conventions do not have begin with "larder.".
//
// # Spans
//
// An operation is a span if it is part of a trace that is sampled: if its context has a
// span that is recording, or a remote span that is sampled. An operation outside of a trace is
// a span only if [Config.RootSpans] is set. The name of the span is the operation and the
// namespace, such as "get sessions". The kind is CLIENT, or INTERNAL for caches in the process.
// The attributes are
//
//	db.system.name           memcached; or else the name of the driver, see Config.Systems
//	db.namespace             the name given to Namespace, if there is one
//	db.operation.name        such as get, and BATCH get for an operation on many keys
//	db.operation.batch.size  the number of distinct keys of such an operation
//	server.address           the server that the error names, or the only server of the cache
//	server.port
//	error.type               the outcome of an operation that failed
//	larder.outcome           a cache.Outcome, such as hit, miss or unavailable
//	larder.hits              keys that a read found
//	larder.misses            keys that a read did not find
//	larder.failed            keys for which the operation failed, if there are any
//	larder.bytes             the length of the values that were read, or passed to be stored
//
// An operation on more than one key is a batch in the sense of the conventions, because each
// key has its own outcome. The status is Error if the operation failed. A miss and a condition
// that did not hold are not failures.
//
// An operation of package load or dependency is a span of kind INTERNAL, with the
// operations that it consists of as its children. Instead of those of db.operation it has
//
//	larder.operation  such as load, load_multi, refresh, invalidate or dependency_delete
//	larder.keys       the number of distinct keys
//	larder.stale      values in larder.hits that were returned although they were past their TTL
//	larder.loaded     values that the load function of this operation returned
//	larder.waited     values that another caller loaded
//
// Keys are not exported unless [Config.Keys] is set, and then as db.query.parameter.key. The
// text of an error does not contain keys or tags either, unless a load function returned it.
//
// # Metrics
//
//	db.client.operation.duration   histogram, s: operations that have no parts
//	larder.operation.duration      histogram, s: operations of packages load and dependency
//	larder.operation.keys          counter: keys of operations that the program called
//	larder.load.duration           histogram, s: load functions, those that failed included
//	larder.load.values             counter: values that load functions returned
//	larder.load.waits              counter: values that another caller loaded
//
// They have the attributes db.system.name and db.namespace. The first also has
// db.operation.name, server.address, server.port and error.type, as in spans. The others have
// larder.operation, and larder.outcome except for those of loads. The keys of operations that
// are parts of others are not counted, so the sum of keys with the outcome hit is the number
// of hits.
//
// These metrics are from the statistics of the watched caches:
//
//	db.client.connection.count     connections, by db.client.connection.state (used or idle)
//	db.client.connection.max       the bound on connections, if there is one
//	db.client.connection.timeouts  calls for which no connection was free in time
//	larder.stored.entries          entries of caches in the process
//	larder.stored.size             bytes of caches in the process
//	larder.evictions               entries removed to keep within a bound, by larder.eviction.reason (count or size)
//
// The db.client.connection.pool.name is the address of the server, with a slash and the
// namespace if there is one.
package otelhook
