package production_test

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	"github.com/larder-go/larder/hooks/sloghook"
	"github.com/larder-go/larder/memory"
	"github.com/prometheus/client_golang/prometheus"
)

// watch returns a view of c whose operations are counted for Prometheus, and those that
// fail or are slow are logged.
func watch(c *cache.Cache) *cache.Cache {
	hook := promhook.New(promhook.Config{})
	prometheus.MustRegister(hook)
	return hook.Watch(c).WithHook(sloghook.New(sloghook.Config{Slow: 100 * time.Millisecond}))
}

func TestWatch(t *testing.T) {
	c := watch(made(t)(memory.New(memory.Config{})))
	if err := c.Set(t.Context(), "page:7", nil, 0); err != nil {
		t.Fatal(err)
	}
	families, err := prometheus.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	for _, name := range []string{"larder_operation_keys_total", "larder_stored_entries"} {
		if !slices.Contains(names, name) {
			t.Errorf("no metric %s", name)
		}
	}
}

// The page names every alert of promhook and no other.
func TestAlerts(t *testing.T) {
	names := func(file, pattern string) []string {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var found []string
		for _, m := range regexp.MustCompile(pattern).FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1])
		}
		slices.Sort(found)
		return slices.Compact(found)
	}
	page := names("../../production.md", "`(Larder[A-Za-z]+)`")
	rules := names("../../../hooks/promhook/alerts.yml", "alert: (Larder[A-Za-z]+)")
	if !slices.Equal(page, rules) {
		t.Errorf("the page names\n%v, alerts.yml\n%v", page, rules)
	}
}
