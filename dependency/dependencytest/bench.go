package dependencytest

import (
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

// Bench measures wiring and deleting 10, 1,000 and 10,000 keys on c. Keys begin with
// "bench". The delete benchmarks set and wire the items first, outside of the measurement.
func Bench(b *testing.B, c *cache.Cache) {
	d, err := dependency.New(c, ttl)
	if err != nil {
		b.Fatal(err)
	}
	master := fmt.Sprintf("bench-%d:", time.Now().UnixNano())
	b.Run("add/n=1", func(b *testing.B) {
		for b.Loop() {
			if err := d.Add(b.Context(), master, "bench-key"); err != nil {
				b.Fatal(err)
			}
		}
		must(b, d.Delete(b.Context(), master))
	})
	for _, n := range []int{10, 1_000, 10_000} {
		keys := make([]string, n)
		values := make(map[string][]byte, n)
		for i := range keys {
			keys[i] = fmt.Sprintf("bench-key-%d", i)
			values[keys[i]] = make([]byte, 128)
		}
		b.Run(fmt.Sprintf("add/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				must(b, d.AddMulti(b.Context(), master, keys))
				b.StopTimer()
				must(b, d.Delete(b.Context(), master))
				b.StartTimer()
			}
		})
		b.Run(fmt.Sprintf("delete/n=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				must(b, c.SetMulti(b.Context(), values, ttl))
				must(b, d.AddMulti(b.Context(), master, keys))
				b.StartTimer()
				must(b, d.Delete(b.Context(), master))
			}
		})
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
