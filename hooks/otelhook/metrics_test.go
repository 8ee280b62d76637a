package otelhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/hooks/otelhook"
	"github.com/larder-go/larder/internal/dev/hooktest"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

// open returns a cache with the namespace n that the hook watches.
func open(t *testing.T, x *telemetry, d *hooktest.Driver) *cache.Cache {
	t.Helper()
	c, err := x.hook.Watch(hooktest.Open(d)).Namespace("n")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// keys are the measurements of larder.operation.keys.
func keys(counts map[cache.Op]map[cache.Outcome]int) map[string]int64 {
	all := map[string]int64{}
	for op, outcomes := range counts {
		for outcome, n := range outcomes {
			all[fmt.Sprintf("larder.operation.keys{db.namespace=n,db.system.name=hooktest,larder.operation=%s,larder.outcome=%s}", op, outcome)] = int64(n)
		}
	}
	return all
}

// The counts are those that were made by hand.
func TestCounts(t *testing.T) {
	x := start(t, otelhook.Config{})
	counts := hooktest.Traffic(open(t, x, &hooktest.Driver{}), 8, 20)
	all := x.measurements(t)
	if diff := cmp.Diff(keys(counts.Keys), named(all, "larder.operation.keys")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	calls := map[string]int64{}
	for op, outcomes := range counts.Calls {
		for outcome, n := range outcomes {
			attrs := "db.namespace=n,db.operation.name=" + op.String() + ",db.system.name=hooktest"
			if single, ok := strings.CutSuffix(op.String(), "_multi"); ok {
				attrs = "db.namespace=n,db.operation.name=BATCH," + single + ",db.system.name=hooktest" // the comma is a space
			}
			if outcome.Failed() {
				attrs += ",error.type=" + outcome.String()
			}
			if outcome == cache.OutcomeUnavailable || outcome == cache.OutcomeUnreadable {
				attrs += ",server.address=10.0.0.1,server.port=11211"
			}
			calls["db.client.operation.duration{"+attrs+"}"] += int64(n)
		}
	}
	if diff := cmp.Diff(calls, named(all, "db.client.operation.duration")); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// Loads are counted once, whatever they consist of, and the cache is seen in their parts.
func TestCountsOfLoads(t *testing.T) {
	x := start(t, otelhook.Config{})
	counts := hooktest.Loads(open(t, x, &hooktest.Driver{}), 8, 20)
	all := x.measurements(t)
	if diff := cmp.Diff(keys(counts.Keys), named(all, "larder.operation.keys")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	durations, parts := map[string]int64{}, int64(0)
	for op, outcomes := range counts.Calls {
		for outcome, n := range outcomes {
			if op == cache.OpGet || op == cache.OpDelete {
				parts += int64(n)
				continue
			}
			durations[fmt.Sprintf("larder.operation.duration{db.namespace=n,db.system.name=hooktest,larder.operation=%s,larder.outcome=%s}", op, outcome)] = int64(n)
		}
	}
	if diff := cmp.Diff(durations, named(all, "larder.operation.duration")); diff != "" {
		t.Errorf("durations (-want +got):\n%s", diff)
	}
	for _, n := range counts.Parts {
		parts += int64(n)
	}
	for _, n := range named(all, "db.client.operation.duration") {
		parts -= n
	}
	if parts != 0 {
		t.Errorf("%d operations of the cache are missing from db.client.operation.duration", parts)
	}
	for name, want := range map[string]map[cache.Op]int{
		"larder.load.duration": counts.Loads, "larder.load.values": counts.Loaded, "larder.load.waits": counts.Waits,
	} {
		wanted := map[string]int64{}
		for op, n := range want {
			if n > 0 {
				wanted[fmt.Sprintf("%s{db.namespace=n,db.system.name=hooktest,larder.operation=%s}", name, op)] = int64(n)
			}
		}
		if diff := cmp.Diff(wanted, named(all, name)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Instruments have the names, units and bounds of the conventions.
func TestInstruments(t *testing.T) {
	x := start(t, otelhook.Config{})
	c := open(t, x, &hooktest.Driver{Statistics: pools()})
	hooktest.Loads(c, 1, 1)
	m, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	x.hook.Watch(m)
	var rm metricdata.ResourceMetrics
	if err := x.reader.Collect(context.Background(), &rm); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, sm := range rm.ScopeMetrics {
		if sm.Scope.SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
			t.Errorf("the schema is %q", sm.Scope.SchemaURL)
		}
		for _, m := range sm.Metrics {
			kind := ""
			switch data := m.Data.(type) {
			case metricdata.Sum[int64]:
				kind = fmt.Sprint("sum, monotonic ", data.IsMonotonic)
			case metricdata.Histogram[float64]:
				kind = fmt.Sprint("histogram ", data.DataPoints[0].Bounds)
			}
			if m.Description == "" {
				t.Errorf("%s has no description", m.Name)
			}
			got[m.Name] = m.Unit + ", " + kind
		}
	}
	want := map[string]string{
		"db.client.operation.duration":  "s, histogram [0.001 0.005 0.01 0.05 0.1 0.5 1 5 10]",
		"db.client.connection.count":    "{connection}, sum, monotonic false",
		"db.client.connection.max":      "{connection}, sum, monotonic false",
		"db.client.connection.timeouts": "{timeout}, sum, monotonic true",
		"larder.operation.duration":     "s, histogram [0.001 0.005 0.01 0.05 0.1 0.5 1 5 10]",
		"larder.operation.keys":         "{key}, sum, monotonic true",
		"larder.load.duration":          "s, histogram [0.001 0.005 0.01 0.05 0.1 0.5 1 5 10]",
		"larder.load.values":            "{value}, sum, monotonic true",
		"larder.load.waits":             "{value}, sum, monotonic true",
		"larder.stored.entries":         "{entry}, sum, monotonic false",
		"larder.stored.size":            "By, sum, monotonic false",
		"larder.evictions":              "{entry}, sum, monotonic true",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func pools() driver.Stats {
	return driver.Stats{Servers: []driver.ServerStats{
		{Server: "a:1", MaxOpen: 8, InUse: 3, Idle: 2, Failures: driver.Failures{PoolTimeout: 7}},
		{Server: "b:1", InUse: 1},
	}}
}

// Statistics are reported once for each cache, and added up where attributes are equal.
func TestStatistics(t *testing.T) {
	x := start(t, otelhook.Config{})
	closed := hooktest.Open(&hooktest.Driver{Statistics: driver.Stats{Entries: 100}})
	plain := hooktest.Open(&hooktest.Driver{Statistics: driver.Stats{Entries: 1, Bytes: 2, EvictionsByCount: 3, EvictionsBySize: 4}})
	parts, err := cache.Partitioned("p", map[string]*cache.Cache{
		"p": hooktest.Open(&hooktest.Driver{Statistics: pools()}), "closed": closed, "null": null.New(null.Config{}), // which has no statistics
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		x.hook.Watch(hooktest.Open(&hooktest.Driver{Statistics: pools()}))
		x.hook.Watch(plain)
	}
	x.hook.Watch(parts)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]int64{
		"db.client.connection.count{db.client.connection.pool.name=a:1,db.client.connection.state=used}":   6,
		"db.client.connection.count{db.client.connection.pool.name=a:1,db.client.connection.state=idle}":   4,
		"db.client.connection.count{db.client.connection.pool.name=b:1,db.client.connection.state=used}":   2,
		"db.client.connection.count{db.client.connection.pool.name=b:1,db.client.connection.state=idle}":   0,
		"db.client.connection.count{db.client.connection.pool.name=a:1/p,db.client.connection.state=used}": 3,
		"db.client.connection.count{db.client.connection.pool.name=a:1/p,db.client.connection.state=idle}": 2,
		"db.client.connection.count{db.client.connection.pool.name=b:1/p,db.client.connection.state=used}": 1,
		"db.client.connection.count{db.client.connection.pool.name=b:1/p,db.client.connection.state=idle}": 0,
		"db.client.connection.max{db.client.connection.pool.name=a:1}":                                     16,
		"db.client.connection.max{db.client.connection.pool.name=a:1/p}":                                   8,
		"db.client.connection.timeouts{db.client.connection.pool.name=a:1}":                                14,
		"db.client.connection.timeouts{db.client.connection.pool.name=b:1}":                                0,
		"db.client.connection.timeouts{db.client.connection.pool.name=a:1/p}":                              7,
		"db.client.connection.timeouts{db.client.connection.pool.name=b:1/p}":                              0,
		"larder.stored.entries{db.system.name=hooktest}":                                                   1,
		"larder.stored.size{db.system.name=hooktest}":                                                      2,
		"larder.evictions{db.system.name=hooktest,larder.eviction.reason=count}":                           3,
		"larder.evictions{db.system.name=hooktest,larder.eviction.reason=size}":                            4,
	}
	for range 2 {
		if diff := cmp.Diff(want, x.measurements(t)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// Statistics that cannot be read are an error of the collection.
func TestStatisticsError(t *testing.T) {
	x := start(t, otelhook.Config{})
	broken := errors.New("no statistics")
	x.hook.Watch(hooktest.Open(&hooktest.Driver{StatsError: broken}))
	var rm metricdata.ResourceMetrics
	if err := x.reader.Collect(context.Background(), &rm); !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
}

// The number of operations that are kept does not grow with that of namespaces.
func TestManyNamespaces(t *testing.T) {
	x := start(t, otelhook.Config{})
	base := open(t, x, &hooktest.Driver{})
	const many = 4100
	for i := range many {
		c, err := base.Namespace(fmt.Sprint(i))
		if err != nil {
			t.Fatal(err)
		}
		c.Get(t.Context(), "absent")
	}
	sum := int64(0)
	for _, n := range named(x.measurements(t), "larder.operation.keys") {
		sum += n
	}
	if sum != many {
		t.Errorf("%d keys, want %d", sum, many)
	}
}

// A hook without providers in its Config uses those of the program, which do nothing
// unless they are set.
func TestGlobalProviders(t *testing.T) {
	hook, err := otelhook.New(otelhook.Config{})
	if err != nil {
		t.Fatal(err)
	}
	c := hook.Watch(hooktest.Open(&hooktest.Driver{}))
	if _, err := c.Get(t.Context(), "absent"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("error %v, want a miss", err)
	}
	x := start(t, otelhook.Config{})
	old := otel.GetTracerProvider()
	defer otel.SetTracerProvider(old)
	otel.SetTracerProvider(x.provider)
	x.during(func(ctx context.Context) { c.Get(ctx, "absent") })
	if n := len(x.spans.GetSpans()); n != 2 {
		t.Errorf("%d spans, want that of the request and that of the operation", n)
	}
}
