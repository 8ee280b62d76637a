package promhook

import (
	"runtime"
	"sync/atomic"
	"unsafe"

	"github.com/prometheus/client_golang/prometheus"
)

// nanoseconds is the number of nanoseconds in a second.
const nanoseconds = 1e9

// A histogram counts whole numbers by size. Its counters are in stripes, so that
// processors do not wait for each other. With two further counters, an observation takes
// 0.6 of the time of a prometheus.Histogram and two prometheus.Counters, and 0.06 where two
// processors observe at once: go test -bench Observe.
type histogram struct {
	bounds   []int64 // upper bounds, inclusive
	stride   int     // from one stripe to the next
	counters []atomic.Uint64
}

// A stripe holds the counters of some goroutines: one for each bucket, of which there is one
// more than bounds; the sum; and further counters, which are not part of the histogram.
type stripe []atomic.Uint64

// stripeBits is the logarithm of the number of stripes.
var stripeBits = func() int {
	bits := 0
	for 1<<bits < 4*runtime.GOMAXPROCS(0) && bits < 5 {
		bits++
	}
	return bits
}()

// newHistogram returns a histogram with a number of further counters.
func newHistogram(bounds []int64, further int) *histogram {
	const line = 16 // counters in two cache lines, as processors fetch them
	used := len(bounds) + 2 + further
	stride := (used + line - 1) / line * line
	return &histogram{bounds: bounds, stride: stride, counters: make([]atomic.Uint64, stride<<stripeBits)}
}

// observe counts v, and returns the stripe that it used.
func (h *histogram) observe(v int64) stripe {
	s := h.stripe()
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	s[i].Add(1)
	s[len(h.bounds)+1].Add(uint64(v))
	return s
}

// further returns the further counter with number i.
func (h *histogram) further(s stripe, i int) *atomic.Uint64 { return &s[len(h.bounds)+2+i] }

// stripe returns the stripe of the goroutine. It chooses by the address of the stack, as
// the counters of package memory do, in a multiplicative hash (Knuth, The Art of Computer
// Programming 3, 6.4).
func (h *histogram) stripe() stripe {
	var here byte
	at := uint64(uintptr(unsafe.Pointer(&here)))
	i := int((at >> 11) * 0x9e37_79b9_7f4a_7c15 >> (64 - stripeBits))
	return h.counters[i*h.stride : (i+1)*h.stride]
}

// total returns the sum of the counters with index i of all stripes.
func (h *histogram) total(i int) uint64 {
	var n uint64
	for ; i < len(h.counters); i += h.stride {
		n += h.counters[i].Load()
	}
	return n
}

// totalFurther is total for the further counters.
func (h *histogram) totalFurther(i int) uint64 { return h.total(len(h.bounds) + 2 + i) }

// metric returns the histogram, with values divided by unit.
func (h *histogram) metric(desc *prometheus.Desc, unit float64, labels ...string) (m prometheus.Metric, count uint64) {
	sum := float64(h.total(len(h.bounds)+1)) / unit
	cumulative := make(map[float64]uint64, len(h.bounds))
	for i, bound := range h.bounds {
		count += h.total(i)
		cumulative[float64(bound)/unit] = count
	}
	count += h.total(len(h.bounds))
	return prometheus.MustNewConstHistogram(desc, count, sum, cumulative, labels...), count
}
