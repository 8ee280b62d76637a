package otelhook

import (
	"context"
	"errors"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/semconv/v1.43.0/dbconv"

	"github.com/larder-go/larder/cache"
)

// instruments measure operations.
type instruments struct {
	client, whole, loading metric.Float64Histogram
	keys, loads, waits     metric.Int64Counter
}

// conventional are the bounds that the conventions recommend, in seconds.
var conventional = metric.WithExplicitBucketBoundaries(0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10)

func newInstruments(meter metric.Meter) (*instruments, error) {
	var errs [6]error
	var in instruments
	client, err := dbconv.NewClientOperationDuration(meter, conventional)
	errs[0], in.client = err, client.Inst()
	in.whole, errs[1] = meter.Float64Histogram("larder.operation.duration", conventional, metric.WithUnit("s"),
		metric.WithDescription("Duration of operations of packages load and dependency."))
	in.keys, errs[2] = meter.Int64Counter("larder.operation.keys", metric.WithUnit("{key}"),
		metric.WithDescription("The keys of the operations that the program called, each with its outcome."))
	in.loads, errs[3] = meter.Int64Counter("larder.load.values", metric.WithUnit("{value}"),
		metric.WithDescription("The values that load functions returned."))
	in.loading, errs[5] = meter.Float64Histogram("larder.load.duration", conventional, metric.WithUnit("s"),
		metric.WithDescription("Duration of load functions, those that failed included."))
	in.waits, errs[4] = meter.Int64Counter("larder.load.waits", metric.WithUnit("{value}"),
		metric.WithDescription("The values that were missing, and that another caller loaded, in this process or in another."))
	return &in, errors.Join(errs[:]...)
}

// count measures an operation.
func (in *instruments) count(ctx context.Context, h *Hook, call *cache.Call, r *cache.Result, outcome cache.Outcome, server string) {
	if !in.client.Enabled(ctx) && !in.keys.Enabled(ctx) {
		return
	}
	o := h.find(call, server)
	seconds := r.Duration.Seconds()
	switch {
	case o.whole:
		in.whole.Record(ctx, seconds, o.of(outcome).duration...)
	case outcome.Failed():
		in.client.Record(ctx, seconds, option(o.attrs, failure(r, outcome)...))
	default:
		in.client.Record(ctx, seconds, o.duration...)
	}
	if call.Within != 0 {
		return
	}
	for outcome, n := range r.KeyOutcomes(call.Op) {
		in.keys.Add(ctx, int64(n), o.of(outcome).keys...)
	}
	if r.Loaded > 0 {
		in.loads.Add(ctx, int64(r.Loaded), o.counters...)
	}
	if r.Loaded > 0 || r.LoadTime > 0 {
		in.loading.Record(ctx, r.LoadTime.Seconds(), o.loading...)
	}
	if r.Waited > 0 {
		in.waits.Add(ctx, int64(r.Waited), o.counters...)
	}
}

// with returns a slice of all and more, and leaves all as it is.
func with[T any](all []T, more ...T) []T { return append(all[:len(all):len(all)], more...) }
