package memory

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// The cache and a plain map agree on any sequence of operations.
func TestModel(t *testing.T) {
	for seed := range uint64(6) {
		synctest.Test(t, func(t *testing.T) {
			c := Config{CheckReads: seed%2 == 1, BucketInterval: time.Second, Buckets: 1 + int(seed)*4}
			s := newDriver(c)
			if seed >= 4 {
				s.hashMask = 0xf << 60
			}
			runModel(t, s, rand.New(rand.NewPCG(seed, 1)))
			_ = s.Close()
		})
	}
}

type modeled struct {
	value   string
	until   time.Time // zero: forever
	version int
}

func runModel(t *testing.T, s *store, r *rand.Rand) {
	model := map[string]modeled{}
	tokens := map[string]driver.Item{}
	versions := map[string]int{} // of the tokens
	version := 0
	present := func(k string) (modeled, bool) {
		m, ok := model[k]
		if ok && !m.until.IsZero() && !m.until.After(time.Now()) {
			delete(model, k)
			ok = false
		}
		return m, ok
	}
	for step := range 5_000 {
		k := fmt.Sprint("k", r.IntN(200))
		value := strconv.Itoa(r.IntN(1000))
		if r.IntN(3) == 0 {
			value = fmt.Sprint("a longer value ", value, string(make([]byte, r.IntN(700))))
		}
		var ttl time.Duration
		var until time.Time
		if r.IntN(2) == 0 {
			ttl = time.Duration(1 + r.IntN(3000))
			if r.IntN(3) > 0 {
				ttl *= time.Millisecond
			}
			until = time.Now().Add(ttl)
		}
		m, ok := present(k)
		put := func(v string, u time.Time) {
			version++
			model[k] = modeled{v, u, version}
		}
		e := driver.Entry{Key: k, Value: []byte(value), TTL: ttl}
		var op string
		var err, want error
		switch r.IntN(14) {
		case 0, 1, 2:
			op = "set"
			err = s.Store(ctx, driver.Set, e)
			put(value, until)
		case 3:
			op = "add"
			if err = s.Store(ctx, driver.Add, e); ok {
				want = driver.ErrNotStored
			} else {
				put(value, until)
			}
		case 4:
			op = "replace"
			if err = s.Store(ctx, driver.Replace, e); ok {
				put(value, until)
			} else {
				want = driver.ErrNotStored
			}
		case 5:
			op = "delete"
			if err = s.Delete(ctx, k); !ok {
				want = driver.ErrMiss
			}
			delete(model, k)
		case 6, 7:
			op = "count"
			var n uint64
			old, notNumber := strconv.ParseUint(m.value, 10, 64)
			down := r.IntN(2) == 0
			delta := uint64(r.IntN(300))
			if down {
				n, err = s.Decrement(ctx, k, delta)
			} else {
				n, err = s.Increment(ctx, k, delta)
			}
			switch {
			case !ok:
				want = driver.ErrMiss
			case notNumber != nil:
				want = driver.ErrNotNumber
			default:
				sum := old + delta
				if down {
					sum = old - min(old, delta)
				}
				if n != sum {
					t.Fatalf("step %d: count %s: %d, want %d", step, k, n, sum)
				}
				put(strconv.FormatUint(sum, 10), m.until)
			}
		case 8:
			op = "touch"
			if err = s.Touch(ctx, k, ttl); ok {
				put(m.value, until)
			} else {
				want = driver.ErrMiss
			}
		case 9:
			op = "get item"
			var item driver.Item
			if item, err = s.GetItem(ctx, k); ok {
				tokens[k], versions[k] = item, m.version
				if string(item.Value) != m.value {
					t.Fatalf("step %d: get item %s: %q, want %q", step, k, item.Value, m.value)
				}
			} else {
				want = driver.ErrMiss
			}
		case 10, 11:
			if tokens[k].Token == nil {
				continue
			}
			switch {
			case !ok:
				want = driver.ErrMiss
			case m.version != versions[k]:
				want = driver.ErrConflict
			}
			if r.IntN(2) == 0 {
				op = "compare and swap"
				if err = s.CompareAndSwap(ctx, tokens[k].Token, e); want == nil {
					put(value, until)
				}
			} else {
				op = "compare and delete"
				if err = s.CompareAndDelete(ctx, k, tokens[k].Token); want == nil {
					delete(model, k)
				}
			}
		case 12:
			time.Sleep(time.Duration(r.IntN(40_000_000)))
			continue
		case 13:
			if r.IntN(400) == 0 {
				_ = s.Flush(ctx)
				clear(model)
			}
			continue
		}
		if err != want {
			t.Fatalf("step %d: %s %s: %v, want %v", step, op, k, err, want)
		}
		m, ok = present(k)
		v, err := s.Get(ctx, k)
		if ok && (err != nil || string(v) != m.value) || !ok && err != driver.ErrMiss {
			t.Fatalf("step %d: after %s %s: %q, %v; want %q, %v", step, op, k, v, err, m.value, ok)
		}
	}
	s.consistent(t)
}
