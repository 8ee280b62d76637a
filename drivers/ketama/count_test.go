package ketama_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/ketama"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

func TestLargeCounters(t *testing.T) {
	memcachedtest.LargeCounters(t, func(t *testing.T, server string) *cache.Cache {
		return open(t, ketama.Config{Servers: []string{server}, Timeout: patient, PoolSize: 8})
	})
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
		"no reply":         {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax}, ttl: memcachedtest.Step{Expect: query, Reply: "HD t6", Close: true}, err: cache.ErrUnavailable},
		"no end":           {library: []memcachedtest.Step{refused}, own: []memcachedtest.Step{readsMax}, ttl: memcachedtest.Step{Expect: query, Reply: string(bytes.Repeat([]byte("HD t60 "), 1000))}, err: cache.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake(t, tt.library, tt.own, []memcachedtest.Step{tt.ttl})
			c := open(t, ketama.Config{Servers: []string{f.Addr()}, Timeout: patient})
			n, err := c.Increment(t.Context(), "k", 5)
			if n != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("Increment: %d, error %v; want %d, error %v", n, err, tt.want, tt.err)
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
