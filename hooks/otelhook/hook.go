package otelhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/cache"
)

const scope = "github.com/larder-go/larder/hooks/otelhook"

// Config configures [New]. The zero value is ready to use.
type Config struct {
	TracerProvider trace.TracerProvider // otel.GetTracerProvider() if nil
	MeterProvider  metric.MeterProvider // otel.GetMeterProvider() if nil

	// RootSpans makes an operation outside of a trace begin a trace.
	RootSpans bool

	// Keys exports the keys of operations on one key. They may be long, binary or
	// private.
	Keys bool

	// Systems are values of db.system.name, by the names of drivers, for drivers
	// that are not part of larder.
	Systems map[string]string
}

// systems are those of the drivers that are part of larder, where they have a name in the
// conventions.
var systems = map[string]string{
	"gomemcache": semconv.DBSystemNameMemcached.Value.AsString(),
	"ketama":     semconv.DBSystemNameMemcached.Value.AsString(),
	"memcached":  semconv.DBSystemNameMemcached.Value.AsString(),
}

// A Hook is a [cache.Hook] that traces and counts. It is safe for concurrent use.
type Hook struct {
	config  Config
	tracer  trace.Tracer
	metrics *instruments

	operations atomic.Pointer[map[id]*operation] // replaced and never changed
	mu         sync.Mutex                        // held to replace operations, and guards watched
	watched    []*watched
}

// New returns a Hook, or an error if the MeterProvider rejects an instrument.
func New(config Config) (*Hook, error) {
	if config.TracerProvider == nil {
		config.TracerProvider = otel.GetTracerProvider()
	}
	if config.MeterProvider == nil {
		config.MeterProvider = otel.GetMeterProvider()
	}
	all := maps.Clone(systems)
	maps.Copy(all, config.Systems)
	config.Systems = all
	h := &Hook{config: config, tracer: config.TracerProvider.Tracer(scope, trace.WithSchemaURL(semconv.SchemaURL))}
	meter := config.MeterProvider.Meter(scope, metric.WithSchemaURL(semconv.SchemaURL))
	var err, statsErr error
	h.metrics, err = newInstruments(meter)
	statsErr = h.observeStats(meter)
	if err := errors.Join(err, statsErr); err != nil {
		return nil, fmt.Errorf("otelhook: %w", err)
	}
	return h, nil
}

// Watch returns a view of c whose operations h traces and counts. It also adds the statistics
// of c to the metrics; if c has namespaces, those of the cache of each namespace. A cache is
// included once, however many of its views are watched, until it is closed.
//
// If c has one server, the spans of all its operations name it. To trace and count
// without statistics, use [cache.Cache.WithHook].
func (h *Hook) Watch(c *cache.Cache) *cache.Cache {
	h.mu.Lock()
	defer h.mu.Unlock()
	var servers []string
	parts := 0
	for namespace, part := range c.Partitions() {
		parts++
		if !part.Supports(cache.OpStats) {
			continue
		}
		isPart := func(w *watched) bool { return w.cache == part }
		if !slices.ContainsFunc(h.watched, isPart) {
			h.watched = append(h.watched, &watched{part, namespace})
		}
		if st, err := readStats(part); err == nil {
			for i := range st.Servers {
				servers = append(servers, st.Servers[i].Server)
			}
		}
	}
	if parts == 1 && len(servers) == 1 {
		return c.WithHook(&onlyServer{h, servers[0]})
	}
	return c.WithHook(h)
}

// Start starts a span, if the operation is part of a trace that is sampled.
func (h *Hook) Start(ctx context.Context, call cache.Call) context.Context {
	return h.start(ctx, &call, "")
}

// End ends the span and counts the operation.
func (h *Hook) End(ctx context.Context, call cache.Call, r cache.Result) {
	h.end(ctx, &call, &r, "")
}

// onlyServer is a Hook for a cache that has one server.
type onlyServer struct {
	hook   *Hook
	server string
}

func (s *onlyServer) Start(ctx context.Context, call cache.Call) context.Context {
	return s.hook.start(ctx, &call, s.server)
}

func (s *onlyServer) End(ctx context.Context, call cache.Call, r cache.Result) {
	s.hook.end(ctx, &call, &r, s.server)
}

var (
	_ cache.Hook = (*Hook)(nil)
	_ cache.Hook = (*onlyServer)(nil)
)
