package otelhook

import (
	"maps"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/cache"
)

// maxOperations bounds the operations that are kept, each of about a kilobyte. Others are
// created for each call.
const maxOperations = 4000

// id identifies an operation.
type id struct {
	driver, namespace, server string
	op                        cache.Op
	one                       bool // it has one key
}

// operation holds the data that all spans and measurements of an operation share.
type operation struct {
	whole bool // it consists of others
	batch bool
	span  string // the name of spans
	start []trace.SpanStartOption

	common []attribute.KeyValue // of all metrics
	attrs  []attribute.KeyValue // of the duration
	keys   []attribute.KeyValue // of the counters

	// Options with these attributes. Creating them takes longer than measuring.
	duration []metric.RecordOption
	loading  []metric.RecordOption
	counters []metric.AddOption
	outcomes []atomic.Pointer[outcomeOptions] // by outcome, which they have in addition
}

type outcomeOptions struct {
	duration []metric.RecordOption
	keys     []metric.AddOption
}

// find returns the operation of a call.
func (h *Hook) find(call *cache.Call, server string) *operation {
	i := id{call.Driver, call.Namespace, server, call.Op, call.Keys == 1}
	if all := h.operations.Load(); all != nil {
		if o := (*all)[i]; o != nil {
			return o
		}
	}
	o := h.newOperation(i)
	h.mu.Lock()
	defer h.mu.Unlock()
	all := map[id]*operation{}
	if old := h.operations.Load(); old != nil {
		if len(*old) >= maxOperations {
			return o
		}
		all = maps.Clone(*old)
	}
	all[i] = o
	h.operations.Store(&all)
	return o
}

func (h *Hook) newOperation(i id) *operation {
	o := &operation{outcomes: make([]atomic.Pointer[outcomeOptions], len(cache.Outcomes())+1)}
	switch i.op {
	case cache.OpLoad, cache.OpLoadMulti, cache.OpRefresh, cache.OpInvalidate,
		cache.OpDependencyAdd, cache.OpDependencyDelete, cache.OpDependencyKeys:
		o.whole = true
	}
	system := i.driver
	if name, ok := h.config.Systems[i.driver]; ok {
		system = name
	}
	o.common = []attribute.KeyValue{semconv.DBSystemNameKey.String(system)}
	if i.namespace != "" {
		o.common = append(o.common, semconv.DBNamespace(i.namespace))
	}
	o.keys = with(o.common, operationKey.String(i.op.String()))
	kind := trace.SpanKindClient
	if o.whole {
		o.span, o.attrs = i.op.String(), o.keys
		kind = trace.SpanKindInternal
	} else {
		o.span = i.op.String()
		if single, ok := strings.CutSuffix(o.span, "_multi"); ok {
			o.span, o.batch = single, !i.one
		}
		if o.batch {
			o.span = "BATCH " + o.span
		}
		o.attrs = with(o.common, semconv.DBOperationName(o.span))
		o.attrs = with(o.attrs, serverAttributes(i.server)...)
		if i.driver == "memory" || i.driver == "null" {
			kind = trace.SpanKindInternal
		}
	}
	o.duration = []metric.RecordOption{option(o.attrs)}
	o.loading = []metric.RecordOption{option(o.keys)}
	o.counters = []metric.AddOption{option(o.keys)}
	o.start = []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(o.attrs...)}
	if i.namespace != "" {
		o.span += " " + i.namespace
	} else if !o.whole && i.server != "" {
		o.span += " " + i.server
	}
	return o
}

// of returns the options with an outcome, and creates them on the first call.
func (o *operation) of(outcome cache.Outcome) *outcomeOptions {
	p := &o.outcomes[outcome]
	options := p.Load()
	if options == nil {
		attr := outcomeKey.String(outcome.String())
		options = &outcomeOptions{
			duration: []metric.RecordOption{option(o.attrs, attr)},
			keys:     []metric.AddOption{option(o.keys, attr)},
		}
		p.Store(options)
	}
	return options
}

func option(attrs []attribute.KeyValue, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(with(attrs, more...)...))
}

// size returns the attribute for the number of keys of a batch or a whole.
func (o *operation) size(keys int) attribute.KeyValue {
	if o.whole {
		return keysKey.Int(keys)
	}
	return semconv.DBOperationBatchSize(keys)
}
