//go:build unix

package memcachedtest

import (
	"bytes"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
)

// LargeCounters tests counters of 2^63 and more. To memcached 1.6.18 such a number is a negative
// one if there is a minus sign in the memory behind it, such as the rest of a value that was
// there before.
func LargeCounters(t *testing.T, open func(t *testing.T, server string) *cache.Cache) {
	t.Run("beside minus signs", func(t *testing.T) {
		s := Start(t, "unix")
		countBesideMinusSigns(t, s, open(t, s.Addr()))
	})
	t.Run("together", func(t *testing.T) { countTogether(t, open(t, Start(t, "unix").Addr())) })
}

// leaveMinusSigns leaves minus signs in the memory that counters with short keys get next: items
// of 96 bytes, the smallest that the server has.
func leaveMinusSigns(t *testing.T, c *cache.Cache, keys ...string) {
	t.Helper()
	for _, k := range keys {
		if err := c.Set(t.Context(), k, bytes.Repeat([]byte("-"), 37-len(k)), 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.DeleteMulti(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
}

func countBesideMinusSigns(t *testing.T, s *Server, c *cache.Cache) {
	ctx := t.Context()
	number := c.WithKind(cache.Number)
	set := func(ttl time.Duration) {
		t.Helper()
		leaveMinusSigns(t, c, "n")
		if err := number.Set(ctx, "n", []byte("18446744073709551615"), ttl); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		count func() (uint64, error)
		want  uint64
	}{
		{func() (uint64, error) { return c.Increment(ctx, "n", 5) }, 4},
		{func() (uint64, error) { return c.Increment(ctx, "n", 0) }, math.MaxUint64},
		{func() (uint64, error) { return c.Decrement(ctx, "n", 5) }, math.MaxUint64 - 5},
		{func() (uint64, error) { return c.Decrement(ctx, "n", math.MaxUint64) }, 0},
	} {
		for _, ttl := range []time.Duration{0, time.Hour, 40 * 24 * time.Hour} {
			set(ttl)
			if n, err := tt.count(); err != nil || n != tt.want {
				t.Errorf("the count is %d, error %v; want %d", n, err, tt.want)
			}
			Eventually(t, "TTL and flags stay, but for a second that begins", func() bool {
				set(ttl)
				before := s.Command("mg n t f", "HD")[0]
				if _, err := tt.count(); err != nil {
					t.Fatal(err)
				}
				return s.Command("mg n t f", "HD")[0] == before
			})
		}
	}
	for _, v := range []string{"", " ", "-1", "-18446744073709551615", "x", "18446744073709551616", "+18446744073709551615", "18446744073709551615 "} {
		if err := c.Set(ctx, "n", []byte(v), 0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Increment(ctx, "n", 1); err != cache.ErrNotNumber {
			t.Errorf("%q counts: %d, %v", v, n, err)
		}
	}
}

// countTogether tests that no count is lost or refused where some are done by the server and some
// by compare-and-swap, over the end of the numbers.
func countTogether(t *testing.T, c *cache.Cache) {
	var keys []string
	for i := range 50 {
		keys = append(keys, fmt.Sprint("key:", i))
	}
	for range 20 {
		leaveMinusSigns(t, c, keys...)
		if err := c.Set(t.Context(), "n", []byte("18446744073709551600"), 0); err != nil {
			t.Fatal(err)
		}
		const workers, each = 8, 5
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if _, err := c.Increment(t.Context(), "n", 1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		const want = workers*each - 16
		if n, err := c.Increment(t.Context(), "n", 0); err != nil || n != want {
			t.Fatalf("the counter is %d, %v; want %d", n, err, want)
		}
	}
}
