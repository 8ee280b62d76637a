package promhook

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/larder-go/larder/cache"
)

// descs are all metrics, in the order in which they were described.
var descs []*prometheus.Desc

func describe(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("larder_"+name, help, append([]string{"driver", "cache_namespace"}, labels...), nil)
	descs = append(descs, d)
	return d
}

var (
	durationDesc  = describe("operation_duration_seconds", "How long the operations took that the program called.", "operation", "outcome")
	keysDesc      = describe("operation_keys_total", "The keys of the operations that the program called, each with its outcome.", "operation", "outcome")
	batchDesc     = describe("operation_batch_keys", "How many keys the operations on many keys had.", "operation")
	bytesDesc     = describe("operation_value_bytes_total", "The bytes of the values that were read, or were passed to be stored.", "operation")
	partDesc      = describe("part_duration_seconds", "How long the operations took that others, such as loads, consist of.", "within", "operation", "outcome")
	partBytesDesc = describe("part_value_bytes_total", "The bytes of the values that parts of operations read, or were passed to store.", "within", "operation")
	loadDesc      = describe("load_duration_seconds", "How long load functions took, those that failed included.", "operation")
	loadedDesc    = describe("load_values_total", "The values that load functions returned.", "operation")
	waitsDesc     = describe("load_waits_total", "The values that were missing, and that another caller loaded, in this process or in another.", "operation")
)

// Describe sends the descriptions of all metrics.
func (h *Hook) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descs {
		ch <- d
	}
}

// Collect sends the counts of operations and the statistics of the caches.
func (h *Hook) Collect(ch chan<- prometheus.Metric) {
	h.operations.each(func(o *operation) { o.collect(ch) })
	h.collectStats(ch)
}

func (o *operation) collect(ch chan<- prometheus.Metric) {
	op := o.op.String()
	var bytes uint64
	for _, outcome := range outcomes {
		var calls, keys uint64
		if h := o.calls[outcome].Load(); h != nil {
			var m prometheus.Metric
			if o.within != 0 {
				m, calls = h.metric(partDesc, nanoseconds, o.driver, o.namespace, o.within.String(), op, outcome.String())
			} else {
				m, calls = h.metric(durationDesc, nanoseconds, o.driver, o.namespace, op, outcome.String())
			}
			if calls > 0 {
				ch <- m
			}
			keys = h.totalFurther(keysCounter)
			bytes += h.totalFurther(bytesCounter)
		}
		if keys > 0 || o.expects(outcome) {
			ch <- counter(keysDesc, float64(keys), o.driver, o.namespace, op, outcome.String())
		}
	}
	if effect := o.effect(); effect == cache.OutcomeHit || effect == cache.OutcomeStored || bytes > 0 {
		if o.within != 0 {
			ch <- counter(partBytesDesc, float64(bytes), o.driver, o.namespace, o.within.String(), op)
		} else {
			ch <- counter(bytesDesc, float64(bytes), o.driver, o.namespace, op)
		}
	}
	if o.batches != nil {
		m, _ := o.batches.metric(batchDesc, 1, o.driver, o.namespace, op)
		ch <- m
	}
	if o.loads != nil {
		m, _ := o.loads.durations.metric(loadDesc, nanoseconds, o.driver, o.namespace, op)
		ch <- m
		ch <- counter(loadedDesc, float64(o.loads.values.Load()), o.driver, o.namespace, op)
		ch <- counter(waitsDesc, float64(o.loads.waits.Load()), o.driver, o.namespace, op)
	}
}

// effect returns the outcome of a key for which the operation takes effect.
func (o *operation) effect() cache.Outcome { return (&cache.Result{Affected: 1}).Outcome(o.op) }

// expects reports whether an outcome is reported before it was seen: the first increment of a
// counter that was not reported before is missing in rates.
func (o *operation) expects(outcome cache.Outcome) bool {
	if o.within != 0 {
		return false // its keys are not counted
	}
	switch o.op {
	case cache.OpFlush, cache.OpPing, cache.OpStats:
		return false // they have no keys
	}
	switch outcome {
	case o.effect(), cache.OutcomeUnavailable:
		return true
	case cache.OutcomeMiss:
		return o.effect() == cache.OutcomeHit
	case cache.OutcomeStale, cache.OutcomeError:
		return o.loads != nil
	}
	return false
}

func counter(desc *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.CounterValue, v, labels...)
}

func gauge(desc *prometheus.Desc, v float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, labels...)
}
