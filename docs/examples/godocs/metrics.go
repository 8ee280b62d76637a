package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/larder-go/larder/hooks/promhook"
)

// metrics serves what a hook counts, for Prometheus.
type metrics struct {
	hook     *promhook.Hook
	registry *prometheus.Registry
	url      string
	server   *http.Server
	served   chan error // why server ended
}

// serveMetrics serves metrics at /metrics of address.
func serveMetrics(address string, out io.Writer) (*metrics, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("-metrics: %w", err)
	}
	m := &metrics{
		hook:     promhook.New(promhook.Config{}),
		registry: prometheus.NewRegistry(),
		url:      fmt.Sprintf("http://%s/metrics", browsable(listener.Addr())),
		served:   make(chan error, 1),
	}
	m.registry.MustRegister(m.hook)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	go func() { m.served <- m.server.Serve(listener) }()
	fmt.Fprintf(out, "metrics at %s\n", m.url)
	return m, nil
}

// close stops the server.
func (m *metrics) close() error {
	err := m.server.Close()
	if ended := <-m.served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("-metrics: %w", err)
	}
	return nil
}

// metricsData is the part of the page of statistics that shows metrics.
type metricsData struct {
	URL        string
	Operations []operationData
	Trouble    string // why the metrics could not be read
}

// operationData is the operations that ended with the same outcome.
type operationData struct {
	Name, Outcome string
	Count         uint64
	Mean          time.Duration
}

// read returns nil if m is nil.
func (m *metrics) read() *metricsData {
	if m == nil {
		return nil
	}
	data := &metricsData{URL: m.url}
	families, err := m.registry.Gather()
	if err != nil {
		data.Trouble = err.Error()
		return data
	}
	for _, f := range families {
		if f.GetName() != "larder_operation_duration_seconds" {
			continue
		}
		for _, series := range f.Metric {
			h := series.Histogram
			op := operationData{
				Count: h.GetSampleCount(),
				Mean:  time.Duration(h.GetSampleSum() / float64(h.GetSampleCount()) * 1e9), // a series has a sample
			}
			for _, label := range series.Label {
				switch label.GetName() {
				case "operation":
					op.Name = label.GetValue()
				case "outcome":
					op.Outcome = label.GetValue()
				}
			}
			data.Operations = append(data.Operations, op)
		}
	}
	return data
}
