package otelhook_test

import (
	"context"
	"testing"

	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/otelhook"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/memory"
)

// watched returns a memory cache with one entry, without and with a hook that traces and
// does not count.
func watched(tb testing.TB, options ...sdktrace.TracerProviderOption) (bare, traced *cache.Cache) {
	tb.Helper()
	bare, err := memory.New(memory.Config{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { bare.Close() })
	if err := bare.Set(context.Background(), "key", make([]byte, 128), 0); err != nil {
		tb.Fatal(err)
	}
	hook, err := otelhook.New(otelhook.Config{
		TracerProvider: sdktrace.NewTracerProvider(options...),
		MeterProvider:  metricnoop.NewMeterProvider(),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return bare, hook.Watch(bare)
}

// counting returns a view of a cache with a hook that counts.
func counting(tb testing.TB, c *cache.Cache) *cache.Cache {
	tb.Helper()
	hook, err := otelhook.New(otelhook.Config{
		TracerProvider: sdktrace.NewTracerProvider(),
		MeterProvider:  sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader())),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return hook.Watch(c)
}

// An operation of a trace that is not sampled, or of none, allocates nothing, and neither
// does counting it.
func TestAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	bare, traced := watched(t)
	counted := counting(t, bare)
	for name, ctx := range map[string]context.Context{
		"not sampled": trace.ContextWithRemoteSpanContext(context.Background(), unsampled()),
		"no trace":    context.Background(),
	} {
		for which, c := range map[string]*cache.Cache{"traced": traced, "counted": counted} {
			n := testing.AllocsPerRun(200, func() {
				if _, err := c.Get(ctx, "key"); err != nil {
					t.Error(err)
				}
				if err := c.Set(ctx, "other", nil, 0); err != nil {
					t.Error(err)
				}
			})
			if n != 0 {
				t.Errorf("%s, %s: %v allocations, want none", which, name, n)
			}
		}
	}
}

// BenchmarkCost measures a get on memory without and with the hook.
func BenchmarkCost(b *testing.B) {
	background := context.Background()
	remote := trace.ContextWithRemoteSpanContext(background, unsampled())
	bare, traced := watched(b)
	_, exported := watched(b, sdktrace.WithBatcher(tracetest.NewNoopExporter()))
	for _, bench := range []struct {
		name string
		c    *cache.Cache
		ctx  context.Context
	}{
		{"none", bare, background},
		{"no trace", traced, background},
		{"not sampled", traced, remote},
		{"sampled", exported, trace.ContextWithRemoteSpanContext(background, unsampled().WithTraceFlags(trace.FlagsSampled))},
		{"metrics, no trace", counting(b, bare), background},
	} {
		b.Run("get/"+bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.c.Get(bench.ctx, "key")
			}
		})
	}
}
