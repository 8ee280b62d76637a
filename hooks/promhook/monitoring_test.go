package promhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/internal/dev/hooktest"
	"github.com/larder-go/larder/memory"
)

// promtool runs promtool of the package prometheus of Debian.
func promtool(t *testing.T, input []byte, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", args...)
	cmd.Stdin = bytes.NewReader(input)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %s: %v (make test-deps installs it)\n%s", strings.Join(args, " "), err, out)
	}
}

// busy returns a hook that has every metric.
func busy(t *testing.T) *promhook.Hook {
	t.Helper()
	c, hook := open(t, &hooktest.Driver{Statistics: pools()})
	hooktest.Traffic(c, 1, 1)
	hooktest.Loads(c, 1, 1)
	m, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	hook.Watch(m)
	return hook
}

// exposition returns what Prometheus scrapes.
func exposition(t *testing.T, hook *promhook.Hook) []byte {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(hook)
	w := httptest.NewRecorder()
	promhttp.HandlerFor(registry, promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w.Body.Bytes()
}

// The metrics keep Prometheus's conventions.
func TestPromtoolCheckMetrics(t *testing.T) {
	promtool(t, exposition(t, busy(t)), "check", "metrics")
}

// Every alert fires where it should, and says what to do.
func TestPromtoolRules(t *testing.T) {
	promtool(t, nil, "check", "rules", "alerts.yml")
	promtool(t, nil, "test", "rules", "testdata/alerts_test.yml")
	rules, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile("testdata/alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	alerts := strings.Split(string(rules), "      - alert: ")[1:]
	if len(alerts) == 0 {
		t.Fatal("there are no alerts")
	}
	for _, alert := range alerts {
		name, _, _ := strings.Cut(alert, "\n")
		if !regexp.MustCompile(`(?m)^          action: '.*\.'$`).MatchString(alert) {
			t.Errorf("%s has no action that is a sentence", name)
		}
		if !regexp.MustCompile(`alertname: ` + name + `\n +exp_alerts:`).Match(tests) {
			t.Errorf("%s fires in no test", name)
		}
		if !regexp.MustCompile(`alertname: ` + name + `}`).Match(tests) {
			t.Errorf("%s is silent in no test", name)
		}
	}
}

// Every query of the dashboard and of the rules is valid, and names metrics and labels
// that exist.
func TestQueries(t *testing.T) {
	known := map[string][]string{} // labels by name
	families, err := registered(t, busy(t)).Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, name := range []string{f.GetName(), f.GetName() + "_bucket", f.GetName() + "_sum", f.GetName() + "_count"} {
			known[name] = []string{"job", "le"}
			for _, m := range f.Metric {
				for _, l := range m.Label {
					known[name] = append(known[name], l.GetName())
				}
			}
		}
		if f.GetType().String() == "HISTOGRAM" {
			delete(known, f.GetName())
		} else {
			for _, suffix := range []string{"_bucket", "_sum", "_count"} {
				delete(known, f.GetName()+suffix)
			}
		}
	}
	rules, err := os.ReadFile("alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`record: (\S+)`).FindAllStringSubmatch(string(rules), -1) {
		known[m[1]] = []string{"job", "driver", "cache_namespace"}
	}
	queries := dashboardQueries(t)
	if len(queries) < 20 {
		t.Fatalf("the dashboard has %d queries, want those of all panels", len(queries))
	}
	seen := map[string]bool{}
	var file strings.Builder
	file.WriteString("groups:\n- name: dashboard\n  rules:\n")
	for i, query := range queries {
		names := checkQuery(t, query, known)
		for _, n := range names {
			seen[n] = true
		}
		fmt.Fprintf(&file, "  - record: query:%d\n    expr: %q\n", i, query)
	}
	path := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(path, []byte(file.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	promtool(t, nil, "check", "rules", path)
	end := regexp.MustCompile(`\n\n|\n +(?:- |#|for:|labels:)`)
	for _, rest := range strings.Split(string(rules), " expr: ")[1:] {
		checkQuery(t, end.Split(rest, 2)[0], known)
	}
	for _, f := range families {
		if !seen[f.GetName()] && !seen[f.GetName()+"_bucket"] {
			t.Errorf("no panel of the dashboard shows %s", f.GetName())
		}
	}
}

func registered(t *testing.T, hook *promhook.Hook) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewRegistry()
	if err := r.Register(hook); err != nil {
		t.Fatal(err)
	}
	return r
}

// dashboardQueries returns the queries of the panels, with the variables of Grafana
// replaced by values.
func dashboardQueries(t *testing.T) []string {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title, Type string
			Targets     []struct{ Expr string }
		}
		Templating struct {
			List []struct {
				Name  string
				Query any
			}
		}
	}
	data, err := os.ReadFile("dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &dashboard); err != nil {
		t.Fatal(err)
	}
	variables := []string{"$__rate_interval", "5m"}
	var queries []string
	for _, v := range dashboard.Templating.List {
		variables = append(variables, "$"+v.Name, ".*")
		if q, ok := v.Query.(map[string]any); ok {
			// label_values(selector, label)
			selector, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(q["query"].(string), "label_values("), ")"), ", ")
			queries = append(queries, "sum by ("+label+") ("+selector+")")
		}
	}
	for _, p := range dashboard.Panels {
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("the panel %q has no query", p.Title)
		}
		for _, target := range p.Targets {
			queries = append(queries, target.Expr)
		}
	}
	for i, q := range queries {
		queries[i] = strings.NewReplacer(variables...).Replace(q)
		if strings.Contains(queries[i], "$") {
			t.Errorf("the query has an unknown variable: %s", q)
		}
	}
	return queries
}

var (
	metricName = regexp.MustCompile(`larder[_:][a-z_:0-9]*`)
	nameRegexp = regexp.MustCompile(`__name__=~"(larder_[^"]*)"`)
	labelLists = regexp.MustCompile(`by ?\(([^)]*)\)`)
	matcher    = regexp.MustCompile(`([a-z_]+)(?:=~|!~|!=|=)"`)
)

// checkQuery checks that the metrics and labels in query are known, and returns the
// names of the metrics.
func checkQuery(t *testing.T, query string, known map[string][]string) []string {
	t.Helper()
	var names []string
	rest := query
	for _, m := range nameRegexp.FindAllStringSubmatch(query, -1) {
		pattern := regexp.MustCompile("^(?:" + m[1] + ")$")
		n := len(names)
		for name := range known {
			if pattern.MatchString(name) {
				names = append(names, name)
			}
		}
		if len(names) == n {
			t.Errorf("no metric matches %s in %s", m[1], query)
		}
		rest = strings.ReplaceAll(rest, m[0], "")
	}
	names = append(names, metricName.FindAllString(rest, -1)...)
	if len(names) == 0 {
		t.Errorf("no metric of larder in %s", query)
	}
	var labels []string
	for _, name := range names {
		if known[name] == nil {
			t.Errorf("there is no metric %s, in %s", name, query)
		}
		labels = append(labels, known[name]...)
	}
	var used []string
	for _, m := range labelLists.FindAllStringSubmatch(query, -1) {
		used = append(used, strings.Split(m[1], ", ")...)
	}
	for _, m := range matcher.FindAllStringSubmatch(rest, -1) {
		used = append(used, m[1])
	}
	for _, label := range used {
		if !slices.Contains(labels, label) {
			t.Errorf("no metric has the label %q, in %s", label, query)
		}
	}
	return names
}
