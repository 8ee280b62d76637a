package otelhook_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/hooks/otelhook"
)

// telemetry is an SDK that exports to memory.
type telemetry struct {
	spans    *tracetest.InMemoryExporter
	reader   *sdkmetric.ManualReader
	tracer   trace.Tracer // of the program
	provider trace.TracerProvider
	hook     *otelhook.Hook
}

// start starts an SDK that samples everything, with a hook.
func start(t *testing.T, config otelhook.Config, options ...sdktrace.TracerProviderOption) *telemetry {
	t.Helper()
	x := &telemetry{spans: tracetest.NewInMemoryExporter(), reader: sdkmetric.NewManualReader()}
	tracers := sdktrace.NewTracerProvider(append(options, sdktrace.WithSyncer(x.spans))...)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(x.reader))
	t.Cleanup(func() {
		for _, shutdown := range []func(context.Context) error{tracers.Shutdown, meters.Shutdown} {
			if err := shutdown(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	config.TracerProvider, config.MeterProvider = tracers, meters
	x.provider, x.tracer = tracers, tracers.Tracer("program")
	var err error
	if x.hook, err = otelhook.New(config); err != nil {
		t.Fatal(err)
	}
	return x
}

// during runs f in a span of the program and returns the spans that ended meanwhile, in
// the order in which they began, without that one.
func (x *telemetry) during(f func(ctx context.Context)) tracetest.SpanStubs {
	x.spans.Reset()
	ctx, span := x.tracer.Start(context.Background(), "request")
	f(ctx)
	span.End()
	all := x.spans.GetSpans()
	all = slices.DeleteFunc(all, func(s tracetest.SpanStub) bool { return s.Name == "request" })
	slices.SortStableFunc(all, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	return all
}

// text returns a span in one line: its kind, name and status, and its attributes in order.
func text(s tracetest.SpanStub) string {
	out := fmt.Sprintf("%s %q", s.SpanKind, s.Name)
	if s.Status.Code.String() != "Unset" {
		out += fmt.Sprintf(" %s %q", s.Status.Code, s.Status.Description)
	}
	return out + " " + attributes(s.Attributes)
}

func attributes(all []attribute.KeyValue) string {
	var pairs []string
	for _, kv := range all {
		pairs = append(pairs, string(kv.Key)+"="+kv.Value.String())
	}
	slices.Sort(pairs)
	return strings.Join(pairs, " ")
}

// measurements returns what was measured, by name and attributes: "name{a=1,b=2}". That of
// a histogram is the number of measurements.
func (x *telemetry) measurements(t *testing.T) map[string]int64 {
	t.Helper()
	var rm metricdata.ResourceMetrics
	if err := x.reader.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	all := map[string]int64{}
	for _, sm := range rm.ScopeMetrics {
		for _, m := range sm.Metrics {
			label := func(set attribute.Set) string {
				return m.Name + "{" + strings.ReplaceAll(attributes(set.ToSlice()), " ", ",") + "}"
			}
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					all[label(p.Attributes)] = p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					all[label(p.Attributes)] = int64(p.Count)
				}
			default:
				t.Errorf("%s has the type %T", m.Name, m.Data)
			}
		}
	}
	return all
}

// named leaves those of one instrument.
func named(all map[string]int64, name string) map[string]int64 {
	some := map[string]int64{}
	for k, n := range all {
		if strings.HasPrefix(k, name+"{") {
			some[k] = n
		}
	}
	return some
}
