package memory

import (
	"fmt"
	"strconv"
	"testing"
	"time"
)

// The short way in Get against search alone, on keys that lie anywhere.
func BenchmarkGet(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		s := newDriver(Config{})
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("user:%016x", uint64(i)*0x9e3779b97f4a7c15)
			s.mustSet(b, keys[i], string(make([]byte, 128)), time.Hour)
			s.Has(keys[i])
		}
		next := func(i int) string { return keys[i*7919%n] }
		b.Run(fmt.Sprintf("n=%d/Get", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				_, _ = s.Get(ctx, next(i))
			}
		})
		b.Run(fmt.Sprintf("n=%d/search", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				k := next(i)
				r := s.search(s.hash(k), k)
				s.counters.note(r != nil)
			}
		})
	}
}

func BenchmarkDigits(b *testing.B) {
	var buf [maxDigits]byte
	for _, n := range []uint64{12345, 1<<64 - 1} {
		b.Run(fmt.Sprintf("n=%d/own", n), func(b *testing.B) {
			for b.Loop() {
				formatDigits(&buf, n)
			}
		})
		b.Run(fmt.Sprintf("n=%d/strconv", n), func(b *testing.B) {
			for b.Loop() {
				strconv.AppendUint(buf[:0], n, 10)
			}
		})
	}
}
