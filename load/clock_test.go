package load_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/load"
)

// This file is about a system clock that jumps, and about one that differs from that of other
// processes. The cache has its own clock, which is right.

const year = 365 * 24 * time.Hour

var jumps = []time.Duration{-50 * year, -year, -time.Hour, -time.Second, time.Second, time.Hour, year, 200 * year}

// jumping is a loader whose clock can jump, with a source of its values.
type jumping struct {
	*load.Bytes
	source
	ahead time.Duration
}

func newJumping(t *testing.T, l *load.Bytes) *jumping {
	j := &jumping{Bytes: l}
	l.SetClock(func() time.Duration { return j.ahead })
	return j
}

func (j *jumping) get() (string, error) { return j.source.get(j.Bytes) }

// However the clock jumps, a value is loaded again at most once because of it, and is not
// returned when TTL and KeepStale are over.
func TestClockJumps(t *testing.T) {
	for _, by := range jumps {
		for name, config := range map[string]load.Config[[]byte]{
			"TTL":          {TTL: time.Minute},
			"RefreshAfter": {TTL: time.Minute, RefreshAfter: 10 * time.Second},
			"EarlyRefresh": {TTL: time.Minute, EarlyRefresh: 1},
			"KeepStale":    {TTL: time.Minute, KeepStale: time.Minute},
			"no TTL":       {RefreshAfter: time.Minute},
		} {
			synctest.Test(t, func(t *testing.T) {
				j := newJumping(t, newLoader(t, newMemory(t), config))
				get := func(when string, most int) string {
					t.Helper()
					v, err := j.get()
					if err != nil {
						t.Errorf("%s, %v: %s: Get: %v", name, by, when, err)
					}
					synctest.Wait()
					if j.calls > most {
						t.Errorf("%s, %v: %s: %d loads, want at most %d", name, by, when, j.calls, most)
					}
					return v
				}
				get("before", 1)
				j.ahead = by
				for range 10 {
					get("after the jump", 2)
				}
				if config.TTL == 0 {
					return
				}
				time.Sleep(config.TTL + config.KeepStale)
				calls := j.calls
				if v := get("when it is over", calls+1); v != fmt.Sprint("v", calls+1) {
					t.Errorf("%s, %v: %v after the jump Get returns %s, want a value that was loaded later", name, by, config.TTL+config.KeepStale, v)
				}
			})
		}
	}
}

// A clock that is set back during a load that fails does not make the old value last longer.
func TestClockSetBackDuringLoad(t *testing.T) {
	for name, test := range map[string]struct {
		config load.Config[[]byte]
		wait   time.Duration
	}{
		"refresh": {load.Config[[]byte]{TTL: time.Minute, RefreshAfter: 10 * time.Second}, 20 * time.Second},
		"stale":   {load.Config[[]byte]{TTL: 30 * time.Second, KeepStale: 30 * time.Second}, 40 * time.Second},
	} {
		for _, by := range jumps {
			synctest.Test(t, func(t *testing.T) {
				ctx := context.Background()
				j := newJumping(t, newLoader(t, newMemory(t), test.config))
				if _, err := j.get(); err != nil {
					t.Fatal(err)
				}
				time.Sleep(test.wait)
				v, err := j.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
					j.ahead = by
					return nil, errors.New("broken")
				})
				if over := name == "stale" && by >= time.Hour; err == nil && string(v) != "v1" || (err != nil) != over {
					t.Errorf("%s, %v: Get: %q, %v; want the old value, or an error if its time is over by the clock", name, by, v, err)
				}
				synctest.Wait()
				time.Sleep(time.Minute - test.wait)
				if v, err := j.get(); err != nil || v != "v2" {
					t.Errorf("%s, %v: after TTL and KeepStale Get: %q, %v; want v2", name, by, v, err)
				}
			})
		}
	}
}

// A value whose time is over by the clock that jumped is not returned, though loading fails
// or it is too early to try again.
func TestClockJumpsPastKeepStale(t *testing.T) {
	for by, kept := range map[time.Duration]bool{
		-year: true, -time.Hour: true, 90 * time.Second: true, 2*time.Minute - time.Millisecond: true,
		2 * time.Minute: false, time.Hour: false, year: false,
	} {
		for _, held := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				config := load.Config[[]byte]{TTL: time.Minute, KeepStale: time.Minute, RetryAfter: 100 * year}
				began := time.Now()
				j := newJumping(t, newLoader(t, newMemory(t), config))
				if _, err := j.get(); err != nil {
					t.Fatal(err)
				}
				j.err = errors.New("broken")
				if held {
					time.Sleep(time.Minute)
					if v, err := j.get(); err != nil || v != "v1" {
						t.Fatalf("Get: %q, %v; want the old value", v, err)
					}
				}
				j.ahead = by - time.Since(began)
				if v, err := j.get(); (err == nil) != kept || kept && v != "v1" {
					t.Errorf("%v, held %v: Get: %q, %v; want the old value: %v", by, held, v, err, kept)
				}
			})
		}
	}
}

// Two processes whose clocks differ do not load in turn what the other has stored.
func TestClocksDiffer(t *testing.T) {
	for _, by := range jumps {
		for name, config := range map[string]load.Config[[]byte]{
			"RefreshAfter": {TTL: time.Hour, RefreshAfter: time.Minute},
			"KeepStale":    {TTL: time.Hour, KeepStale: time.Hour, Patience: time.Second},
			"EarlyRefresh": {TTL: time.Hour, EarlyRefresh: 1},
		} {
			synctest.Test(t, func(t *testing.T) {
				c := newMemory(t)
				a, b := newLoader(t, c, config), newJumping(t, newLoader(t, c, config))
				b.ahead = by
				s := &b.source
				for range 20 {
					for _, l := range []*load.Bytes{a, b.Bytes} {
						if _, err := s.get(l); err != nil {
							t.Errorf("%s, %v: Get: %v", name, by, err)
						}
						synctest.Wait()
					}
				}
				if s.calls > 2 {
					t.Errorf("%s, %v: %d loads, want at most 2", name, by, s.calls)
				}
			})
		}
	}
}

// Nobody waits for longer than one lease for a process that died, or that loads, whatever its
// clock says.
func TestLeaseOfAnotherClock(t *testing.T) {
	for _, by := range jumps {
		synctest.Test(t, func(t *testing.T) {
			const lease, took = 10 * time.Second, time.Minute
			c := newMemory(t)
			l := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour, Lease: lease})
			other := newJumping(t, newLoader(t, c, load.Config[[]byte]{TTL: time.Hour, Lease: took}))
			other.ahead, other.took = by, took
			go func() {
				if _, err := other.get(); err != nil {
					t.Errorf("%v: Get of the other process: %v", by, err)
				}
			}()
			synctest.Wait()
			s := &source{}
			began := time.Now()
			v, err := s.get(l)
			if took := time.Since(began); err != nil || v != "v1" || took > lease+time.Second {
				t.Errorf("%v: Get: %q, %v after %v; want v1 after one lease of %v", by, v, err, took, lease)
			}
			time.Sleep(2 * took)
		})
	}
}
