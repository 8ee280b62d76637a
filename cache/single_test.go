package cache_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// everyCall calls each operation of c on key.
func everyCall(ctx context.Context, c *cache.Cache, key string, ttl time.Duration) map[string]error {
	values, keys := map[string][]byte{key: []byte("v")}, []string{key}
	return map[string]error{
		"Get":           last(c.Get(ctx, key)),
		"Set":           c.Set(ctx, key, nil, ttl),
		"Add":           c.Add(ctx, key, nil, ttl),
		"Replace":       c.Replace(ctx, key, nil, ttl),
		"Delete":        c.Delete(ctx, key),
		"Increment":     last(c.Increment(ctx, key, 1)),
		"Decrement":     last(c.Decrement(ctx, key, 1)),
		"IncrementFrom": last(c.IncrementFrom(ctx, key, 1, 1, ttl)),
		"DecrementFrom": last(c.DecrementFrom(ctx, key, 1, 1, ttl)),
		"Touch":         c.Touch(ctx, key, ttl),
		"GetItem":       last(c.GetItem(ctx, key)),
		"GetMulti":      last(c.GetMulti(ctx, keys)),
		"GetItemMulti":  last(c.GetItemMulti(ctx, keys)),
		"SetMulti":      c.SetMulti(ctx, values, ttl),
		"AddMulti":      c.AddMulti(ctx, values, ttl),
		"ReplaceMulti":  c.ReplaceMulti(ctx, values, ttl),
		"DeleteMulti":   c.DeleteMulti(ctx, keys),
	}
}

// wholeCalls calls each operation of c that takes no key.
func wholeCalls(ctx context.Context, c *cache.Cache) map[string]error {
	return map[string]error{
		"CompareAndSwap":   c.CompareAndSwap(ctx, cache.Item{}, nil, 0),
		"CompareAndDelete": c.CompareAndDelete(ctx, cache.Item{}),
		"Flush":            c.Flush(ctx),
		"Ping":             c.Ping(ctx),
		"Stats":            last(c.Stats(ctx)),
	}
}

// Invalid input does not reach the driver.
func TestNothingWrongReachesTheDriver(t *testing.T) {
	done, cancel := context.WithCancel(t.Context())
	cancel()
	takeTTL := []string{"Set", "Add", "Replace", "IncrementFrom", "DecrementFrom", "Touch", "SetMulti", "AddMulti", "ReplaceMulti"}
	for name, test := range map[string]struct {
		errs  func(c *cache.Cache) map[string]error
		names []string // nil: all
		want  error
	}{
		"an invalid key": {func(c *cache.Cache) map[string]error { return everyCall(t.Context(), c, "a b", 0) }, nil, cache.ErrInvalidKey},
		"an empty key":   {func(c *cache.Cache) map[string]error { return everyCall(t.Context(), c, "", 0) }, nil, cache.ErrInvalidKey},
		"a long key":     {func(c *cache.Cache) map[string]error { return everyCall(t.Context(), c, strings.Repeat("x", 251), 0) }, nil, cache.ErrInvalidKey},
		"an invalid key and a negative TTL": {func(c *cache.Cache) map[string]error { return everyCall(t.Context(), c, "a b", -1) },
			[]string{"Set", "Add", "Replace", "IncrementFrom", "DecrementFrom", "Touch"}, cache.ErrInvalidKey},
		"a context":        {func(c *cache.Cache) map[string]error { return everyCall(done, c, "k", 0) }, nil, context.Canceled},
		"a context, whole": {func(c *cache.Cache) map[string]error { return wholeCalls(done, c) }, nil, context.Canceled},
		"closed": {func(c *cache.Cache) map[string]error {
			c.Close()
			return everyCall(t.Context(), c, "k", 0)
		}, nil, cache.ErrClosed},
		"closed, whole": {func(c *cache.Cache) map[string]error {
			c.Close()
			return wholeCalls(t.Context(), c)
		}, nil, cache.ErrClosed},
		"a negative TTL": {func(c *cache.Cache) map[string]error {
			errs := everyCall(t.Context(), c, "not valid", -1) // the others must not be sent either
			for name, err := range everyCall(done, c, "k", -1) {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: error %v, want the one of the context", name, err)
				}
			}
			for _, name := range takeTTL {
				errs[name] = everyTTL(t.Context(), c)[name]
			}
			return errs
		}, takeTTL, cache.ErrInvalidTTL},
	} {
		a := &able{stub: newStub()}
		errs := test.errs(open(a))
		names := test.names
		if names == nil {
			for n := range errs {
				names = append(names, n)
			}
		}
		for _, n := range names {
			if !errors.Is(errs[n], test.want) {
				t.Errorf("%s: %s: error %v, want %q", name, n, errs[n], test.want)
			}
		}
		if got := strings.TrimPrefix(a.calls(), "close"); got != "" {
			t.Errorf("%s: the driver did %q, want nothing", name, got)
		}
	}
}

// everyTTL calls the operations that take a TTL with a negative one.
func everyTTL(ctx context.Context, c *cache.Cache) map[string]error {
	const ttl = -time.Second
	values := map[string][]byte{"k": nil}
	return map[string]error{
		"Set":           c.Set(ctx, "k", nil, ttl),
		"Add":           c.Add(ctx, "k", nil, ttl),
		"Replace":       c.Replace(ctx, "k", nil, ttl),
		"IncrementFrom": last(c.IncrementFrom(ctx, "k", 1, 1, ttl)),
		"DecrementFrom": last(c.DecrementFrom(ctx, "k", 1, 1, ttl)),
		"Touch":         c.Touch(ctx, "k", ttl),
		"SetMulti":      c.SetMulti(ctx, values, ttl),
		"AddMulti":      c.AddMulti(ctx, values, ttl),
		"ReplaceMulti":  c.ReplaceMulti(ctx, values, ttl),
	}
}

// The key that reaches the driver is prefix and key, encoded.
func TestKeysAreEncodedOnce(t *testing.T) {
	ctx := t.Context()
	a := &able{stub: newStub()}
	c := cache.New(a, cache.Options{Name: "stub", KeyEncoding: encoding.Base64()}).WithPrefix("my ")
	for name, err := range everyCall(ctx, c, "key", 0) {
		if err != nil && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrNotStored) && !errors.Is(err, cache.ErrNotNumber) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, call := range strings.Split(a.calls(), ", ") {
		if !strings.Contains(call, "bXkga2V5") {
			t.Errorf("the driver did %q, want the key bXkga2V5", call)
		}
	}
}

func TestInvalidKeyTellsTheReason(t *testing.T) {
	c := open(newStub())
	for k, part := range map[string]string{"": "empty", "a b": "0x20", strings.Repeat("x", 251): "251 bytes"} {
		err := c.Set(t.Context(), k, nil, 0)
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("a key of %d bytes: error %v, want one with %q", len(k), err, part)
		}
		if check := c.CheckKey(k); check == nil || check.Error() != err.Error() {
			t.Errorf("CheckKey of %d bytes: %v, want %v", len(k), check, err)
		}
	}
	if err := c.CheckKey("k"); err != nil {
		t.Errorf("CheckKey of a valid key: error %v, want none", err)
	}
	if err := c.Set(t.Context(), "private key", nil, 0); strings.Contains(err.Error(), "private") {
		t.Errorf("the error %q repeats the key", err)
	}
}

// An absent counter is added. If another caller added it meanwhile, it is counted.
func TestInitialRaces(t *testing.T) {
	s := newStub()
	c := open(s)
	step := 0
	s.before = func(string) {
		switch step++; step {
		case 2: // another caller adds the counter first,
			s.items["n"] = "100"
		case 3: // and it is gone before this one can count it
			delete(s.items, "n")
		}
	}
	n, err := c.IncrementFrom(t.Context(), "n", 5, 10, 0)
	if err != nil || n != 15 {
		t.Errorf("IncrementFrom: %d and error %v, want 15", n, err)
	}
	if got, want := s.calls(), "increment n, add n, increment n, add n"; got != want {
		t.Errorf("the driver did %q, want %q", got, want)
	}
	if s.items["n"] != "15" || s.kinds["n"] != driver.Number {
		t.Errorf("stored: %q as %v, want 15 as a number", s.items["n"], s.kinds["n"])
	}
}

func TestInitialCountsWhatAnotherBegan(t *testing.T) {
	s := newStub()
	s.before = func(op string) {
		if op == "add" {
			s.items["n"] = "100"
		}
	}
	n, err := open(s).DecrementFrom(t.Context(), "n", 5, 10, 0)
	if err != nil || n != 95 {
		t.Errorf("DecrementFrom: %d and error %v, want 95", n, err)
	}
}

func TestInitialErrors(t *testing.T) {
	s := newStub()
	s.fail["n"] = errDown
	if _, err := open(s).IncrementFrom(t.Context(), "n", 1, 1, 0); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("an outage: error %v, want it", err)
	}
	if got := s.calls(); got != "increment n" {
		t.Errorf("after an outage the driver did %q, want nothing more", got)
	}
	// An error of the add is not taken for a counter.
	s = newStub()
	s.before = func(op string) {
		if op == "add" {
			s.fail["n"] = errDown
		}
	}
	if n, err := open(s).IncrementFrom(t.Context(), "n", 1, 1, 0); n != 0 || !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("an outage of the add: %d, %v", n, err)
	}
	// A context that ends stops the loop.
	ctx, cancel := context.WithCancel(t.Context())
	s = newStub()
	s.before = func(op string) {
		if op == "increment" {
			delete(s.items, "n")
		} else {
			s.items["n"] = "1"
			cancel()
		}
	}
	if _, err := open(s).IncrementFrom(ctx, "n", 1, 1, 0); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that is done: %v", err)
	}
}

// Without a Pinger, Ping gets a key.
func TestPing(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	c := open(s)
	if err := c.Ping(ctx); err != nil {
		t.Errorf("Ping: %v", err)
	}
	if got := s.calls(); !strings.HasPrefix(got, "get ") || len(s.items) != 0 {
		t.Errorf("Ping did %q", got)
	}
	s.fail["larder-ping"] = errDown
	if err := c.Ping(ctx); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Ping of a server that is down: %v", err)
	}
	delete(s.fail, "larder-ping")
	s.items["larder-ping"] = "of another program"
	if err := c.Ping(ctx); err != nil {
		t.Errorf("Ping where the key is there: %v", err)
	}
	a := &able{stub: newStub()}
	if err := open(a).Ping(ctx); err != nil || a.calls() != "ping" {
		t.Errorf("Ping of the driver: %v", err)
	}
}

func TestStats(t *testing.T) {
	st, err := open(&able{stub: newStub()}).Stats(t.Context())
	if err != nil || st.Hits != 7 {
		t.Errorf("Stats: %+v and error %v", st, err)
	}
}

// The driver is closed once, by whichever view, and the first Close returns its error.
func TestClose(t *testing.T) {
	s := newStub()
	s.fail[""] = errDown
	c := open(s)
	if err := c.WithKind(cache.Text).Close(); !errors.Is(err, cache.ErrUnavailable) {
		t.Errorf("Close: error %v, want that of the driver", err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
	if got := s.calls(); got != "close" {
		t.Errorf("the driver did %q, want one close", got)
	}
}

// The driver gets the caller's context.
func TestContextReachesTheDriver(t *testing.T) {
	type key struct{}
	s := newStub()
	ctx := context.WithValue(t.Context(), key{}, "v")
	open(s).Get(ctx, "k")
	if s.ctx.Value(key{}) != "v" {
		t.Error("the driver got another context")
	}
}

func TestDiscards(t *testing.T) {
	if open(newStub()).Discards() {
		t.Error("Discards is true for a driver that keeps items")
	}
	c, err := cache.Open("null://")
	if err != nil || !c.Discards() || !c.WithPrefix("p").Discards() {
		t.Errorf("Discards is false for null (error %v)", err)
	}
}
