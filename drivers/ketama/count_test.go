package ketama_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// dash leaves minus signs in the memory that counters with short keys get next: items
// of 96 bytes, the smallest that the server has.
func dash(t *testing.T, c *cache.Cache, keys ...string) {
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

// TestLargeCountersBesideMinusSigns: memcached 1.6.18 takes a number of 2^63 and more
// for a negative one if there is a minus sign in the memory behind it, such as the rest
// of a value that was there before.
func TestLargeCountersBesideMinusSigns(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient})
	ctx := t.Context()
	number := c.WithKind(cache.Number)
	set := func(ttl time.Duration) {
		t.Helper()
		dash(t, c, "n")
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
	for _, v := range []string{"", " ", "-1", "-18446744073709551615", "x", "18446744073709551616", "+18446744073709551615", "18446744073709551615 "} {
		if err := c.Set(ctx, "n", []byte(v), 0); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Increment(ctx, "n", 1); err != cache.ErrNotNumber {
			t.Errorf("%q counts: %d, %v", v, n, err)
		}
	}
}

// TestLargeCountersTogether: no count is lost or refused where some are done by the
// server and some by compare-and-swap, over the end of the numbers.
func TestLargeCountersTogether(t *testing.T) {
	s := memcachedtest.Start(t, "unix")
	c := open(t, ketama.Config{Servers: []string{s.Addr()}, Timeout: patient, PoolSize: 8})
	for range 20 {
		dash(t, c, keys(50)...)
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

// The steps of a fake server that rejects a count of a large number as not numeric.
var (
	refused  = memcachedtest.Step{Expect: request(increment, 0, five+zero+never, "k", ""), Reply: message(replyMagic, increment, 6, 0, 0, "", "", "Non-numeric server-side value for incr or decr")}
	readsMax = memcachedtest.Step{Expect: request(get, 0, "", "k", ""), Reply: reply(get, ok, textFlags, "k", "18446744073709551615")}
	query    = "mg k t\r\n"
)

// swapped is the compare-and-swap that follows the read.
func swapped(status uint16) memcachedtest.Step {
	return memcachedtest.Step{
		Expect: message(requestMagic, set, 0, 1, 77, textFlags+minute, "k", "4"),
		Reply:  message(replyMagic, set, status, 1, 0, "", "", ""),
	}
}

// TestLargeCounterFailures: the connection of the library comes first, then that of
// the driver, then one for the TTL.
func TestLargeCounterFailures(t *testing.T) {
	small := readsMax
	small.Reply = reply(get, ok, textFlags, "k", "7")
	gone := readsMax
	gone.Reply = reply(get, miss, "", "", "")
	noCAS := readsMax
	noCAS.Reply = message(replyMagic, get, ok, 0, 0, textFlags, "k", "18446744073709551615")
	counts := refused
	counts.Reply = reply(increment, ok, "", "", one)
	for name, tt := range map[string]struct {
		library, own []memcachedtest.Step
		ttl          memcachedtest.Step
		want         uint64
		err          error
	}{
		"counted":          {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax, swapped(ok)}, ttl: memcachedtest.Step{Expect: query, Reply: "HD t60\r\n"}, want: 4},
		"gone before":      {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{gone}, err: cache.ErrMiss},
		"gone after":       {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax, swapped(miss)}, ttl: memcachedtest.Step{Expect: query, Reply: "HD t60\r\n"}, err: cache.ErrMiss},
		"small meanwhile":  {library: []memcachedtest.Step{refused, counts}, own: []memcachedtest.Step{small}, want: 1},
		"changed":          {library: []memcachedtest.Step{refused, counts}, own: []memcachedtest.Step{readsMax, swapped(exists)}, ttl: memcachedtest.Step{Expect: query, Reply: "HD t60\r\n"}, want: 1},
		"no CAS ids":       {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{noCAS}, err: errors.ErrUnsupported},
		"no meta commands": {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax}, ttl: memcachedtest.Step{Expect: query, Reply: "ERROR\r\n"}, err: cache.ErrUnavailable},
		"no answer":        {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax}, ttl: memcachedtest.Step{Expect: query, Reply: "HD t6", Close: true}, err: cache.ErrUnavailable},
		"no end":           {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax}, ttl: memcachedtest.Step{Expect: query, Reply: string(bytes.Repeat([]byte("HD t60 "), 1000))}, err: cache.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake(t, tt.library, tt.own, []memcachedtest.Step{tt.ttl})
			c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
			n, err := c.Increment(t.Context(), "k", 5)
			if n != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("%d, %v; want %d, %v", n, err, tt.want, tt.err)
			}
			if tt.err != nil && tt.err != cache.ErrMiss {
				isNamed(t, err, cache.OpIncrement, f.Addr())
			}
		})
	}
}

// TestLargeCounterEndsWithTheContext: the request for the TTL has no reply.
func TestLargeCounterEndsWithTheContext(t *testing.T) {
	f := fake(t, []memcachedtest.Step{refused}, []memcachedtest.Step{readsMax}, nil)
	c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := c.Increment(ctx, "k", 5)
		done <- err
	}()
	memcachedtest.Eventually(t, "the TTL is asked for", func() bool { return f.Accepted() == 3 })
	cancel()
	err := <-done
	if !errors.Is(err, context.Canceled) {
		t.Errorf("canceled during: %v", err)
	}
	isNamed(t, err, cache.OpIncrement, f.Addr())
}
