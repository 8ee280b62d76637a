package load_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
)

// Loads that outlast their leases are taken over by one waiter at a time, and never by all.
//
// More than one load is needed. A new one begins a tenth of a lease after each lease, since
// nobody knows whether the load before will ever return. A value that is loaded after the lease
// is not stored, and is returned only to callers that joined before the load began: for later
// ones, an invalidation may have come in between. They are late for the first load, and
// gather for the second.
func TestLeaseOutlasted(t *testing.T) {
	for _, test := range []struct {
		name           string
		load, interval time.Duration // of the load function, and between two callers
		callers        int
		loads, atOnce  int32
	}{
		// At 0, 11 and 22 s. The second returns at 26 s, to all who are left.
		{"at once", 15 * time.Second, 0, 1000, 3, 2},
		// It returns before another one begins. That is for all who were late.
		{"by little", 10500 * time.Millisecond, 0, 1000, 2, 1},
		// One every 11 s, until that for the last caller, who comes at 60 s, returns at 91 s.
		{"stream", 25 * time.Second, 100 * time.Millisecond, 600, 9, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, Lease: 10 * time.Second})
				var now, most, loads atomic.Int32
				var wg sync.WaitGroup
				for range test.callers {
					wg.Go(func() {
						_, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
							loads.Add(1)
							n := now.Add(1)
							for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
							}
							defer now.Add(-1)
							time.Sleep(test.load)
							return []byte("v"), nil
						})
						if err != nil {
							t.Errorf("Get: %v", err)
						}
					})
					if test.interval > 0 {
						time.Sleep(test.interval)
					}
				}
				wg.Wait()
				time.Sleep(test.load) // a load that nobody waits for any more
				if loads.Load() > test.loads || most.Load() > test.atOnce {
					t.Errorf("%d loads, %d at once; want at most %d, and %d at once", loads.Load(), most.Load(), test.loads, test.atOnce)
				}
			})
		})
	}
}

// A Get without a load function does not refresh: it has nothing to do so with.
func TestNoRefreshWithoutLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, RefreshAfter: time.Minute})
		f := func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("v"), nil }
		if _, err := l.Get(ctx, "k", f); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Minute)
		if v, err := l.Get(ctx, "k", nil); err != nil || string(v) != "v" {
			t.Errorf("Get without a load function: %q, %v", v, err)
		}
		if values, err := l.GetMulti(ctx, []string{"k"}, nil); err != nil || string(values["k"]) != "v" {
			t.Errorf("GetMulti without a load function: %q, %v", values, err)
		}
		synctest.Wait()
		// The next Get with one is not held off by a refresh that failed.
		if _, err := l.Get(ctx, "k", f); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if s := l.Stats(); s.Loads != 2 || s.LoadErrors != 0 {
			t.Errorf("%d loads and %d errors, want 2 and none", s.Loads, s.LoadErrors)
		}
	})
}

// Ten thousand who wait for one key get one load.
func TestManyWaiters(t *testing.T) {
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
	var loads atomic.Int32
	var wg sync.WaitGroup
	goOn := make(chan struct{})
	for range 10_000 {
		wg.Go(func() {
			v, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				loads.Add(1)
				<-goOn
				return []byte("v"), nil
			})
			if err != nil || string(v) != "v" {
				t.Errorf("Get: %q, %v", v, err)
			}
		})
	}
	close(goOn)
	wg.Wait()
	if n := loads.Load(); n != 1 {
		t.Errorf("%d loads, want 1", n)
	}
}

// However many values are to be refreshed, MaxRefreshes of them are at once. Those that wait for
// a refresh take neither a goroutine nor memory.
func TestManyRefreshes(t *testing.T) {
	n := 20_000
	switch {
	case *long:
		n = 1_000_000
	case race.Enabled:
		n /= 2
	}
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		const most, atOnce = 4, 1000
		l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, RefreshAfter: time.Minute, MaxRefreshes: most})
		keys := make([]string, n)
		for i := range keys {
			keys[i] = fmt.Sprint("k", i)
		}
		for some := range slices.Chunk(keys, atOnce) {
			if _, err := l.GetMulti(ctx, some, func(_ context.Context, _ *load.Entries[[]byte], missing []string) (map[string][]byte, error) {
				values := make(map[string][]byte, len(missing))
				for _, key := range missing {
					values[key] = []byte("v")
				}
				return values, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		running := make(chan struct{}, n)
		refresh := func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
			running <- struct{}{}
			time.Sleep(time.Second)
			return []byte("v"), nil
		}
		before, heap := runtime.NumGoroutine(), heapAlloc()
		for i, key := range keys {
			if _, err := l.Get(ctx, key, refresh); err != nil {
				t.Fatal(err)
			}
			if i%atOnce > 0 {
				continue
			}
			more := runtime.NumGoroutine() - before
			for looks := 0; more > most && looks < 10_000; looks++ { // it may be one of an earlier test, or a timer's
				runtime.Gosched()
				more = min(more, runtime.NumGoroutine()-before)
			}
			if more > most {
				t.Fatalf("%d goroutines for %d keys, want at most %d", more, i, most)
			}
		}
		synctest.Wait()
		if loaded := len(running); loaded != most {
			t.Errorf("%d refreshes run, want %d", loaded, most)
		}
		// A word for each key would be 8 bytes. The rest is that of the refreshes that run.
		if more := heapAlloc() - heap; more > int64(4*n+1<<18) {
			t.Errorf("%d bytes for %d keys that wait", more, n)
		}
		if s := l.Stats(); s.RefreshesSkipped != uint64(n-most) || s.Hits != uint64(n) {
			t.Errorf("Stats: %+v; want %d hits and %d refreshes skipped", s, n, n-most)
		}
		t.Logf("%d keys wait: %d goroutines, %d bytes", n, runtime.NumGoroutine()-before, heapAlloc()-heap)
		// Those that wait have their turn when they are read again.
		time.Sleep(2 * time.Second)
		for _, key := range keys[n-atOnce:] {
			if _, err := l.Get(ctx, key, refresh); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if loaded := len(running); loaded != 2*most {
			t.Errorf("%d refreshes run after those, want %d", loaded-most, most)
		}
	})
}

// heapAlloc returns the bytes of all that is in use.
func heapAlloc() int64 {
	runtime.GC()
	runtime.GC() // what a first one finds may be in use until the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// The longest durations are as any long ones.
func TestLongestDurations(t *testing.T) {
	const longest = time.Duration(math.MaxInt64)
	for name, config := range map[string]load.Config[string]{
		"TTL":       {TTL: longest},
		"Lease":     {TTL: time.Hour, Lease: longest},
		"KeepStale": {TTL: longest, KeepStale: longest, RetryAfter: longest, Patience: longest},
		"refresh":   {TTL: longest, RefreshAfter: longest - 1, NotFoundTTL: longest, ErrorTTL: longest},
	} {
		config.Codec = codec.Text[string]()
		l := newLoader(t, newMemory(t), config)
		for i := range 2 {
			v, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[string]) (string, error) {
				if i > 0 {
					t.Errorf("%s: the second Get loads", name)
				}
				return "v", nil
			}, "tag")
			if err != nil || v != "v" {
				t.Errorf("%s: Get: %q, %v", name, v, err)
			}
		}
	}
}

// A load that calls Goexit leaves nobody waiting.
func TestGoexit(t *testing.T) {
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
	_, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
		runtime.Goexit()
		return nil, nil
	})
	if err == nil {
		t.Error("Get: no error, want one that names Goexit")
	}
	v, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return []byte("v"), nil })
	if err != nil || string(v) != "v" {
		t.Errorf("the next Get: %q, %v", v, err)
	}
}

// panics is a codec that panics.
type panics struct{ encode, decode bool }

func (p panics) Append(dst []byte, v string) ([]byte, error) {
	if p.encode {
		panic("in Append")
	}
	return append(dst, v...), nil
}

func (p panics) Decode(b []byte) (string, error) {
	if p.decode {
		panic("in Decode")
	}
	return string(b), nil
}

// A codec that panics on what it finds in the cache has the value loaded again; one that
// panics on what was loaded makes the Get panic.
func TestCodecPanics(t *testing.T) {
	ctx := context.Background()
	c := newMemory(t)
	if err := c.Set(ctx, "k", []byte("bytes of somebody"), 0); err != nil {
		t.Fatal(err)
	}
	l := newLoader(t, c, load.Config[string]{TTL: time.Hour, Codec: panics{decode: true}})
	value := func(context.Context, *load.Entry[string]) (string, error) { return "v", nil }
	if v, err := l.Get(ctx, "k", value); err != nil || v != "v" {
		t.Errorf("Get: %q, %v; want the value that was loaded", v, err)
	}
	l = newLoader(t, c, load.Config[string]{TTL: time.Hour, Codec: panics{encode: true}})
	defer func() {
		var p *load.PanicError
		if err, _ := recover().(error); !errors.As(err, &p) || p.Value != "in Append" {
			t.Errorf("recovered %v, want the panic of the codec", err)
		}
	}()
	_, err := l.Get(ctx, "other", value)
	t.Errorf("Get: %v, want a panic", err)
}

// A load that returns after Close is waited for, and later calls are errors.
func TestCloseDuringLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		l, err := load.New(newMemory(t), load.Config[[]byte]{TTL: time.Hour})
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			v, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				time.Sleep(3 * time.Second)
				return []byte("v"), nil
			})
			if err != nil || string(v) != "v" {
				t.Errorf("Get that began before Close: %q, %v", v, err)
			}
		})
		synctest.Wait()
		began := time.Now()
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("Close took %v, want as long as the load", took)
		}
		wg.Wait()
		if _, err := l.Get(ctx, "k", nil); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("Get after Close: %v, want ErrClosed", err)
		}
	})
}
