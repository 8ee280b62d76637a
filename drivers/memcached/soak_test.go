package memcached_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/drivers/memcached"
	"github.com/larder-go/larder/internal/dev/memcachedtest"
)

// soak is many callers of one cache whose connections fail all the time.
type soak struct {
	t       *testing.T
	c       *cache.Cache
	keys    []string
	garbled atomic.Bool // a byte of some value may have been changed
	good    atomic.Int64
	ended   atomic.Bool // there are no faults any more
}

// faultOf chooses the fault of a connection. Requests arrive as they were sent, or not at all,
// so that every value on the server is the right one.
func (s *soak) faultOf(int) fault {
	if s.ended.Load() {
		return fault{at: -1}
	}
	f := fault{kind: cutOff, reply: rand.N(2) == 0, at: rand.N(20_000), mask: byte(1 + rand.N(255)), end: 40_000}
	switch {
	case rand.N(20) == 0:
		f.kind = stalled
	case rand.N(20) == 0:
		f.kind = delayed
	case f.reply:
		f.kind = []tampering{cutOff, garbled, repeated, dropped}[rand.N(4)]
	}
	if f.kind == garbled {
		s.garbled.Store(true)
	}
	return f
}

// is checks the value of a key.
func (s *soak) is(key string, v []byte) {
	x := exchange{f: fault{kind: cutOff, reply: true}}
	if s.garbled.Load() {
		x.f.kind = garbled
	}
	if !x.near(v, key) {
		s.t.Errorf("the value of %q is %q", key, v)
	}
	s.good.Add(1)
}

// failed checks the error of a call.
func (s *soak) failed(ctx context.Context, what string, err error) {
	switch {
	case err == nil, errors.Is(err, cache.ErrUnavailable):
	case errors.Is(err, cache.ErrUnreadable) && s.garbled.Load():
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
	default:
		s.t.Errorf("%s: error %v", what, err)
	}
}

// call makes one call, with a context that may end at any moment.
func (s *soak) call() {
	ctx := s.t.Context()
	switch rand.N(6) {
	case 0: // it ends by itself
		var cancel func()
		ctx, cancel = context.WithTimeout(ctx, rand.N(3*time.Millisecond))
		defer cancel()
	case 1: // somebody ends it
		var cancel func()
		ctx, cancel = context.WithCancel(ctx)
		timer := time.AfterFunc(rand.N(3*time.Millisecond), cancel)
		defer timer.Stop()
		defer cancel()
	}
	from := rand.N(len(s.keys) - 10)
	key := s.keys[from]
	switch rand.N(4) {
	case 0:
		s.failed(ctx, "Set", s.c.Set(ctx, key, itself(key), 0))
	case 1:
		found, err := s.c.GetMulti(ctx, s.keys[from:from+10])
		for key, v := range found {
			s.is(key, v)
		}
		var multi *cache.MultiError
		if !errors.As(err, &multi) {
			s.failed(ctx, "GetMulti", err)
			if err == nil && len(found) != 10 {
				s.t.Errorf("GetMulti returned %d values of 10, and no error", len(found))
			}
			return
		}
		for _, err := range multi.Errors {
			s.failed(ctx, "GetMulti", err)
		}
		if len(found)+len(multi.Errors) != 10 {
			s.t.Errorf("GetMulti returned %d values and %d errors of 10", len(found), len(multi.Errors))
		}
	default:
		v, err := s.c.Get(ctx, key)
		if err == nil {
			s.is(key, v)
		}
		s.failed(ctx, "Get", err)
	}
}

// 200 callers, some of which leave at any moment, on connections that are cut, stall, or garble
// their replies: no call returns the value of another key or a false miss, and in the end all
// work. With -all it goes on for longer.
func TestSoak(t *testing.T) {
	t.Parallel()
	connections := 40
	if *all {
		connections = 3000
	}
	server := memcachedtest.Start(t, "tcp")
	s := &soak{t: t}
	values := map[string][]byte{}
	for i := range 200 {
		key := strings.Repeat(fmt.Sprintf("%03d.", i), 3)
		s.keys = append(s.keys, key)
		values[key] = itself(key)
	}
	if err := open(t, memcached.Config{Servers: []string{server.Addr()}, Timeout: patient}).SetMulti(t.Context(), values, 0); err != nil {
		t.Fatal(err)
	}
	var made atomic.Int64
	r := startRelay(t, server, func(n int) fault { made.Add(1); return s.faultOf(n) })
	defer r.stop()
	s.c = open(t, memcached.Config{Servers: []string{r.addr()}, Timeout: 200 * time.Millisecond})
	began := time.Now()
	var wg sync.WaitGroup
	for range 200 {
		wg.Go(func() {
			for made.Load() < int64(connections) && !t.Failed() && (*all || time.Since(began) < patient) {
				s.call()
			}
		})
	}
	wg.Wait()
	if s.good.Load() == 0 {
		t.Error("no call has returned a value")
	}
	s.ended.Store(true)
	s.garbled.Store(false)
	memcachedtest.Eventually(t, "all keys are read", func() bool {
		found, err := s.c.GetMulti(t.Context(), s.keys)
		return err == nil && len(found) == len(s.keys)
	})
	t.Logf("%d connections, %d values in %v", made.Load(), s.good.Load(), time.Since(began).Round(time.Millisecond))
}
