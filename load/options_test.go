package load_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/load"
)

// source is a load function that counts its calls.
type source struct {
	calls int // read it after synctest.Wait
	took  time.Duration
	err   error
}

// get reads key k, and loads it as "v1", "v2" and so on.
func (s *source) get(l *load.Bytes) (string, error) {
	v, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
		s.calls++
		n := s.calls
		time.Sleep(s.took)
		return fmt.Appendf(nil, "v%d", n), s.err
	})
	return string(v), err
}

// random returns a source of random numbers, which are not 0, that chooses that fraction.
func random(fraction float64) func() uint64 {
	return func() uint64 { return uint64(fraction*(1<<53))<<11 | 1 }
}

// A value is refreshed before it expires: the earlier, the longer it takes to load, the
// larger EarlyRefresh, and the larger the random number.
func TestEarlyRefresh(t *testing.T) {
	const ttl = time.Minute
	for _, test := range []struct {
		name   string
		beta   float64
		took   time.Duration
		random float64 // the mean is exceeded n times by 1 - e^-n
		before time.Duration
	}{
		{"usual", 1, time.Second, 2, 2 * time.Second},
		{"a larger EarlyRefresh", 3, time.Second, 2, 6 * time.Second},
		{"a longer load", 1, 4 * time.Second, 2, 8 * time.Second},
		{"a larger random number", 1, time.Second, 10, 10 * time.Second},
		{"never", 0, time.Second, 30, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: ttl, EarlyRefresh: test.beta})
				l.SetRandom(random(1 - math.Exp(-test.random)))
				s := &source{took: test.took}
				want := func(when, value string, calls int) {
					t.Helper()
					began := time.Now()
					v, err := s.get(l)
					if err != nil || v != value {
						t.Errorf("%s: Get: %q, %v; want %s", when, v, err, value)
					}
					if took := time.Since(began); took > 0 && calls > 1 {
						t.Errorf("%s: Get took %v, want no time", when, took)
					}
					synctest.Wait()
					if s.calls != calls {
						t.Errorf("%s: %d loads, want %d", when, s.calls, calls)
					}
				}
				want("at first", "v1", 1)
				time.Sleep(ttl - test.before - 100*time.Millisecond)
				want("too early", "v1", 1)
				if test.before == 0 {
					return
				}
				time.Sleep(200 * time.Millisecond)
				want("early", "v1", 2)
				time.Sleep(test.took + time.Millisecond)
				want("after the refresh", "v2", 2)
			})
		})
	}
}

// Values that expire at the same time are refreshed at different times. The time from a
// refresh to the expiry is distributed exponentially, as in the paper: of many values a part
// of 1/e is due when the mean is left, and one of 1/e² when twice the mean is left.
func TestEarlyRefreshSpreads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n, took, beta = 2000, time.Second, 2
		ctx := context.Background()
		for _, test := range []struct {
			left     time.Duration
			min, max int // of n; six standard deviations from the mean
		}{
			{2 * took * beta, 180, 365}, // 271 is the mean
			{took * beta, 605, 865},     // 736
			{time.Millisecond, n - 20, n},
		} {
			l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, EarlyRefresh: beta, MaxRefreshes: n})
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprint("k", i)
			}
			if _, err := l.GetMulti(ctx, keys, func(_ context.Context, _ *load.Entries[[]byte], missing []string) (map[string][]byte, error) {
				values := map[string][]byte{}
				for _, key := range missing {
					values[key] = nil
				}
				time.Sleep(took)
				return values, nil
			}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour - test.left)
			for _, key := range keys {
				if _, err := l.Get(ctx, key, func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return nil, nil }); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Wait()
			if due := int(l.Stats().Loads) - n; due < test.min || due > test.max {
				t.Errorf("%v before the expiry %d of %d are refreshed, want %d to %d", test.left, due, n, test.min, test.max)
			}
		}
	})
}

// An error of a load is returned for ErrorTTL without another load, to the callers of this
// loader and of this key.
func TestErrorTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		c := newMemory(t)
		config := load.Config[[]byte]{TTL: time.Hour, ErrorTTL: 10 * time.Second}
		l := newLoader(t, c, config)
		broken := errors.New("broken")
		s := &source{err: broken}
		want := func(when string, err error, calls int) {
			t.Helper()
			if _, got := s.get(l); got != err {
				t.Errorf("%s: Get: %v, want %v", when, got, err)
			}
			if s.calls != calls {
				t.Errorf("%s: %d loads, want %d", when, s.calls, calls)
			}
		}
		want("at first", broken, 1)
		time.Sleep(9 * time.Second)
		s.err = nil
		want("within ErrorTTL", broken, 1)
		never := func(context.Context, *load.Entries[[]byte], []string) (map[string][]byte, error) {
			t.Error("GetMulti loads within ErrorTTL")
			return nil, nil
		}
		if _, err := l.GetMulti(ctx, []string{"k"}, never); !errors.Is(err, broken) {
			t.Errorf("GetMulti: %v, want %v", err, broken)
		}
		if v, err := l.Get(ctx, "other", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("v"), nil }); err != nil {
			t.Errorf("Get of another key: %q, %v", v, err)
		}
		if f := l.Stats().Failures; f != 3 {
			t.Errorf("Stats count %d failures, want 3", f)
		}
		time.Sleep(time.Second)
		want("after ErrorTTL", nil, 2)
		want("when it is cached", nil, 2)
	})
}

// An error within ErrorTTL is not that of a value: the value is returned that is there.
func TestErrorTTLIsForMisses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newMemory(t)
		l := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour, ErrorTTL: time.Minute})
		other := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour})
		s := &source{err: errors.New("broken")}
		if _, err := s.get(l); err != s.err {
			t.Fatalf("Get: %v, want %v", err, s.err)
		}
		s.err = nil
		if v, err := s.get(other); err != nil || v != "v2" {
			t.Errorf("Get of another loader: %q, %v; want v2: it remembers no error", v, err)
		}
		if v, err := s.get(l); err != nil || v != "v2" {
			t.Errorf("Get of the loader that failed: %q, %v; want the value in the cache", v, err)
		}
	})
}

// Neither ErrNotFound nor the end of a load that nobody waits for is remembered as an error.
func TestErrorTTLForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, ErrorTTL: time.Minute})
		s := &source{err: load.ErrNotFound}
		if _, err := s.get(l); err != load.ErrNotFound {
			t.Fatalf("Get: %v, want %v", err, load.ErrNotFound)
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_, err := l.Get(ctx, "k", func(ctx context.Context, _ *load.Entry[[]byte]) ([]byte, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("Get: %v, want %v", err, context.DeadlineExceeded)
		}
		synctest.Wait()
		s.err = nil
		if v, err := s.get(l); err != nil || v != "v2" {
			t.Errorf("the next Get: %q, %v; want v2", v, err)
		}
	})
}

// After RetryAfter, and not before, a value that KeepStale keeps is loaded again.
func TestRetryAfter(t *testing.T) {
	for _, test := range []struct{ set, want time.Duration }{{0, 10 * time.Second}, {3 * time.Second, 3 * time.Second}} {
		synctest.Test(t, func(t *testing.T) {
			l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Minute, KeepStale: time.Hour, RetryAfter: test.set})
			s := &source{}
			want := func(when, value string, calls int) {
				t.Helper()
				v, err := s.get(l)
				if err != nil || v != value || s.calls != calls {
					t.Errorf("RetryAfter %v: %s: Get: %q, %v, after %d loads; want %s after %d", test.set, when, v, err, s.calls, value, calls)
				}
			}
			want("at first", "v1", 1)
			time.Sleep(time.Minute)
			s.err = errors.New("broken")
			want("when it has expired", "v1", 2)
			s.err = nil
			time.Sleep(test.want - time.Millisecond)
			want("before RetryAfter", "v1", 2)
			time.Sleep(time.Millisecond)
			want("after RetryAfter", "v3", 3)
		})
	}
}

// Jitter shortens the TTL and the time to a refresh by a random part, at most by the
// fraction, and the time for which ErrNotFound is cached.
func TestJitter(t *testing.T) {
	const ttl, most = 100 * time.Second, 0.2
	for _, fraction := range []float64{0, 0.5, 1 - 1e-9} {
		want := time.Duration(float64(ttl) * (1 - most*fraction))
		for name, test := range map[string]struct {
			config load.Config[[]byte]
			err    error
		}{
			"TTL":          {config: load.Config[[]byte]{TTL: ttl}},
			"RefreshAfter": {config: load.Config[[]byte]{TTL: time.Hour, RefreshAfter: ttl}},
			"NotFoundTTL":  {config: load.Config[[]byte]{TTL: time.Hour, NotFoundTTL: ttl}, err: load.ErrNotFound},
		} {
			synctest.Test(t, func(t *testing.T) {
				test.config.Jitter = most
				l := newLoader(t, newMemory(t), test.config)
				l.SetRandom(random(fraction))
				s := &source{err: test.err}
				for i, step := range []struct {
					wait  time.Duration
					calls int
				}{{0, 1}, {want - 50*time.Millisecond, 1}, {100 * time.Millisecond, 2}} {
					time.Sleep(step.wait)
					if _, err := s.get(l); err != test.err {
						t.Fatalf("%s: Get: %v, want %v", name, err, test.err)
					}
					synctest.Wait()
					if s.calls != step.calls {
						t.Errorf("%s of %v shortened by %v of %v: step %d: %d loads, want %d", name, ttl, fraction, most, i, s.calls, step.calls)
					}
				}
			})
		}
	}
}
