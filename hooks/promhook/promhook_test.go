package promhook_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/internal/dev/hooktest"
)

// samples are metrics by name and labels, as in larder_x{a="1",b="2"}. A histogram is
// three of them: its count, its sum, and its buckets, whose value is cumulative.
type samples map[string]float64

func gather(t *testing.T, collectors ...prometheus.Collector) samples {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	for _, c := range collectors {
		if err := registry.Register(c); err != nil {
			t.Fatal(err)
		}
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := samples{}
	for _, f := range families {
		for _, m := range f.Metric {
			name := f.GetName()
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				all[name+labels(m)] = m.Counter.GetValue()
			case dto.MetricType_GAUGE:
				all[name+labels(m)] = m.Gauge.GetValue()
			case dto.MetricType_HISTOGRAM:
				all[name+"_count"+labels(m)] = float64(m.Histogram.GetSampleCount())
				all[name+"_sum"+labels(m)] = m.Histogram.GetSampleSum()
				for _, b := range m.Histogram.Bucket {
					bound := fmt.Sprintf(`{le="%v",`, b.GetUpperBound())
					all[name+"_bucket"+strings.Replace(labels(m), "{", bound, 1)] = float64(b.GetCumulativeCount())
				}
			default:
				t.Errorf("%s has the type %v", name, f.GetType())
			}
		}
	}
	return all
}

func labels(m *dto.Metric) string {
	var pairs []string
	for _, l := range m.Label {
		pairs = append(pairs, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
	}
	return "{" + strings.Join(pairs, ",") + "}"
}

// named returns the samples of one metric, without the name.
func (s samples) named(name string) samples {
	some := samples{}
	for k, v := range s {
		if rest, ok := strings.CutPrefix(k, name+"{"); ok {
			some["{"+rest] = v
		}
	}
	return some
}

// want returns samples with these labels, of the namespace n.
func want[K comparable](counts map[K]int, label func(K) string) samples {
	all := samples{}
	for k, n := range counts {
		all[label(k)] = float64(n)
	}
	return all
}

// byOutcome makes one map of two.
func byOutcome(counts map[cache.Op]map[cache.Outcome]int) samples {
	all := samples{}
	for op, outcomes := range counts {
		for outcome, n := range outcomes {
			all[fmt.Sprintf(`{cache_namespace="n",driver="hooktest",operation="%s",outcome="%s"}`, op, outcome)] = float64(n)
		}
	}
	return all
}

func byOperation(op cache.Op) string {
	return fmt.Sprintf(`{cache_namespace="n",driver="hooktest",operation="%s"}`, op)
}

// nonzero leaves out samples that are reported as zero before something happens.
func (s samples) nonzero() samples {
	all := maps.Clone(s)
	maps.DeleteFunc(all, func(_ string, v float64) bool { return v == 0 })
	return all
}

func compare(t *testing.T, all samples, name string, want samples) {
	t.Helper()
	if diff := cmp.Diff(want.nonzero(), all.named(name).nonzero()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// open returns a cache with the namespace n, watched by a new hook.
func open(t *testing.T, d *hooktest.Driver) (*cache.Cache, *promhook.Hook) {
	t.Helper()
	hook := promhook.New(promhook.Config{})
	c, err := hook.Watch(hooktest.Open(d)).Namespace("n")
	if err != nil {
		t.Fatal(err)
	}
	return c, hook
}

// The counts are those that were made by hand.
func TestCounts(t *testing.T) {
	c, hook := open(t, &hooktest.Driver{})
	counts := hooktest.Traffic(c, 8, 50)
	all := gather(t, hook)
	compare(t, all, "larder_operation_duration_seconds_count", byOutcome(counts.Calls))
	compare(t, all, "larder_operation_keys_total", byOutcome(counts.Keys))
	compare(t, all, "larder_operation_value_bytes_total", want(counts.Bytes, byOperation))
	batches, keys := samples{}, samples{}
	for _, op := range []cache.Op{cache.OpSetMulti, cache.OpAddMulti, cache.OpGetMulti, cache.OpDeleteMulti} {
		for _, n := range counts.Calls[op] {
			batches[byOperation(op)] += float64(n)
		}
		for _, n := range counts.Keys[op] {
			keys[byOperation(op)] += float64(n)
		}
	}
	compare(t, all, "larder_operation_batch_keys_count", batches)
	compare(t, all, "larder_operation_batch_keys_sum", keys)
	if parts := all.named("larder_part_duration_seconds_count"); len(parts) != 0 {
		t.Errorf("parts %v, want none", parts)
	}
}

// Loads are counted once, whatever they consist of.
func TestLoads(t *testing.T) {
	c, hook := open(t, &hooktest.Driver{})
	counts := hooktest.Loads(c, 8, 50)
	all := gather(t, hook)
	compare(t, all, "larder_operation_duration_seconds_count", byOutcome(counts.Calls))
	compare(t, all, "larder_operation_keys_total", byOutcome(counts.Keys))
	compare(t, all, "larder_operation_value_bytes_total", want(counts.Bytes, byOperation))
	compare(t, all, "larder_load_duration_seconds_count", want(counts.Loads, byOperation))
	times := samples{}
	for op, n := range counts.Loads {
		times[byOperation(op)] = float64(n) * hooktest.LoadTime.Seconds()
	}
	compare(t, all, "larder_load_duration_seconds_sum", times)
	compare(t, all, "larder_part_value_bytes_total", want(counts.PartBytes, func(p hooktest.Part) string {
		return fmt.Sprintf(`{cache_namespace="n",driver="hooktest",operation="%s",within="%s"}`, p.Op, p.Within)
	}))
	compare(t, all, "larder_load_values_total", want(counts.Loaded, byOperation))
	compare(t, all, "larder_load_waits_total", want(counts.Waits, byOperation))
	compare(t, all, "larder_part_duration_seconds_count", want(counts.Parts, func(p hooktest.Part) string {
		return fmt.Sprintf(`{cache_namespace="n",driver="hooktest",operation="%s",outcome="%s",within="%s"}`, p.Op, p.Outcome, p.Within)
	}))
}

// Durations are exact, and a bound belongs to its bucket.
func TestDurations(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &hooktest.Driver{}
		hook := promhook.New(promhook.Config{Buckets: []float64{0.3, 1.001, 2.5, math.Inf(1)}})
		c := hooktest.Open(d).WithHook(hook)
		for _, d.Delay = range []time.Duration{0, 300 * time.Millisecond, 300*time.Millisecond + 1, 1001 * time.Millisecond, 3 * time.Second} {
			c.Get(context.Background(), hooktest.Slow)
		}
		all := gather(t, hook)
		const labels = `cache_namespace="",driver="hooktest",operation="get",outcome="miss"}`
		want := samples{
			`larder_operation_duration_seconds_bucket{le="0.3",` + labels:   2,
			`larder_operation_duration_seconds_bucket{le="1.001",` + labels: 4,
			`larder_operation_duration_seconds_bucket{le="2.5",` + labels:   4,
			`larder_operation_duration_seconds_count{` + labels:             5,
			`larder_operation_duration_seconds_sum{` + labels:               4.601000001,
		}
		maps.DeleteFunc(all, func(k string, _ float64) bool { return !strings.HasPrefix(k, "larder_operation_duration") })
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// A counter of failures is reported as zero before the first one: a rate needs an earlier
// value.
func TestZeros(t *testing.T) {
	c, hook := open(t, &hooktest.Driver{})
	c.Get(t.Context(), "absent")
	c.Set(t.Context(), "k", nil, 0)
	c.Delete(t.Context(), "k")
	c.Flush(t.Context())
	_, end := c.Observe(t.Context(), cache.Call{Op: cache.OpLoad, Keys: 1})
	end(cache.Result{Affected: 1})
	part, end := c.Observe(t.Context(), cache.Call{Op: cache.OpInvalidate})
	c.Get(part, "absent")
	end(cache.Result{})
	c.GetMulti(t.Context(), []string{"absent", hooktest.Down}) // no call is a miss, but a key is
	all := gather(t, hook)
	for k, v := range all {
		if v == 0 && strings.Contains(k, "duration_seconds_count{") && !strings.Contains(k, "load_duration") {
			t.Errorf("%s is reported without a call", k)
		}
	}
	zeros := all.named("larder_operation_keys_total")
	maps.DeleteFunc(zeros, func(_ string, v float64) bool { return v != 0 })
	want := byOutcome(map[cache.Op]map[cache.Outcome]int{
		cache.OpGet:        {cache.OutcomeHit: 0, cache.OutcomeUnavailable: 0},
		cache.OpGetMulti:   {cache.OutcomeHit: 0},
		cache.OpSet:        {cache.OutcomeUnavailable: 0},
		cache.OpDelete:     {cache.OutcomeUnavailable: 0},
		cache.OpLoad:       {cache.OutcomeMiss: 0, cache.OutcomeStale: 0, cache.OutcomeError: 0, cache.OutcomeUnavailable: 0},
		cache.OpInvalidate: {cache.OutcomeOK: 0, cache.OutcomeUnavailable: 0},
	})
	if diff := cmp.Diff(want, zeros); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The number of series does not grow with that of namespaces.
func TestNamespacesAreBounded(t *testing.T) {
	base, hook := open(t, &hooktest.Driver{})
	const many = 3 * promhook.MaxNamespaces
	for i := range many {
		for range 2 {
			c, err := base.Namespace(fmt.Sprint("user", i))
			if err != nil {
				t.Fatal(err)
			}
			c.Get(t.Context(), "absent")
		}
	}
	counts := gather(t, hook).named("larder_operation_duration_seconds_count")
	const own = promhook.MaxNamespaces
	const other = `{cache_namespace="other",driver="hooktest",operation="get",outcome="miss"}`
	sum := 0.0
	for _, n := range counts {
		sum += n
	}
	if len(counts) != own+1 || counts[other] != 2*(many-own) || sum != 2*many {
		t.Errorf("%d series, %v in other, %v in all; want %d, %d and %d", len(counts), counts[other], sum, own+1, 2*(many-own), 2*many)
	}
}

// A namespace that cannot be a label is counted like one too many.
func TestInvalidNamespace(t *testing.T) {
	base, hook := open(t, &hooktest.Driver{})
	c, err := base.Namespace("\xff")
	if err != nil {
		t.Fatal(err)
	}
	c.Get(t.Context(), "absent")
	want := samples{`{cache_namespace="other",driver="hooktest",operation="get",outcome="miss"}`: 1}
	compare(t, gather(t, hook), "larder_operation_duration_seconds_count", want)
}

func TestNewPanics(t *testing.T) {
	for _, buckets := range [][]float64{
		{1, 1}, {2, 1}, {0}, {-1, 1}, {math.NaN()}, {1, math.NaN()}, {math.Inf(1), math.Inf(1)}, {1e300}, {1e-10}, {1, 1 + 1e-10},
	} {
		func() {
			defer func() {
				if p := fmt.Sprint(recover()); !strings.Contains(p, "promhook: bucket ") {
					t.Errorf("New with the buckets %v: %v, want a panic that names the bucket", buckets, p)
				}
			}()
			promhook.New(promhook.Config{Buckets: buckets})
		}()
	}
}

// The documentation of the package lists all metrics with their labels, and no others.
func TestDocumentation(t *testing.T) {
	documented := map[string]string{}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(doc)) {
		name, rest, ok := strings.Cut(strings.TrimPrefix(line, "//\t"), " ")
		_, by, _ := strings.Cut(rest, " by ")
		if !ok || !strings.HasPrefix(line, "//\tlarder_") {
			continue
		}
		if i := strings.IndexAny(by, "(;\n"); i >= 0 {
			by = by[:i]
		}
		documented[name] = "{" + strings.ReplaceAll(strings.TrimSpace(by), ", ", ",") + "}"
	}
	hook := promhook.New(promhook.Config{})
	described := map[string]string{}
	descs := make(chan *prometheus.Desc, 100)
	hook.Describe(descs)
	close(descs)
	for d := range descs {
		// Desc{fqName: "name", help: "…", constLabels: {}, variableLabels: {a,b}}
		text := d.String()
		_, name, _ := strings.Cut(text, `fqName: "`)
		name, _, _ = strings.Cut(name, `"`)
		_, labels, _ := strings.Cut(text, "variableLabels: ")
		described[name] = strings.TrimSuffix(labels, "}")
	}
	if diff := cmp.Diff(described, documented); diff != "" {
		t.Errorf("documented (-described +documented):\n%s", diff)
	}
}

// Two hooks in one registry are a mistake that is reported.
func TestRegisteredOnce(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(promhook.New(promhook.Config{}))
	var already prometheus.AlreadyRegisteredError
	if err := registry.Register(promhook.New(promhook.Config{})); !errors.As(err, &already) {
		t.Errorf("error %v, want that a hook is already registered", err)
	}
}
