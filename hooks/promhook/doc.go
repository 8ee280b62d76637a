// Package promhook counts the operations of caches, for Prometheus.
//
//	hook := promhook.New(promhook.Config{})
//	prometheus.MustRegister(hook)
//	c = hook.Watch(c) // pass this one on to the program
//
// One Hook watches any number of caches.
//
// # Operations
//
// These metrics count the operations that the program calls. An operation of package load or
// dependency counts as one operation, however many others it consists of, so hits can be added
// up.
//
//	larder_operation_duration_seconds   histogram by driver, cache_namespace, operation, outcome
//	larder_operation_keys_total         counter   by driver, cache_namespace, operation, outcome
//	larder_operation_batch_keys         histogram by driver, cache_namespace, operation
//	larder_operation_value_bytes_total  counter   by driver, cache_namespace, operation
//
// The operation is the String of a [cache.Op], such as "get_multi", and the outcome is the
// String of a [cache.Outcome], such as "hit". Every key is counted once, with its own outcome;
// an operation on many keys has the worst of their outcomes. The batch keys are the distinct
// keys of an operation on many keys. The value bytes are the lengths of values that were read,
// or that were passed to be stored. The hit ratio is
//
//	sum(rate(larder_operation_keys_total{outcome=~"hit|stale"}[5m])) /
//	sum(rate(larder_operation_keys_total{outcome=~"hit|stale|miss"}[5m]))
//
// In an outage a load of package load that succeeds counts as a miss; the outage is the outcome
// unavailable of its parts.
//
// # Loads
//
// These metrics count the operations of package load:
//
//	larder_load_duration_seconds  histogram by driver, cache_namespace, operation
//	larder_load_values_total      counter   by driver, cache_namespace, operation
//	larder_load_waits_total       counter   by driver, cache_namespace, operation
//
// The duration is that of load functions, including those that failed, and the values are
// those that they returned. A wait is a missing value that another caller loaded, in this
// process or in another. The operation "refresh" loads in the background. Invalidations are in
// larder_operation_keys_total, under "invalidate" and "dependency_delete".
//
// # Parts
//
// These metrics count the operations that a load, an invalidation or an operation of package
// dependency consists of:
//
//	larder_part_duration_seconds   histogram by driver, cache_namespace, within, operation, outcome
//	larder_part_value_bytes_total  counter   by driver, cache_namespace, within, operation
//
// Within is the operation that they are a part of. The requests to servers are these parts,
// and the operations that have no parts.
//
// # Statistics
//
// These metrics are from the [cache.Stats] of the watched caches. Of caches in the process:
//
//	larder_stored_entries     gauge   by driver, cache_namespace
//	larder_stored_bytes       gauge   by driver, cache_namespace
//	larder_evictions_total    counter by driver, cache_namespace, reason (count or size)
//	larder_expirations_total  counter by driver, cache_namespace
//
// Of the connections of other caches to their servers:
//
//	larder_pool_connections               gauge   by driver, cache_namespace, server, state (in_use or idle)
//	larder_pool_max_connections           gauge   by driver, cache_namespace, server; absent without a bound
//	larder_pool_connections_opened_total  counter by driver, cache_namespace, server
//	larder_pool_connections_closed_total  counter by driver, cache_namespace, server
//	larder_pool_waits_total               counter by driver, cache_namespace, server
//	larder_pool_wait_seconds_total        counter by driver, cache_namespace, server
//	larder_pool_failures_total            counter by driver, cache_namespace, server, reason
//
// The reason is a field of Failures in package cache/driver, such as "pool_timeout". Of all
// caches, the number of times that statistics could not be read:
//
//	larder_stats_errors_total  counter by driver, cache_namespace
//
// # Labels
//
// The cache_namespace is the name given to Namespace, or empty. (Prometheus itself sets the
// label namespace in Kubernetes.) Caches with equal labels are added up. The number of series
// is bounded: namespaces after the first [MaxNamespaces] are counted under "other". No label
// contains a key or a value.
//
// # Rules and dashboard
//
// The folder of this package has alerting rules, alerts.yml, and a dashboard for Grafana,
// dashboard.json.
package promhook
