package dependency_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
)

// A cache in memory evicts no wire before the item that it wires: items that were wired before
// a Delete began are gone when it returns, at any bound.
func TestEvictionKeepsThePromise(t *testing.T) {
	for name, config := range map[string]memory.Config{
		"1 entry":       {MaxEntries: 1},
		"2 entries":     {MaxEntries: 2},
		"3 entries":     {MaxEntries: 3},
		"8 entries":     {MaxEntries: 8},
		"300 entries":   {MaxEntries: 300},
		"5,000 entries": {MaxEntries: 5000},
		"64 KiB":        {MaxBytes: 64 << 10},
		"1 MiB":         {MaxBytes: 1 << 20},
		"64 MiB":        {MaxBytes: 64 << 20},
		"both":          {MaxBytes: 256 << 10, MaxEntries: 400},
		"encoded keys":  {MaxEntries: 300, KeyEncoding: must(encoding.ByName("sha1,base64"))},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := memory.New(config)
			ok(t, err)
			defer c.Close()
			evictUnderTraffic(t, c)
		})
	}
	t.Run("prefix in a namespace", func(t *testing.T) {
		t.Parallel()
		pages, err := memory.New(memory.Config{MaxEntries: 300})
		ok(t, err)
		defer pages.Close()
		c, err := client.New(client.Config{
			Default:  "pages",
			Caches:   map[string]*cache.Cache{"pages": pages},
			Prefixes: map[string]string{"pages": "p:"},
		})
		ok(t, err)
		ns, err := c.Namespace("pages")
		ok(t, err)
		evictUnderTraffic(t, ns.WithPrefix("inner:"))
	})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// traffic drives a cache that evicts from several goroutines, and notes what they know of it.
type traffic struct {
	t       *testing.T
	cache   *cache.Cache
	wires   *dependency.Dependency
	pages   int
	masters int
	next    atomic.Uint64 // the value to set next; none is set twice
	stale   atomic.Int64
	checked atomic.Int64
	refused atomic.Int64

	mu       sync.Mutex
	promised []map[string]string // by master: the values of pages that are wired
}

func evictUnderTraffic(t *testing.T, c *cache.Cache) {
	f := &traffic{t: t, cache: c, wires: newDependency(t, c), pages: 2000, masters: 500}
	for range f.masters {
		f.promised = append(f.promised, map[string]string{})
	}
	rounds := 150
	if *long {
		rounds = 3750
	}
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(g), 1))
			for range rounds {
				switch n := r.IntN(100); {
				case n < 60:
					f.read(r.IntN(f.pages) * r.IntN(f.pages) / f.pages)
				case n < 80:
					f.change(r.IntN(f.pages), r.IntN(8))
				case n < 81 && r.IntN(20) == 0:
					ok(t, c.Flush(t.Context()))
				default:
					f.invalidate(r.IntN(f.masters))
				}
			}
		})
	}
	wg.Wait()
	for m := range f.masters {
		f.invalidate(m)
	}
	if n := f.stale.Load(); n > 0 {
		t.Errorf("%d of %d pages survived the Delete of a master that they were wired to", n, f.checked.Load())
	}
	if n := f.refused.Load(); n > 0 {
		t.Errorf("%d wires were refused", n)
	}
	t.Logf("%d pages checked", f.checked.Load())
}

// read gets a page, and stores and wires it if it is not there. A page has two masters, but
// for one in five, which has none.
func (f *traffic) read(page int) {
	ctx, key := f.t.Context(), fmt.Sprint("page:", page)
	if _, err := f.cache.Get(ctx, key); err == nil {
		return
	}
	value := strconv.FormatUint(f.next.Add(1), 10)
	if err := f.cache.Set(ctx, key, append([]byte(value), make([]byte, page%300)...), ttl); err != nil {
		f.t.Error(err)
		return
	}
	if page%5 == 0 {
		return
	}
	for _, m := range []int{page / 4, (page*7 + 1) % f.masters} {
		f.wire(m, key, value)
	}
}

func (f *traffic) wire(m int, key, value string) {
	if err := f.wires.Add(f.t.Context(), master(m), key); err != nil {
		f.t.Log(err)
		f.refused.Add(1)
		return
	}
	f.mu.Lock()
	f.promised[m][key] = value
	f.mu.Unlock()
}

func master(m int) string { return fmt.Sprint("master:", m, ":") }

// change does to a page what leaves its value in the cache, or wires it again.
func (f *traffic) change(page, how int) {
	ctx, key := f.t.Context(), fmt.Sprint("page:", page)
	var err error
	switch how {
	case 0:
		err = f.cache.Touch(ctx, key, 2*ttl)
	case 1:
		_, err = f.cache.GetAndTouch(ctx, key, 2*ttl)
	case 2, 3:
		var it cache.Item
		if it, err = f.cache.GetItem(ctx, key); err == nil {
			err = f.cache.CompareAndSwap(ctx, it, it.Value, ttl)
		}
	case 4:
		err = f.wires.Add(ctx, master(page/4), key)
	case 5:
		err = f.cache.Delete(ctx, key)
	case 6:
		err = f.wires.Add(ctx, master(page/4), "never-stored")
	case 7:
		_, err = f.cache.IncrementFrom(ctx, fmt.Sprint("count:", page), 1, 0, ttl)
	}
	if err != nil && !errors.Is(err, cache.ErrMiss) && !errors.Is(err, cache.ErrConflict) {
		f.t.Error(how, err)
	}
}

// invalidate deletes a master and looks for the pages that were wired to it before.
func (f *traffic) invalidate(m int) {
	f.mu.Lock()
	promised := f.promised[m]
	f.promised[m] = map[string]string{}
	f.mu.Unlock()
	ctx := f.t.Context()
	if err := f.wires.Delete(ctx, master(m)); err != nil {
		f.t.Error(err)
		return
	}
	for key, value := range promised {
		f.checked.Add(1)
		if v, err := f.cache.Get(ctx, key); err == nil && valueOf(v) == value {
			f.stale.Add(1)
		}
	}
}

// valueOf returns the number in front of the padding.
func valueOf(v []byte) string {
	for i, b := range v {
		if b == 0 {
			return string(v[:i])
		}
	}
	return string(v)
}
