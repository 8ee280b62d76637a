package memory

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

func TestCheckReads(t *testing.T) {
	for name, act := range map[string]func(*cache.Cache) error{
		"get":    func(c *cache.Cache) error { _, err := c.Get(ctx, "key"); return err },
		"set":    func(c *cache.Cache) error { return c.Set(ctx, "key", nil, 0) },
		"delete": func(c *cache.Cache) error { return c.Delete(ctx, "key") },
		"flush":  func(c *cache.Cache) error { return c.Flush(ctx) },
		"close":  func(c *cache.Cache) error { return c.Close() },
	} {
		for _, check := range []bool{true, false} {
			c, err := New(Config{CheckReads: check})
			if err != nil {
				t.Fatal(err)
			}
			_ = c.Set(ctx, "key", []byte("value"), 0)
			v, _ := c.Get(ctx, "key")
			v[0] = 'V'
			func() {
				defer func() {
					msg, _ := recover().(string)
					if check != strings.Contains(msg, `"key"`) {
						t.Errorf("%s, CheckReads %v: panic %q", name, check, msg)
					}
				}()
				if err := act(c); err != nil {
					t.Error(err)
				}
			}()
		}
	}
}

func TestClose(t *testing.T) {
	before := runtime.NumGoroutine()
	s := newDriver(Config{})
	stop := make(chan bool)
	for g := range 3 {
		go func() {
			defer func() { stop <- true }()
			for i := 0; ; i++ {
				k := fmt.Sprintf("%d-%d", g, i%100)
				err := s.Store(ctx, driver.Set, driver.Entry{Key: k, Value: []byte(k), TTL: time.Hour})
				if errors.Is(err, driver.ErrClosed) {
					return
				}
				if v, err := s.Get(ctx, k); err == nil && string(v) != k {
					t.Errorf("%s: %q", k, v)
				}
			}
		}()
	}
	for s.stats().Entries < 100 {
		runtime.Gosched()
	}
	_ = s.Close()
	for range 3 {
		<-stop
	}
	if st := s.stats(); st.Entries != 0 || st.Bytes != 0 {
		t.Errorf("closed: %+v", st)
	}
	for deadline := time.Now().Add(time.Minute); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		runtime.Gosched()
	}
}

// A value that somebody wrote to makes Close panic, but only when all is closed.
func TestCloseOfADamagedCache(t *testing.T) {
	c, err := New(Config{CheckReads: true})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 1000 {
		if err := c.Set(ctx, fmt.Sprint("k", i), []byte("v"), 0); err != nil {
			t.Fatal(err)
		}
	}
	v, err := c.Get(ctx, "k0")
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'x'
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Close did not panic")
			}
		}()
		_ = c.Close()
	}()
	for i := range 1000 {
		if _, err := c.Get(ctx, fmt.Sprint("k", i)); !errors.Is(err, cache.ErrClosed) {
			t.Fatalf("Get after Close: error %v, want ErrClosed", err)
		}
	}
}

func TestFlushOfADamagedCache(t *testing.T) {
	s := newDriver(Config{CheckReads: true})
	for i := range 1000 {
		s.mustSet(t, fmt.Sprint("k", i), "v", 0)
	}
	v, err := s.Get(ctx, "k0")
	if err != nil {
		t.Fatal(err)
	}
	v[0] = 'x'
	func() {
		defer func() {
			if recover() == nil {
				t.Error("Flush did not panic")
			}
		}()
		_ = s.Flush(ctx)
	}()
	if st := s.stats(); st.Entries != 0 {
		t.Errorf("%d entries are left, want none", st.Entries)
	}
}
