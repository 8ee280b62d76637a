package gomemcache_test

import (
	"bytes"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/gomemcache"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// memcached 1.6.18 takes a number of 2^63 and more for a negative one if there is a minus
// sign in the memory behind it, such as the rest of a value that was there before.
func TestLargeCountersBesideMinusSigns(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	number := c.WithKind(cache.Number)
	set := func(ttl time.Duration) {
		t.Helper()
		if err := c.Set(ctx, "n", bytes.Repeat([]byte("-"), 36), 0); err != nil {
			t.Fatal(err)
		}
		if err := c.Delete(ctx, "n"); err != nil {
			t.Fatal(err)
		}
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
				t.Errorf("%d, %v; want %d", n, err, tt.want)
			}
			memcachedtest.Eventually(t, "TTL and flags stay, but for a second that begins", func() bool {
				set(ttl)
				before := s.Command("mg n t f", "HD")[0]
				if _, err := tt.count(); err != nil {
					t.Fatal(err)
				}
				return s.Command("mg n t f", "HD")[0] == before
			})
		}
	}
	for _, v := range []string{"-1", "-18446744073709551615", "x", "18446744073709551616", "+18446744073709551615", "18446744073709551615 "} {
		if err := c.Set(ctx, "n", []byte(v), 0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Increment(ctx, "n", 1); err != cache.ErrNotNumber {
			t.Errorf("%q counts: %d, %v", v, n, err)
		}
	}
}

// No count is lost or refused where some are done by the server and some by compare and
// swap, over the end of the numbers.
func TestLargeCountersTogether(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, gomemcache.Config{Servers: []string{s.Addr()}})
	ctx := t.Context()
	for range 20 {
		var keys []string
		for i := range 50 {
			k := keyNumber(i)
			keys = append(keys, k)
			// Items of 96 bytes in all, as the counter is.
			if err := c.Set(ctx, k, bytes.Repeat([]byte("-"), 37-len(k)), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.DeleteMulti(ctx, keys); err != nil {
			t.Fatal(err)
		}
		if err := c.Set(ctx, "n", []byte("18446744073709551600"), 0); err != nil {
			t.Fatal(err)
		}
		const workers, each = 8, 5
		var wg sync.WaitGroup
		for range workers {
			wg.Go(func() {
				for range each {
					if _, err := c.Increment(ctx, "n", 1); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		const want = workers*each - 16
		if n, err := c.Increment(ctx, "n", 0); err != nil || n != want {
			t.Fatalf("the counter is %d, %v; want %d", n, err, want)
		}
	}
}
