package promhook

import (
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// No observation is lost, whatever stripe it went to.
func TestHistogram(t *testing.T) {
	h := newHistogram([]int64{10, 20}, 2)
	const goroutines, each = 64, 1000
	var wg sync.WaitGroup
	for range goroutines {
		wg.Go(func() {
			for i := range each {
				s := h.observe(int64(i % 30))
				h.further(s, 0).Add(1)
				h.further(s, 1).Add(2)
			}
		})
	}
	wg.Wait()
	var m dto.Metric
	metric, count := h.metric(prometheus.NewDesc("h", "", nil, nil), 2)
	if err := metric.Write(&m); err != nil {
		t.Fatal(err)
	}
	const n = goroutines * each
	sum, low, middle := 0, 0, 0
	for i := range each {
		sum += i % 30
		if i%30 <= 10 {
			low++
		}
		if i%30 <= 20 {
			middle++
		}
	}
	b := m.Histogram.Bucket
	if count != n || *m.Histogram.SampleCount != n || *m.Histogram.SampleSum != float64(sum*goroutines)/2 ||
		len(b) != 2 || *b[0].UpperBound != 5 || *b[0].CumulativeCount != uint64(low*goroutines) || *b[1].CumulativeCount != uint64(middle*goroutines) {
		t.Errorf("count %d, metric %v, want %d with %d and %d in the buckets and the sum %d", count, &m, n, low*goroutines, middle*goroutines, sum*goroutines/2)
	}
	if a, b := h.totalFurther(0), h.totalFurther(1); a != n || b != 2*n {
		t.Errorf("further counters %d and %d, want %d and %d", a, b, n, 2*n)
	}
}

// BenchmarkObserve compares the histogram and two counters with those of the client
// library.
func BenchmarkObserve(b *testing.B) {
	ours := newHistogram(New(Config{}).operations.durations, 2)
	theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Buckets: DefaultBuckets})
	keys, bytes := prometheus.NewCounter(prometheus.CounterOpts{}), prometheus.NewCounter(prometheus.CounterOpts{})
	for _, bench := range []struct {
		name    string
		observe func()
	}{
		{"ours", func() {
			s := ours.observe(2000)
			ours.further(s, 0).Add(1)
			ours.further(s, 1).Add(100)
		}},
		{"theirs", func() {
			theirs.Observe(2e-6)
			keys.Inc()
			bytes.Add(100)
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				bench.observe()
			}
		})
		b.Run("parallel/"+bench.name, func(b *testing.B) {
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					bench.observe()
				}
			})
		})
	}
}
