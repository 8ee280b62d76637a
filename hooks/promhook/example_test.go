package promhook_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/hooks/promhook"
	_ "github.com/larder-go/larder/memory"
)

func Example() {
	ctx := context.Background()
	c, err := cache.Open("memory://")
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close()

	hook := promhook.New(promhook.Config{})
	prometheus.MustRegister(hook)
	c = hook.Watch(c) // pass this one on to the program

	if err := c.Set(ctx, "user:1", []byte("Ada"), 0); err != nil {
		log.Fatal(err)
	}
	if _, err := c.GetMulti(ctx, []string{"user:1", "user:2"}); err != nil {
		log.Fatal(err)
	}

	// Prometheus reads this from /metrics:
	w := httptest.NewRecorder()
	promhttp.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for line := range strings.Lines(w.Body.String()) {
		if strings.HasPrefix(line, "larder_operation_keys_total") && !strings.HasSuffix(line, " 0\n") {
			fmt.Print(line)
		}
	}
	// Output:
	// larder_operation_keys_total{cache_namespace="",driver="memory",operation="get_multi",outcome="hit"} 1
	// larder_operation_keys_total{cache_namespace="",driver="memory",operation="get_multi",outcome="miss"} 1
	// larder_operation_keys_total{cache_namespace="",driver="memory",operation="set",outcome="stored"} 1
}
