package valkey_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/valkey"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
	"github.com/larder-go/larder/internal/dev/valkeytest"
)

// TestFull: a server whose memory is full refuses what needs more, as an outage, and an
// invalidation works there: reading items, deleting and comparing.
func TestFull(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "unix")
		c := open(t, config(s))
		ctx := t.Context()
		all := keys(10)
		if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
			t.Fatal(err)
		}
		s.Do("CONFIG", "SET", "maxmemory", "1")
		s.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
		for op, err := range map[cache.Op]error{
			cache.OpSet: c.Set(ctx, "new", nil, 0),
			cache.OpAdd: c.Add(ctx, "new", nil, 0),
			cache.OpIncrement: func() error {
				_, err := c.Increment(ctx, all[0], 1)
				return err
			}(),
			cache.OpGetOrAddMulti: func() error {
				_, _, err := c.GetOrAdd(ctx, "new", nil, 0)
				return err
			}(),
		} {
			memcachedtest.IsOutage(t, err, "valkey", op, s.Addr())
		}
		items, err := c.GetItemMulti(ctx, all)
		if err != nil || len(items) != len(all) {
			t.Fatalf("GetItemMulti: %d items, %v", len(items), err)
		}
		if err := c.CompareAndDelete(ctx, items[all[0]]); err != nil {
			t.Errorf("CompareAndDelete: %v", err)
		}
		if err := errors.Join(c.Delete(ctx, all[1]), c.DeleteMulti(ctx, all[2:]), c.Touch(ctx, "absent", 0)); err != nil && !errors.Is(err, cache.ErrMiss) {
			t.Errorf("Delete and Touch: %v", err)
		}
		if found, err := c.GetMulti(ctx, all); err != nil || len(found) != 0 {
			t.Errorf("GetMulti: %d values, %v", len(found), err)
		}
	})
}

// TestForeignType: a key that holds something other than a string is an error of the
// operations that need one, and of its key alone.
func TestForeignType(t *testing.T) {
	valkeytest.Each(t, func(t *testing.T, b valkeytest.Binary) {
		s := valkeytest.Start(t, b, "unix")
		c := open(t, config(s))
		ctx := t.Context()
		fill := func() {
			t.Helper()
			if err := c.SetMulti(ctx, valuesOf(keys(5)), 0); err != nil {
				t.Fatal(err)
			}
			s.Do("DEL", "list")
			s.Do("RPUSH", "list", "v")
		}
		fill()
		all := append(keys(5), "list")
		isType := func(err error, op cache.Op) {
			t.Helper()
			memcachedtest.IsNamed(t, err, "valkey", op, s.Addr())
			for _, not := range []error{cache.ErrMiss, cache.ErrUnavailable} {
				if errors.Is(err, not) {
					t.Errorf("%v: error %v is %q", op, err, not)
				}
			}
			if !errors.Is(err, cache.ErrUnreadable) || !strings.Contains(err.Error(), "WRONGTYPE") {
				t.Errorf("%v: error %v", op, err)
			}
		}
		only := func(err error, op cache.Op) {
			t.Helper()
			var m *cache.MultiError
			if !errors.As(err, &m) || len(m.Errors) != 1 {
				t.Errorf("%v: error %v, want one for the list", op, err)
				return
			}
			isType(m.Errors["list"], op)
		}
		_, err := c.Get(ctx, "list")
		isType(err, cache.OpGet)
		_, err = c.GetAndTouch(ctx, "list", 0)
		isType(err, cache.OpGetAndTouch)
		_, err = c.GetItem(ctx, "list")
		isType(err, cache.OpGetItem)
		found, err := c.GetMulti(ctx, all)
		only(err, cache.OpGetMulti)
		items, err2 := c.GetItemMulti(ctx, all)
		only(err2, cache.OpGetItemMulti)
		if len(found) != 5 || len(items) != 5 {
			t.Errorf("%d values and %d items beside the list, want 5", len(found), len(items))
		}
		items, _, err = c.GetOrAddMulti(ctx, map[string][]byte{"key:0": nil, "list": nil, "new": nil}, 0)
		only(err, cache.OpGetOrAddMulti)
		if len(items) != 2 {
			t.Errorf("GetOrAddMulti: %d items", len(items))
		}
		if _, err := c.Increment(ctx, "list", 1); !errors.Is(err, cache.ErrNotNumber) {
			t.Errorf("Increment: %v", err)
		}
		it, err := c.GetItem(ctx, "key:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Do("DEL", "key:0")
		s.Do("RPUSH", "key:0", "v")
		if err := c.CompareAndSwap(ctx, it, nil, 0); !errors.Is(err, cache.ErrConflict) {
			t.Errorf("CompareAndSwap: %v", err)
		}
		if err := c.CompareAndDelete(ctx, it); !errors.Is(err, cache.ErrConflict) {
			t.Errorf("CompareAndDelete: %v", err)
		}
		for name, f := range map[string]func() error{
			"Touch":   func() error { return c.Touch(ctx, "list", time.Hour) },
			"Set":     func() error { return c.Set(ctx, "list", nil, 0) },
			"Replace": func() error { return c.Replace(ctx, "list", nil, 0) },
			"Delete":  func() error { return c.Delete(ctx, "list") },
		} {
			fill()
			if err := f(); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestScriptsForgotten: a server that forgets the scripts, in the middle of batches, makes
// no call fail.
func TestScriptsForgotten(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix")
	c := open(t, config(s))
	ctx := t.Context()
	all := keys(2000)
	if err := c.SetMulti(ctx, valuesOf(all), 0); err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() {
		for !stop.Load() {
			s.Do("SCRIPT", "FLUSH")
		}
	})
	const rounds = 6
	for range rounds {
		items, err := c.GetItemMulti(ctx, all)
		if err != nil || len(items) != len(all) {
			t.Errorf("GetItemMulti: %d items, %v", len(items), err)
		}
		var swaps []cache.Swap
		for k, it := range items {
			swaps = append(swaps, cache.Swap{Old: it, Value: valueOf(k)})
		}
		if err := c.CompareAndSwapMulti(ctx, swaps); err != nil {
			t.Errorf("CompareAndSwapMulti: %v", err)
		}
		if _, err := c.IncrementFrom(ctx, "n", 1, 0, 0); err != nil {
			t.Errorf("IncrementFrom: %v", err)
		}
	}
	stop.Store(true)
	wg.Wait()
	if n, err := c.Increment(ctx, "n", 0); err != nil || n != rounds {
		t.Errorf("the counter is %d, %v; want %d", n, err, rounds)
	}
}

// TestBusy: a server that runs somebody's script for too long is an outage.
func TestBusy(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix", "--busy-reply-threshold", "50")
	c := open(t, config(s))
	ctx := t.Context()
	done := make(chan error, 1)
	go func() {
		_, err := s.Try("EVAL", "while true do end", "0")
		done <- err
	}()
	memcachedtest.Eventually(t, "the server is busy", func() bool {
		_, err := c.Get(ctx, "k")
		return errors.Is(err, cache.ErrUnavailable) && strings.Contains(err.Error(), "BUSY")
	})
	s.Do("SCRIPT", "KILL")
	<-done
	if err := c.Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set afterwards: %v", err)
	}
}

// TestReplica: a server that was made a replica is an outage, and its name is resolved
// again: the connections are made anew.
func TestReplica(t *testing.T) {
	b := valkeytest.Any(t)
	s, primary := valkeytest.Start(t, b, "tcp"), valkeytest.Start(t, b, "tcp")
	c := open(t, config(s))
	ctx := t.Context()
	if err := c.Set(ctx, "k", nil, 0); err != nil {
		t.Fatal(err)
	}
	host, port, _ := cutAddr(primary.Addr())
	s.Do("REPLICAOF", host, port)
	err := c.Set(ctx, "k", nil, 0)
	memcachedtest.IsOutage(t, err, "valkey", cache.OpSet, s.Addr())
	if err != nil && !strings.Contains(err.Error(), "(the server is a replica)") {
		t.Errorf("error %v", err)
	}
	memcachedtest.Eventually(t, "the connection is counted as closed", func() bool {
		st, err := c.Stats(ctx)
		return err != nil || st.Servers[0].Closed == 1
	})
	s.Do("REPLICAOF", "NO", "ONE")
	if err := c.Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set on a primary again: %v", err)
	}
}

// TestMaxValue: a value over the limit is refused before it is sent. Where the limit is not
// configured, the server closes the connection, and the next call works.
func TestMaxValue(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "unix", "--proto-max-bulk-len", "1mb")
	ctx := t.Context()
	const most = 1<<20 - 16
	cfg := config(s)
	cfg.MaxValue = most
	c := open(t, cfg)
	largest, larger := make([]byte, most), make([]byte, most+1)
	ends := bytes.Repeat([]byte("x"), most)
	copy(ends[most-4:], "\xfeLR\xff") // it is stored with a mark
	for _, v := range [][]byte{largest, ends} {
		if err := c.Set(ctx, "k", v, 0); err != nil {
			t.Errorf("Set of the largest value: %v", err)
		}
		it, err := c.GetItem(ctx, "k")
		if err != nil || !bytes.Equal(it.Value, v) {
			t.Errorf("GetItem of the largest value: %d bytes, %v", len(it.Value), err)
		}
		if err := c.CompareAndSwap(ctx, it, v, 0); err != nil {
			t.Errorf("CompareAndSwap of the largest value: %v", err)
		}
		if _, added, err := c.GetOrAdd(ctx, "new", v, 0); err != nil || !added {
			t.Errorf("GetOrAdd of the largest value: %v", err)
		}
		if err := c.Delete(ctx, "new"); err != nil {
			t.Error(err)
		}
	}
	if err := c.Set(ctx, "k", larger, 0); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("Set of more: %v", err)
	}
	c = open(t, config(s))
	if err := c.Set(ctx, "k", make([]byte, 2<<20), 0); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Set of more than the server takes: %v", err)
	}
	if err := c.Set(ctx, "k", nil, 0); err != nil {
		t.Errorf("Set after that: %v", err)
	}
}

// TestManyCallers: more callers than a connection has room for keep their deadlines on a
// server that does not reply.
func TestManyCallers(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	c := open(t, valkey.Config{Servers: []string{s.Addr()}, Timeout: 30 * time.Second})
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Pause()
	defer s.Resume()
	// In the waves after the first, those that gave up are in the queue still.
	for _, callers := range []int{3000, 450, 450, 450, 450} {
		var wg sync.WaitGroup
		start := time.Now()
		for range callers {
			wg.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				if _, err := c.Get(ctx, "k"); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("Get: %v", err)
				}
			})
		}
		wg.Wait()
		memcachedtest.Bounded(t, start, 300*time.Millisecond)
	}
}

// TestHasty: callers that give up while a connection is being made keep no patient one from
// getting it.
func TestHasty(t *testing.T) {
	s := valkeytest.Start(t, valkeytest.Any(t), "tcp")
	for range 5 {
		c := open(t, config(s))
		s.Pause()
		var stop atomic.Bool
		var gaveUp atomic.Int64
		var wg sync.WaitGroup
		for range 16 {
			wg.Go(func() {
				for ; !stop.Load(); gaveUp.Add(1) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					_, err := c.Get(ctx, "k")
					cancel()
					if err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, cache.ErrMiss) {
						t.Errorf("Get: %v", err)
					}
				}
			})
		}
		for range 16 {
			wg.Go(func() {
				if err := c.Set(t.Context(), "l", nil, 0); err != nil {
					t.Errorf("Set by a patient caller: %v", err)
				}
			})
		}
		memcachedtest.Eventually(t, "callers give up", func() bool { return gaveUp.Load() > 100 })
		s.Resume()
		memcachedtest.Eventually(t, "a call works", func() bool { return c.Ping(t.Context()) == nil })
		stop.Store(true)
		wg.Wait()
	}
}
