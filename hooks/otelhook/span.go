package otelhook

import (
	"context"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/cache"
)

// Attributes that the conventions do not have.
const (
	operationKey = attribute.Key("larder.operation")
	keysKey      = attribute.Key("larder.keys")
	outcomeKey   = attribute.Key("larder.outcome")
	hitsKey      = attribute.Key("larder.hits")
	missesKey    = attribute.Key("larder.misses")
	staleKey     = attribute.Key("larder.stale")
	loadedKey    = attribute.Key("larder.loaded")
	waitedKey    = attribute.Key("larder.waited")
	failedKey    = attribute.Key("larder.failed")
	bytesKey     = attribute.Key("larder.bytes")
)

func (h *Hook) start(ctx context.Context, call *cache.Call, server string) context.Context {
	if !h.sampled(ctx) {
		if ctx.Value(h) != nil { // the span of an operation that this one is a part of
			ctx = context.WithValue(ctx, h, nil)
		}
		return ctx
	}
	o := h.find(call, server)
	options := o.start
	if o.whole || o.batch {
		options = with(options, trace.SpanStartOption(trace.WithAttributes(o.size(call.Keys))))
	}
	if h.config.Keys && call.Key != "" {
		options = with(options, trace.SpanStartOption(trace.WithAttributes(semconv.DBQueryParameter("key", call.Key))))
	}
	ctx, span := h.tracer.Start(ctx, o.span, options...)
	if !span.IsRecording() {
		span = nil
	}
	return context.WithValue(ctx, h, span)
}

// sampled reports whether an operation is to be a span. The sampler takes longer than most
// operations on package memory, so it is called only where it may accept.
func (h *Hook) sampled(ctx context.Context) bool {
	parent := trace.SpanFromContext(ctx)
	if parent.IsRecording() {
		return true
	}
	sc := parent.SpanContext()
	return sc.IsSampled() || h.config.RootSpans && !sc.IsValid()
}

func (h *Hook) end(ctx context.Context, call *cache.Call, r *cache.Result, server string) {
	outcome := r.Outcome(call.Op)
	if span, _ := ctx.Value(h).(trace.Span); span != nil {
		h.endSpan(span, call, r, outcome)
	}
	h.metrics.count(ctx, h, call, r, outcome, server)
}

func (h *Hook) endSpan(span trace.Span, call *cache.Call, r *cache.Result, outcome cache.Outcome) {
	attrs := append(make([]attribute.KeyValue, 0, 12), outcomeKey.String(outcome.String()))
	if isRead(call.Op) {
		attrs = append(attrs, hitsKey.Int(r.Affected), missesKey.Int(r.Misses))
	}
	for _, count := range []struct {
		key attribute.Key
		n   int
	}{{staleKey, r.Stale}, {loadedKey, r.Loaded}, {waitedKey, r.Waited}, {failedKey, r.Failed}, {bytesKey, r.Bytes}} {
		if count.n > 0 {
			attrs = append(attrs, count.key.Int(count.n))
		}
	}
	if outcome.Failed() {
		text := r.RedactedError(call)
		if h.config.Keys && r.Err != nil {
			text = r.Err.Error()
		}
		span.SetStatus(codes.Error, text)
		attrs = append(attrs, failure(r, outcome)...)
	}
	span.SetAttributes(attrs...)
	span.End()
}

// isRead reports whether the keys of an operation are found or missed.
func isRead(op cache.Op) bool {
	return (&cache.Result{Affected: 1}).Outcome(op) == cache.OutcomeHit
}

// failure returns the attributes of an operation that failed.
func failure(r *cache.Result, outcome cache.Outcome) []attribute.KeyValue {
	return append(serverAttributes(r.Server()), semconv.ErrorTypeKey.String(outcome.String()))
}

// serverAttributes returns the attributes of a server: host and port, or the path of a
// socket.
func serverAttributes(server string) []attribute.KeyValue {
	if server == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(server)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(server)}
	}
	attrs := []attribute.KeyValue{semconv.ServerAddress(host)}
	if n, err := strconv.Atoi(port); err == nil {
		attrs = append(attrs, semconv.ServerPort(n))
	}
	return attrs
}
