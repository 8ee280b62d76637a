package production_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/memory"
)

// The hit ratios in the table on capacity: 20,000 keys by a zipf distribution.
func TestHitRatioOfSize(t *testing.T) {
	const keys, gets = 20_000, 30_000
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprintf("page:%d", i)
	}
	for _, tt := range []struct{ share, want float64 }{{0.01, 0.56}, {0.10, 0.77}, {0.30, 0.86}} {
		c := made(t)(memory.New(memory.Config{MaxEntries: int64(tt.share * keys)}))
		draw := rand.NewZipf(rand.New(rand.NewSource(1)), 1.01, 1, keys-1)
		hits := 0
		for i := range 2 * gets {
			key := names[draw.Uint64()]
			_, err := c.Get(t.Context(), key)
			switch {
			case err == nil:
				if i >= gets {
					hits++
				}
			case errors.Is(err, cache.ErrMiss):
				err = c.Set(t.Context(), key, []byte("value"), 0)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		got := float64(hits) / gets
		t.Logf("%.0f %% of the keys: hit ratio %.2f", 100*tt.share, got)
		if math.Abs(got-tt.want) > 0.05 {
			t.Errorf("%.0f %% of the keys: hit ratio %.2f, want %.2f", 100*tt.share, got, tt.want)
		}
	}
}
