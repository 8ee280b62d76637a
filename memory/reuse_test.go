package memory

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// churn stores n values of 100 bytes and deletes each before the next.
func (s *store) churn(t *testing.T, n int) {
	t.Helper()
	value := bytes.Repeat([]byte{'x'}, 100)
	keys := make([]string, 100)
	for i := range keys {
		keys[i] = fmt.Sprint("churn", i)
	}
	for i := range n {
		k := keys[i%len(keys)]
		if err := s.Store(ctx, driver.Add, driver.Entry{Key: k, Value: value, TTL: time.Hour}); err != nil {
			t.Fatal(err)
		}
		if err := s.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMemoryThatNobodyReadIsUsedAgain(t *testing.T) {
	s := newDriver(Config{})
	s.churn(t, 10_000)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.churn(t, 100_000)
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 5<<20 {
		t.Errorf("10 MB of values stored and deleted made %d bytes of garbage, want less than 5 MiB", n)
	}
	s.consistent(t)
}

func TestMemoryThatWasReadIsNotUsedAgain(t *testing.T) {
	s := newDriver(Config{})
	held := map[string][]byte{}
	for i := range 500 {
		k := fmt.Sprint("k", i)
		s.mustSet(t, k, "value of "+k, time.Hour)
		v, err := s.Get(ctx, k)
		if err != nil {
			t.Fatal(err)
		}
		held[k] = v
		if err := s.Delete(ctx, k); err != nil {
			t.Fatal(err)
		}
	}
	s.churn(t, 5_000)
	for k, v := range held {
		if string(v) != "value of "+k {
			t.Fatalf("what Get returned for %s has become %q", k, v)
		}
	}
	s.consistent(t)
}

func TestHas(t *testing.T) {
	s := newDriver(Config{})
	s.mustSet(t, "present", "v", 0)
	for k, want := range map[string]bool{"present": true, "absent": false, "": false, "no key\n": false} {
		if got := s.Has(k); got != want {
			t.Errorf("Has(%q) = %v, want %v", k, got, want)
		}
	}
	if st := s.stats(); st.Hits != 0 || st.Misses != 0 {
		t.Errorf("Has counted as a get: %+v", st)
	}
}
