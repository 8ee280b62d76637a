// Package promhook counts what caches do, for Prometheus.
//
//	hook := promhook.New(promhook.Config{})
//	prometheus.MustRegister(hook)
//	c = hook.Watch(c) // pass this one on to the program
//
// One Hook watches any number of caches.
//
// # Operations
//
// The operations that the program calls. An operation of package load or dependency is one
// operation, whatever it consists of, so the hits can be added up.
//
//	larder_operation_duration_seconds   histogram by driver, cache_namespace, operation, outcome
//	larder_operation_keys_total         counter   by driver, cache_namespace, operation, outcome
//	larder_operation_batch_keys         histogram by driver, cache_namespace, operation
//	larder_operation_value_bytes_total  counter   by driver, cache_namespace, operation
//
// The operation is the String of a [cache.Op], such as "get_multi", and the outcome that of
// a [cache.Outcome], such as "hit". Every key is counted once, with its own outcome; an
// operation on many keys has the worst of their outcomes. Batches are the operations on
// many keys, with the number of distinct ones. Bytes are those of values that were read or
// passed to be stored. The hit ratio is
//
//	sum(rate(larder_operation_keys_total{outcome=~"hit|stale"}[5m])) /
//	sum(rate(larder_operation_keys_total{outcome=~"hit|stale|miss"}[5m]))
//
// # Loads
//
// Of the operations of package load:
//
//	larder_load_duration_seconds  histogram by driver, cache_namespace, operation
//	larder_load_values_total      counter   by driver, cache_namespace, operation
//	larder_load_waits_total       counter   by driver, cache_namespace, operation
//
// The duration is that of load functions, also of those that failed, and the values are
// those that they returned. A wait is a value that was missing and that another caller
// loaded, in this process or in another. The operation "refresh" loads in the background,
// for no caller. What was invalidated is in larder_operation_keys_total, under "invalidate"
// and "dependency_delete".
//
// # Parts
//
// The operations that a load, an invalidation or an operation of package dependency
// consists of:
//
//	larder_part_duration_seconds   histogram by driver, cache_namespace, within, operation, outcome
//	larder_part_value_bytes_total  counter   by driver, cache_namespace, within, operation
//
// Within is the operation that they are a part of. What the servers do is seen in them and
// in the operations that have no parts.
//
// # Statistics
//
// From [cache.Stats] of the watched caches. Of those in the process:
//
//	larder_stored_entries     gauge   by driver, cache_namespace
//	larder_stored_bytes       gauge   by driver, cache_namespace
//	larder_evictions_total    counter by driver, cache_namespace, reason (count or size)
//	larder_expirations_total  counter by driver, cache_namespace
//
// Of the connections of the others to their servers:
//
//	larder_pool_connections               gauge   by driver, cache_namespace, server, state (in_use or idle)
//	larder_pool_max_connections           gauge   by driver, cache_namespace, server; absent without a bound
//	larder_pool_connections_opened_total  counter by driver, cache_namespace, server
//	larder_pool_connections_closed_total  counter by driver, cache_namespace, server
//	larder_pool_waits_total               counter by driver, cache_namespace, server
//	larder_pool_wait_seconds_total        counter by driver, cache_namespace, server
//	larder_pool_failures_total            counter by driver, cache_namespace, server, reason
//
// The reason is a field of Failures in package cache/driver, such as "pool_timeout". And of all:
//
//	larder_stats_errors_total  counter by driver, cache_namespace
//
// which counts statistics that could not be read.
//
// # Labels
//
// The cache_namespace is the name given to Namespace, or empty. (Prometheus itself sets the
// label namespace of what it finds in Kubernetes.) Caches with equal labels are added up.
// The number of series is bounded: after [MaxNamespaces] namespaces the rest are counted
// under "other". No label comes from a key or a value.
//
// # Rules and dashboard
//
// The folder of this package has alerting rules, alerts.yml, and a dashboard for Grafana,
// dashboard.json.
package promhook
