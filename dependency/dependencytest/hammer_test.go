package dependencytest_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/dependency/dependencytest"
	"github.com/larder-go/larder/memory"
)

func TestHammer(t *testing.T) {
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	dependencytest.Hammer(t, c, c.WithKind(cache.Text))
}

// A driver that breaks the rules on which the promise rests must be found out.
func TestHammerFindsBrokenDrivers(t *testing.T) {
	for name, broken := range map[string]*store{
		"compare-and-delete that does not compare": {careless: true},
		"increment by 0 that is not a change":      {still: true},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			// Chance decides; a round takes some 10 ms, and most often a few do.
			for range 2000 {
				broken.items = map[string]item{}
				dependencytest.Hammer(r, cache.New(broken, cache.Options{Name: "broken"}))
				if r.failed != "" {
					break
				}
			}
			if !strings.Contains(r.failed, "survived") {
				t.Errorf("Hammer reported %q, want a key that survived", r.failed)
			}
		})
	}
	good := &store{items: map[string]item{}}
	dependencytest.Hammer(t, cache.New(good, cache.Options{Name: "good"}))
}

// recorder takes the failures of a test that should fail.
type recorder struct {
	testing.TB
	mu     sync.Mutex
	failed string // the first failure
}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.failed == "" {
		r.failed = fmt.Sprintf(format, args...)
	}
}

// store is a driver in a map, with faults on demand. It lets others run before each
// operation, for a shorter or a longer while, as a server does.
type store struct {
	careless bool
	still    bool

	mu      sync.Mutex
	items   map[string]item
	version uint64
}

type item struct {
	value   []byte
	version uint64
}

func (s *store) Get(_ context.Context, key string) ([]byte, error) {
	it, err := s.GetItem(context.Background(), key)
	return it.Value, err
}

func (s *store) Store(_ context.Context, mode driver.Mode, e driver.Entry) error {
	s.lock()
	defer s.mu.Unlock()
	if _, ok := s.items[e.Key]; mode == driver.Add && ok || mode == driver.Replace && !ok {
		return driver.ErrNotStored
	}
	s.put(e.Key, append([]byte{}, e.Value...))
	return nil
}

func (s *store) Delete(_ context.Context, key string) error {
	s.lock()
	defer s.mu.Unlock()
	if _, ok := s.items[key]; !ok {
		return driver.ErrMiss
	}
	delete(s.items, key)
	return nil
}

func (s *store) Increment(_ context.Context, key string, delta uint64) (uint64, error) {
	s.lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if !ok {
		return 0, driver.ErrMiss
	}
	n, err := strconv.ParseUint(string(it.value), 10, 64)
	if err != nil {
		return 0, driver.ErrNotNumber
	}
	if delta != 0 || !s.still {
		s.put(key, strconv.AppendUint(nil, n+delta, 10))
	}
	return n + delta, nil
}

func (s *store) Decrement(context.Context, string, uint64) (uint64, error) {
	panic("not used by package dependency")
}

func (s *store) GetItem(_ context.Context, key string) (driver.Item, error) {
	s.lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if !ok {
		return driver.Item{}, driver.ErrMiss
	}
	return driver.Item{Value: it.value, Token: it.version}, nil
}

func (s *store) CompareAndSwap(context.Context, any, driver.Entry) error {
	panic("not used by package dependency")
}

func (s *store) CompareAndDelete(_ context.Context, key string, token any) error {
	s.lock()
	defer s.mu.Unlock()
	it, ok := s.items[key]
	if !ok {
		return driver.ErrMiss
	}
	if it.version != token && !s.careless {
		return driver.ErrConflict
	}
	delete(s.items, key)
	return nil
}

func (s *store) Flush(context.Context) error { panic("not used by package dependency") }

func (s *store) Close() error { return nil }

func (s *store) lock() {
	for range rand.IntN(8) {
		runtime.Gosched()
	}
	s.mu.Lock()
}

func (s *store) put(key string, value []byte) {
	s.version++
	s.items[key] = item{value, s.version}
}

func BenchmarkMemory(b *testing.B) {
	c, err := memory.New(memory.Config{})
	if err != nil {
		b.Fatal(err)
	}
	dependencytest.Bench(b, c)
}
