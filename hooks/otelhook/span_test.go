package otelhook_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/hooks/otelhook"
	"github.com/larder-go/larder/internal/dev/hooktest"
	"github.com/larder-go/larder/memory"
)

// Spans have the names that the semantic conventions give, here in full.
func TestSpans(t *testing.T) {
	x := start(t, otelhook.Config{})
	c := x.hook.Watch(hooktest.Open(&hooktest.Driver{}))
	users, err := c.Namespace("users")
	if err != nil {
		t.Fatal(err)
	}
	const refused = "server unavailable: connection refused"
	for _, step := range []struct {
		do   func(ctx context.Context)
		want string
	}{
		{
			func(ctx context.Context) { c.Set(ctx, "k", []byte("12345"), 0) },
			`client "set" db.operation.name=set db.system.name=hooktest larder.bytes=5 larder.outcome=stored`,
		},
		{
			func(ctx context.Context) { c.Get(ctx, "k") },
			`client "get" db.operation.name=get db.system.name=hooktest larder.bytes=5 larder.hits=1 larder.misses=0 larder.outcome=hit`,
		},
		{
			func(ctx context.Context) { users.Get(ctx, "absent") },
			`client "get users" db.namespace=users db.operation.name=get db.system.name=hooktest larder.hits=0 larder.misses=1 larder.outcome=miss`,
		},
		{
			func(ctx context.Context) { c.Get(ctx, hooktest.Down) },
			`client "get" Error "hooktest: get: 10.0.0.1:11211: ` + refused + `" db.operation.name=get db.system.name=hooktest error.type=unavailable larder.failed=1 larder.hits=0 larder.misses=0 larder.outcome=unavailable server.address=10.0.0.1 server.port=11211`,
		},
		{
			func(ctx context.Context) { c.Get(ctx, "not a key") },
			`client "get" Error "cache: invalid key: byte 0x20 at 3 after encoding; spaces and control characters need a key encoding such as safe" db.operation.name=get db.system.name=hooktest error.type=invalid larder.failed=1 larder.hits=0 larder.misses=0 larder.outcome=invalid`,
		},
		{
			func(ctx context.Context) { c.Add(ctx, "k", nil, 0) },
			`client "add" db.operation.name=add db.system.name=hooktest larder.outcome=not_stored`,
		},
		{
			func(ctx context.Context) { c.GetMulti(ctx, []string{"k", "k", "absent", hooktest.Down}) },
			`client "BATCH get" Error "cache: get_multi: 1 key failed: hooktest: get: 10.0.0.1:11211: ` + refused + `" db.operation.batch.size=3 db.operation.name=BATCH get db.system.name=hooktest error.type=unavailable larder.bytes=5 larder.failed=1 larder.hits=1 larder.misses=1 larder.outcome=unavailable server.address=10.0.0.1 server.port=11211`,
		},
		{
			func(ctx context.Context) { c.GetMulti(ctx, []string{"k", "k"}) },
			`client "get" db.operation.name=get db.system.name=hooktest larder.bytes=5 larder.hits=1 larder.misses=0 larder.outcome=hit`,
		},
		{
			func(ctx context.Context) { c.GetMulti(ctx, nil) },
			`client "BATCH get" db.operation.batch.size=0 db.operation.name=BATCH get db.system.name=hooktest larder.hits=0 larder.misses=0 larder.outcome=ok`,
		},
		{
			func(ctx context.Context) { users.DeleteMulti(ctx, []string{"a", "b"}) },
			`client "BATCH delete users" db.namespace=users db.operation.batch.size=2 db.operation.name=BATCH delete db.system.name=hooktest larder.outcome=ok`,
		},
		{
			func(ctx context.Context) { c.Flush(ctx) },
			`client "flush" db.operation.name=flush db.system.name=hooktest larder.outcome=ok`,
		},
	} {
		spans := x.during(step.do)
		if len(spans) != 1 {
			t.Errorf("%d spans, want %s", len(spans), step.want)
			continue
		}
		if diff := cmp.Diff(step.want, text(spans[0])); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if scope := spans[0].InstrumentationScope; scope.Name != "github.com/larder-go/larder/hooks/otelhook" || scope.SchemaURL != "https://opentelemetry.io/schemas/1.43.0" {
			t.Errorf("the scope is %+v", scope)
		}
	}
}

// The systems of the drivers of larder are those that the conventions know, and others can
// be named.
func TestSystems(t *testing.T) {
	systems := map[string]string{"other": "acme.cache", "memory": "memory-of-acme"}
	x := start(t, otelhook.Config{Systems: systems})
	for driver, want := range map[string]string{
		"gomemcache": "client memcached", "ketama": "client memcached", "memcached": "client memcached",
		"valkey": "client valkey", "null": "internal null", "other": "client acme.cache", "memory": "internal memory-of-acme",
	} {
		c := cache.New(&hooktest.Driver{}, cache.Options{Name: driver}).WithHook(x.hook)
		spans := x.during(func(ctx context.Context) { c.Get(ctx, "k") })
		for _, s := range spans {
			got := s.SpanKind.String()
			for _, kv := range s.Attributes {
				if kv.Key == "db.system.name" {
					got += " " + kv.Value.AsString()
				}
			}
			if got != want {
				t.Errorf("%s is %q, want %q", driver, got, want)
			}
		}
		if len(spans) != 1 {
			t.Errorf("%s: %d spans, want 1", driver, len(spans))
		}
	}
}

// A load is the parent of its parts, and of what its load function does.
func TestLoads(t *testing.T) {
	x := start(t, otelhook.Config{})
	c, err := x.hook.Watch(hooktest.Open(&hooktest.Driver{})).Namespace("users")
	if err != nil {
		t.Fatal(err)
	}
	spans := x.during(func(ctx context.Context) {
		part, end := c.Observe(ctx, cache.Call{Op: cache.OpLoadMulti, Keys: 7})
		c.GetMulti(part, []string{"a", "b"})
		query, span := x.tracer.Start(cache.NotWithin(part), "SELECT")
		c.Get(query, "c")
		span.End()
		c.Set(part, "a", []byte("value"), 0)
		end(cache.Result{Affected: 3, Stale: 1, Misses: 3, Loaded: 2, Waited: 1, Failed: 1, Bytes: 9, Err: &cache.MultiError{
			Op: cache.OpLoadMulti, Errors: map[string]error{"k": hooktest.ErrLoad},
		}})
	})
	if len(spans) != 5 {
		t.Fatalf("%d spans, want 5", len(spans))
	}
	load := spans[0]
	want := `internal "load_multi users" Error "cache: load_multi: 1 key failed: the database is down" db.namespace=users db.system.name=hooktest error.type=error larder.bytes=9 larder.failed=1 larder.hits=3 larder.keys=7 larder.loaded=2 larder.misses=3 larder.operation=load_multi larder.outcome=error larder.stale=1 larder.waited=1`
	if diff := cmp.Diff(want, text(load)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	names := map[trace.SpanID]string{}
	for _, s := range spans {
		names[s.SpanContext.SpanID()] = s.Name
	}
	var tree []string
	for _, s := range spans {
		tree = append(tree, names[s.Parent.SpanID()]+" > "+s.Name)
	}
	wantTree := []string{
		" > load_multi users", "load_multi users > BATCH get users", "load_multi users > SELECT", "SELECT > get users", "load_multi users > set users",
	}
	if diff := cmp.Diff(wantTree, tree); diff != "" {
		t.Errorf("the tree (-want +got):\n%s", diff)
	}
}

// The spans of two hooks end each with their own, also where one of them skips.
func TestTwoHooks(t *testing.T) {
	inner, outer := start(t, otelhook.Config{}), start(t, otelhook.Config{})
	c := hooktest.Open(&hooktest.Driver{}).WithHook(inner.hook).WithHook(outer.hook)
	spans := outer.during(func(ctx context.Context) { c.Get(ctx, "k") })
	if len(spans) != 1 || len(inner.spans.GetSpans()) != 1 {
		t.Fatalf("%d and %d spans, want one of each", len(spans), len(inner.spans.GetSpans()))
	}
	if parent := inner.spans.GetSpans()[0].Parent.SpanID(); parent != spans[0].SpanContext.SpanID() {
		t.Error("the span of the inner hook is not the child of that of the outer one")
	}
}

// unsampled is a span that is not sampled.
func unsampled() trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}})
}

// The trace decides whether there is a span.
func TestSampling(t *testing.T) {
	background := context.Background()
	remote := func(flags trace.TraceFlags) context.Context {
		return trace.ContextWithRemoteSpanContext(background, unsampled().WithTraceFlags(flags))
	}
	for name, test := range map[string]struct {
		ctx     context.Context
		roots   bool
		sampler sdktrace.Sampler
		want    int
	}{
		"no trace":               {background, false, sdktrace.AlwaysSample(), 0},
		"no trace, with roots":   {background, true, sdktrace.AlwaysSample(), 1},
		"remote, sampled":        {remote(trace.FlagsSampled), false, sdktrace.AlwaysSample(), 1},
		"remote, not sampled":    {remote(0), true, sdktrace.AlwaysSample(), 0},
		"local, not sampled":     {trace.ContextWithSpanContext(background, unsampled()), true, sdktrace.AlwaysSample(), 0},
		"the sampler says no":    {remote(trace.FlagsSampled), true, sdktrace.NeverSample(), 0},
		"the sampler decides":    {remote(trace.FlagsSampled), true, sdktrace.ParentBased(sdktrace.NeverSample()), 1},
		"a root, if it says yes": {background, true, sdktrace.ParentBased(sdktrace.NeverSample()), 0},
	} {
		x := start(t, otelhook.Config{RootSpans: test.roots}, sdktrace.WithSampler(test.sampler))
		c := hooktest.Open(&hooktest.Driver{}).WithHook(x.hook)
		c.Get(test.ctx, "k")
		if n := len(x.spans.GetSpans()); n != test.want {
			t.Errorf("%s: %d spans, want %d", name, n, test.want)
		}
	}
}

// An operation without a span does not end that of the operation around it.
func TestUnsampledPart(t *testing.T) {
	x := start(t, otelhook.Config{})
	c := hooktest.Open(&hooktest.Driver{}).WithHook(x.hook)
	spans := x.during(func(ctx context.Context) {
		part, end := c.Observe(ctx, cache.Call{Op: cache.OpLoad, Keys: 1})
		c.Get(trace.ContextWithSpanContext(part, unsampled()), "k")
		end(cache.Result{Affected: 1})
	})
	want := `internal "load" db.system.name=hooktest larder.hits=1 larder.keys=1 larder.misses=0 larder.operation=load larder.outcome=hit`
	if len(spans) != 1 || text(spans[0]) != want {
		t.Errorf("spans %v, want one: %s", spans, want)
	}
}

// Neither keys nor values are exported, unless keys are asked for.
func TestKeys(t *testing.T) {
	for _, keys := range []bool{false, true} {
		x := start(t, otelhook.Config{Keys: keys})
		c := hooktest.Open(&hooktest.Driver{}).WithHook(x.hook)
		spans := x.during(func(ctx context.Context) {
			c.Set(ctx, "secret", []byte("confidential"), 0)
			c.Get(ctx, hooktest.Pickled+"secret")
			c.GetMulti(ctx, []string{hooktest.Pickled + "secret", "secret"})
			c.Get(ctx, hooktest.Down+"secret")
			_, end := c.Observe(ctx, cache.Call{Op: cache.OpLoad, Key: "secret", Keys: 1})
			end(cache.Result{Failed: 1, Err: fmt.Errorf("load: the value of %.40q is needed to load itself", "secret")})
		})
		exported := fmt.Sprint(spans, x.measurements(t))
		if n := strings.Count(exported, "secret"); keys && n < 5 || !keys && n != 0 {
			t.Errorf("keys %v: exported %d times", keys, n)
		}
		if strings.Contains(exported, "confidential") {
			t.Errorf("keys %v: a value is exported", keys)
		}
		if got := text(spans[0]); keys != strings.Contains(got, "db.query.parameter.key=secret") {
			t.Errorf("keys %v: %s", keys, got)
		}
		for _, s := range spans[1:] {
			if s.Status.Code != codes.Error || s.Status.Description == "" {
				t.Errorf("the status of %q is %+v, want an error with its text", s.Name, s.Status)
			}
		}
	}
}

// The spans of a cache with one server name it, as those of failures do.
func TestServers(t *testing.T) {
	one := func(address string) *hooktest.Driver {
		return &hooktest.Driver{Statistics: driver.Stats{Servers: []driver.ServerStats{{Server: address}}}}
	}
	two := &hooktest.Driver{Statistics: driver.Stats{Servers: []driver.ServerStats{{Server: "a:1"}, {Server: "b:2"}}}}
	parts := func(inner ...*hooktest.Driver) *cache.Cache {
		all := map[string]*cache.Cache{}
		for i, d := range inner {
			all[fmt.Sprint(i)] = hooktest.Open(d)
		}
		c, err := cache.Partitioned("0", all)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	for name, test := range map[string]struct {
		c    *cache.Cache
		want string
	}{
		"one":                     {hooktest.Open(one("cache.local:11211")), `"get cache.local:11211" address cache.local port 11211`},
		"one, IPv6":               {hooktest.Open(one("[::1]:11211")), `"get [::1]:11211" address ::1 port 11211`},
		"a socket":                {hooktest.Open(one("/run/memcached.sock")), `"get /run/memcached.sock" address /run/memcached.sock`},
		"a port with a name":      {hooktest.Open(one("a:memcache")), `"get a:memcache" address a`},
		"two":                     {hooktest.Open(two), `"get"`},
		"none":                    {hooktest.Open(&hooktest.Driver{}), `"get"`},
		"no statistics":           {hooktest.Open(&hooktest.Driver{StatsError: errors.New("none")}), `"get"`},
		"namespaces, one cache":   {parts(one("a:1")), `"get 0" address a port 1`},
		"namespaces, two caches":  {parts(one("a:1"), &hooktest.Driver{}), `"get 0"`},
		"namespaces, two servers": {parts(one("a:1"), one("b:1")), `"get 0"`},
	} {
		x := start(t, otelhook.Config{})
		c := x.hook.Watch(test.c)
		spans := x.during(func(ctx context.Context) { c.Get(ctx, "k") })
		got := fmt.Sprintf("%q", spans[0].Name)
		for _, kv := range spans[0].Attributes {
			if rest, ok := strings.CutPrefix(string(kv.Key), "server."); ok {
				got += " " + rest + " " + kv.Value.String()
			}
		}
		if got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// An operation that consists of others names no server: they may reach several.
func TestWholeNamesNoServer(t *testing.T) {
	x := start(t, otelhook.Config{})
	d := &hooktest.Driver{Statistics: driver.Stats{Servers: []driver.ServerStats{{Server: "a:1"}}}}
	c := x.hook.Watch(hooktest.Open(d))
	spans := x.during(func(ctx context.Context) {
		_, end := c.Observe(ctx, cache.Call{Op: cache.OpInvalidate, Keys: 2})
		end(cache.Result{Affected: 2})
	})
	want := `internal "invalidate" db.system.name=hooktest larder.keys=2 larder.operation=invalidate larder.outcome=ok`
	if len(spans) != 1 || text(spans[0]) != want {
		t.Errorf("spans %v, want %s", spans, want)
	}
}

// Each call of the traffic is a span, with the outcome that was counted by hand.
func TestTraffic(t *testing.T) {
	x := start(t, otelhook.Config{RootSpans: true})
	c := hooktest.Open(&hooktest.Driver{}).WithHook(x.hook)
	counts := hooktest.Traffic(c, 4, 5)
	want := map[string]int{}
	for op, outcomes := range counts.Calls {
		name := op.String()
		for outcome, n := range outcomes {
			want[strings.TrimSuffix(name, "_multi")+" "+outcome.String()] += n
		}
	}
	got := map[string]int{}
	for _, s := range x.spans.GetSpans() {
		for _, kv := range s.Attributes {
			if kv.Key == "larder.outcome" {
				got[strings.TrimPrefix(s.Name, "BATCH ")+" "+kv.Value.AsString()]++
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Memory runs in the process: its spans are internal.
func TestMemory(t *testing.T) {
	m, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	x := start(t, otelhook.Config{})
	c := x.hook.Watch(m)
	spans := x.during(func(ctx context.Context) { c.Get(ctx, "k") })
	want := `internal "get" db.operation.name=get db.system.name=memory larder.hits=0 larder.misses=1 larder.outcome=miss`
	if len(spans) != 1 || text(spans[0]) != want {
		t.Errorf("spans %v, want %s", spans, want)
	}
}
