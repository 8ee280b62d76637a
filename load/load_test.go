package load_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

var ctx = context.Background()

func open(t *testing.T) (*cache.Cache, *dependency.Dependency) {
	t.Helper()
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	d, err := dependency.New(c, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return c, d
}

func loader(t *testing.T, c *cache.Cache) *load.Loader {
	t.Helper()
	l, err := load.New(c, load.Config{TTL: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// value loads a constant.
func value(v string) load.Func {
	return func(context.Context, load.Wire) ([]byte, error) { return []byte(v), nil }
}

// never fails the test if it is called.
func never(t *testing.T) load.Func {
	return func(context.Context, load.Wire) ([]byte, error) {
		t.Error("loaded, want the cached value")
		return nil, errors.New("loaded")
	}
}

func want(t *testing.T, l *load.Loader, key, v string, f load.Func) {
	t.Helper()
	got, err := l.Get(ctx, key, f)
	if err != nil || string(got) != v {
		t.Errorf("Get(%q) = %q, %v; want %q", key, got, err, v)
	}
}

func TestLoadsOnceAndCaches(t *testing.T) {
	c, _ := open(t)
	l := loader(t, c)
	want(t, l, "k", "v", value("v"))
	want(t, l, "k", "v", never(t))
	if v, err := c.Get(ctx, "k"); err != nil || string(v) != "v" {
		t.Errorf("in the cache: %q, %v; want the value as it is", v, err)
	}
}

// Callers of two loaders stand for two processes: they share the cache only.
func TestNoStampede(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		var loads atomic.Int32
		slow := func(context.Context, load.Wire) ([]byte, error) {
			loads.Add(1)
			time.Sleep(time.Second)
			return []byte("v"), nil
		}
		var wg sync.WaitGroup
		for _, l := range []*load.Loader{loader(t, c), loader(t, c)} {
			for range 50 {
				wg.Go(func() { want(t, l, "k", "v", slow) })
			}
		}
		wg.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("%d loads for 100 callers in two processes, want 1", n)
		}
	})
}

func TestInvalidationDuringALoadWins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := open(t)
		l := loader(t, c)
		var data atomic.Value
		data.Store("old")
		slow := func(ctx context.Context, wire load.Wire) ([]byte, error) {
			if err := wire(ctx, "m:"); err != nil {
				return nil, err
			}
			v := data.Load().(string)
			time.Sleep(time.Second)
			return []byte(v), nil
		}
		var wg sync.WaitGroup
		wg.Go(func() { want(t, l, "k", "old", slow) }) // it began before the change
		synctest.Wait()
		data.Store("new")
		if err := d.Delete(ctx, "m:"); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { want(t, l, "k", "new", slow) }) // joins the load, after the change
		synctest.Wait()
		wg.Wait()
		want(t, l, "k", "new", never(t))
	})
}

// pause holds a call at its end: the cache is changed, the loader does not know yet.
type pause struct {
	op   cache.Op
	hold chan struct{}
}

func (p pause) Start(ctx context.Context, _ cache.Call) context.Context { return ctx }
func (p pause) End(_ context.Context, o cache.Call, _ cache.Result) {
	if o.Op == p.op {
		<-p.hold
	}
}

// Who comes after an invalidation must not join a load from before it, even if that
// load has stored its value and is about to return.
func TestInvalidationRightAfterTheValueIsStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := open(t)
		p := pause{cache.OpCompareAndSwap, make(chan struct{})}
		l := loader(t, c.WithHook(p))
		wired := func(v string) load.Func {
			return func(ctx context.Context, wire load.Wire) ([]byte, error) {
				return []byte(v), wire(ctx, "m:")
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { want(t, l, "k", "old", wired("old")) })
		synctest.Wait()
		if err := d.Delete(ctx, "m:"); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() { want(t, l, "k", "new", wired("new")) })
		synctest.Wait()
		close(p.hold)
		wg.Wait()
	})
}

func TestInvalidationAfterALoad(t *testing.T) {
	c, d := open(t)
	l := loader(t, c)
	wired := func(v string) load.Func {
		return func(ctx context.Context, wire load.Wire) ([]byte, error) {
			return []byte(v), wire(ctx, "m:")
		}
	}
	want(t, l, "k", "old", wired("old"))
	if err := d.Delete(ctx, "m:"); err != nil {
		t.Fatal(err)
	}
	want(t, l, "k", "new", wired("new"))
}

func TestErrorsAreSharedAndNotCached(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		l := loader(t, c)
		broken := errors.New("broken")
		var loads atomic.Int32
		fail := func(context.Context, load.Wire) ([]byte, error) {
			loads.Add(1)
			time.Sleep(time.Second)
			return nil, broken
		}
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				if _, err := l.Get(ctx, "k", fail); err != broken {
					t.Errorf("%v, want the error of the load", err)
				}
			})
		}
		wg.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("%d loads, want 1", n)
		}
		failed := time.Now()
		want(t, l, "k", "v", value("v"))
		if waited := time.Since(failed); waited != 0 {
			t.Errorf("the next load waited %v, want the lease given back", waited)
		}
	})
}

// The value is stored a while after its wire, with a whole TTL before it.
func TestWiresOutliveTheValue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, d := open(t)
		l := loader(t, c)
		want(t, l, "k", "old", func(ctx context.Context, wire load.Wire) ([]byte, error) {
			err := wire(ctx, "m:")
			time.Sleep(9 * time.Second) // of the 10 of the lease
			return []byte("old"), err
		})
		time.Sleep(59 * time.Second) // of the minute of the TTL
		want(t, l, "k", "old", never(t))
		if err := d.Delete(ctx, "m:"); err != nil {
			t.Fatal(err)
		}
		want(t, l, "k", "new", value("new"))
	})
}

func TestPanicLeavesNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		l := loader(t, c)
		var wg sync.WaitGroup
		wg.Go(func() {
			defer func() { recover() }()
			l.Get(ctx, "k", func(context.Context, load.Wire) ([]byte, error) {
				time.Sleep(time.Second)
				panic("in load")
			})
		})
		synctest.Wait()
		began := time.Now()
		want(t, l, "k", "v", value("v"))
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("waited %v, want until the panic and no longer", waited)
		}
		wg.Wait()
	})
}

func TestACallerThatGivesUpDoesNotFailTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		l := loader(t, c)
		short, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		slow := func(ctx context.Context, _ load.Wire) ([]byte, error) {
			select {
			case <-time.After(3 * time.Second):
				return []byte("v"), nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			if _, err := l.Get(short, "k", slow); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("%v, want the error of the context", err)
			}
		})
		synctest.Wait()
		wg.Go(func() { want(t, l, "k", "v", slow) })
		synctest.Wait()
		hasty, cancelHasty := context.WithTimeout(ctx, time.Millisecond)
		defer cancelHasty()
		if _, err := l.Get(hasty, "k", slow); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("one who waits: %v, want the error of the context", err)
		}
		wg.Wait()
	})
}

func TestACallerThatGivesUpLateLeavesTheValue(t *testing.T) {
	c, _ := open(t)
	short, cancel := context.WithCancel(ctx)
	v, err := loader(t, c).Get(short, "k", func(context.Context, load.Wire) ([]byte, error) {
		cancel()
		return []byte("v"), nil
	})
	if err != nil || string(v) != "v" {
		t.Errorf("%q, %v; want the value, since it is there", v, err)
	}
	want(t, loader(t, c), "k", "v", never(t))
}

func TestAValueWithoutItsWireIsNotCached(t *testing.T) {
	c, _ := open(t)
	l := loader(t, c)
	want(t, l, "k", "v", func(ctx context.Context, wire load.Wire) ([]byte, error) {
		if err := wire(ctx, "not a legal key"); err == nil {
			t.Error("wire to an illegal key: no error")
		}
		return []byte("v"), nil
	})
	if v, err := c.Get(ctx, "k"); !errors.Is(err, cache.ErrMiss) {
		t.Errorf("in the cache: %q, %v; want ErrMiss", v, err)
	}
}

func TestALeaseRunsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		// What a process leaves behind that died while it loaded.
		if err := c.Add(ctx, "k", nil, 10*time.Second); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		want(t, loader(t, c), "k", "v", value("v"))
		if waited := time.Since(start); waited < 9*time.Second || waited > 11*time.Second {
			t.Errorf("waited %v, want the 10 s of the lease", waited)
		}
	})
}

func TestEmptyValuesAreNotCached(t *testing.T) {
	c, _ := open(t)
	l := loader(t, c)
	want(t, l, "k", "", value(""))
	want(t, l, "k", "v", value("v"))
}

func TestTooLargeForTheCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := memory.New(memory.Config{MaxBytes: memory.MinMaxBytes})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		l := loader(t, c)
		large := strings.Repeat("v", memory.MinMaxBytes)
		began := time.Now()
		for range 3 {
			want(t, l, "k", large, value(large))
		}
		if waited := time.Since(began); waited != 0 {
			t.Errorf("three loads took %v, want no waiting for a lease", waited)
		}
	})
}

// forgetful is a cache that evicts everything at once.
type forgetful struct{ driver.Cache }

func (forgetful) Get(context.Context, string) ([]byte, error)            { return nil, driver.ErrMiss }
func (forgetful) Store(context.Context, driver.Mode, driver.Entry) error { return nil }
func (forgetful) GetItem(context.Context, string) (driver.Item, error) {
	return driver.Item{}, driver.ErrMiss
}
func (forgetful) CompareAndSwap(context.Context, any, driver.Entry) error { return driver.ErrMiss }
func (forgetful) CompareAndDelete(context.Context, string, any) error     { return driver.ErrMiss }

func TestACacheThatEvictsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		want(t, loader(t, cache.New(forgetful{}, cache.Options{Name: "forgetful"})), "k", "v", value("v"))
	})
}

func TestAnEmptyItemWithoutAnEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		if err := c.Set(ctx, "k", nil, 0); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		want(t, loader(t, c), "k", "v", value("v"))
		if waited := time.Since(began); waited > 11*time.Second {
			t.Errorf("waited %v, want no longer than the lease of 10 s and a little", waited)
		}
		want(t, loader(t, c), "k", "v", never(t))
	})
}

func TestALoadMayNeedOtherKeysButNotItsOwn(t *testing.T) {
	c, _ := open(t)
	l := loader(t, c)
	var own error
	want(t, l, "outer", "inner value", func(ctx context.Context, _ load.Wire) ([]byte, error) {
		return l.Get(ctx, "inner", func(ctx context.Context, _ load.Wire) ([]byte, error) {
			_, own = l.Get(ctx, "outer", never(t))
			return []byte("inner value"), nil
		})
	})
	if own == nil {
		t.Error("a load that needs its own key: no error")
	}
	want(t, l, "inner", "inner value", never(t))
}

func TestLoadsThatWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, _ := open(t)
		l := loader(t, c)
		needs := func(other string) load.Func {
			return func(ctx context.Context, _ load.Wire) ([]byte, error) {
				time.Sleep(time.Second)
				return l.Get(ctx, other, value("v"))
			}
		}
		var wg sync.WaitGroup
		wg.Go(func() { want(t, l, "a", "v", needs("b")) })
		wg.Go(func() { want(t, l, "b", "v", needs("a")) })
		wg.Wait()
	})
}

func TestNullLoadsEachTime(t *testing.T) {
	l := loader(t, null.New(null.Config{}))
	for i := range 3 {
		v := fmt.Sprint(i)
		want(t, l, "k", v, value(v))
	}
}

// down is a cache whose server does not answer.
type down struct{ driver.Cache }

var errDown = driver.Unavailable("down", cache.OpGet, "nowhere:1", errors.New("connection refused"))

func (down) Get(context.Context, string) ([]byte, error)             { return nil, errDown }
func (down) Store(context.Context, driver.Mode, driver.Entry) error  { return errDown }
func (down) GetItem(context.Context, string) (driver.Item, error)    { return driver.Item{}, errDown }
func (down) CompareAndSwap(context.Context, any, driver.Entry) error { return errDown }
func (down) CompareAndDelete(context.Context, string, any) error     { return errDown }

func TestAnOutageDoesNotStopTheProgram(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := loader(t, cache.New(down{}, cache.Options{Name: "down"}))
		var loads atomic.Int32
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				want(t, l, "k", "v", func(context.Context, load.Wire) ([]byte, error) {
					loads.Add(1)
					time.Sleep(time.Second)
					return []byte("v"), nil
				})
			})
		}
		wg.Wait()
		if n := loads.Load(); n != 1 {
			t.Errorf("%d loads, want 1 for all who wait", n)
		}
	})
}

func TestMistakesAreErrors(t *testing.T) {
	c, _ := open(t)
	if _, err := loader(t, c).Get(ctx, "bad key", never(t)); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("illegal key: %v, want ErrInvalidKey", err)
	}
	if _, err := load.New(c, load.Config{TTL: -1}); err == nil {
		t.Error("negative TTL: no error")
	}
	if _, err := load.New(cache.New(struct{ driver.Cache }{}, cache.Options{}), load.Config{}); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("no compare-and-swap: %v, want ErrUnsupported", err)
	}
}
