package recipes_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// jitter shortens ttl by up to a tenth, so that items that were stored together do not
// expire together.
func jitter(ttl time.Duration) time.Duration {
	return ttl - rand.N(ttl/10+1)
}

// keep stores an item for about an hour.
func keep(ctx context.Context, c *cache.Cache, key string, value []byte) error {
	return c.Set(ctx, key, value, jitter(time.Hour))
}

func Example_jitter() {
	c := open()
	defer c.Close()
	ctx := context.Background()
	check(keep(ctx, c, "page:7", []byte("<h1>7</h1>")))
	item, err := c.GetItem(ctx, "page:7")
	check(err)
	ttl, known := item.TTL()
	fmt.Println(known, ttl > 53*time.Minute, ttl <= time.Hour)
	// Output: true true true
}

func TestJitter(t *testing.T) {
	least, most := time.Hour, time.Duration(0)
	for range 1000 {
		ttl := jitter(time.Hour)
		least, most = min(least, ttl), max(most, ttl)
	}
	if least < 54*time.Minute || most > time.Hour || most-least < 5*time.Minute {
		t.Errorf("jitter gave %v to %v", least, most)
	}
	if got := jitter(0); got != 0 {
		t.Errorf("jitter(0) = %v; 0 means no expiry and must stay", got)
	}
}

// The hit ratios in the table of TTLs: a key that is asked for at random, n times in its
// TTL on average, is found n/(n+1) of the times.
func TestHitRatioOfTTL(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []float64{1, 9, 99} {
		inBubble(t, func(t *testing.T, c *cache.Cache) {
			const asked = 4000
			hits, ttl := 0, time.Minute
			for range asked {
				time.Sleep(time.Duration(random.ExpFloat64() / n * float64(ttl)))
				_, err := c.Get(t.Context(), "key")
				switch {
				case err == nil:
					hits++
				case errors.Is(err, cache.ErrMiss):
					err = c.Set(t.Context(), "key", []byte("value"), ttl)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			got, want := float64(hits)/asked, n/(n+1)
			if math.Abs(got-want) > 0.03 {
				t.Errorf("%v requests in a TTL: hit ratio %.3f, want %.3f", n, got, want)
			}
		})
	}
}
