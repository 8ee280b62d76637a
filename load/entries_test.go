package load_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// The Entries of a load of many keys set for each key what its Entry sets for one.
func TestEntries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		l := newLoader(t, newMemory(t), load.Config[string]{TTL: time.Hour, KeepStale: time.Hour, Codec: codec.Text[string]()})
		keys := []string{"short", "kept", "unstored", "old"}
		get := func(f load.MultiFunc[string]) map[string]string {
			t.Helper()
			values, err := l.GetMulti(ctx, keys, f)
			if err != nil {
				t.Fatal(err)
			}
			return values
		}
		load1 := func(_ context.Context, e *load.Entries[string], keys []string) (map[string]string, error) {
			e.TTL("short", time.Minute)
			e.NoStore("unstored")
			e.TTL("old", time.Minute)
			e.TTL("of another load", time.Minute)
			e.NoStore("of another load")
			e.Fail("of another load", errors.New("broken"))
			for _, key := range append(keys, "of another load") {
				if v, ok := e.Old(key); ok {
					t.Errorf("Old of %s: %q, want none", key, v)
				}
			}
			if err := e.Tag(ctx, "of another load", "tag"); err == nil || !strings.Contains(err.Error(), "of another load") {
				t.Errorf("Tag of a key that is not loaded: %v; want an error that names it", err)
			}
			return map[string]string{"short": "1", "kept": "1", "unstored": "1", "old": "1"}, nil
		}
		if got, want := get(load1), (map[string]string{"short": "1", "kept": "1", "unstored": "1", "old": "1"}); !maps.Equal(got, want) {
			t.Errorf("the first GetMulti: %v, want %v", got, want)
		}
		time.Sleep(2 * time.Minute)
		var asked []string
		got := get(func(_ context.Context, e *load.Entries[string], missing []string) (map[string]string, error) {
			asked = slices.Sorted(slices.Values(missing))
			if v, ok := e.Old("old"); !ok || v != "1" {
				t.Errorf("Old: %q, %v; want the value that has expired", v, ok)
			}
			e.Fail("old", load.ErrNotModified)
			return map[string]string{"short": "2", "unstored": "2"}, nil
		})
		if want := (map[string]string{"short": "2", "kept": "1", "unstored": "2", "old": "1"}); !maps.Equal(got, want) || fmt.Sprint(asked) != "[old short unstored]" {
			t.Errorf("the second GetMulti loads %v: %v, want %v", asked, got, want)
		}
	})
}

// A handle tells its key, and no longer has an effect when its load has returned.
func TestEntryAfterLoad(t *testing.T) {
	ctx := context.Background()
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
	var late *load.Entry[[]byte]
	f := func(_ context.Context, e *load.Entry[[]byte]) ([]byte, error) {
		if late = e; e.Key() != "k" {
			t.Errorf("Key: %q, want k", e.Key())
		}
		return []byte("v"), nil
	}
	if _, err := l.Get(ctx, "k", f); err != nil {
		t.Fatal(err)
	}
	late.NoStore()
	late.TTL(-1)
	if err := late.Tag(ctx, "tag"); err == nil || !strings.Contains(err.Error(), "over") {
		t.Errorf("Tag after the load: %v; want an error that says that it is over", err)
	}
	if _, err := l.Get(ctx, "k", nil); err != nil {
		t.Errorf("the next Get: %v, want the value", err)
	}
}

// Each count of Stats is that of what happened.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		c := newMemory(t)
		l := newLoader(t, c, load.Config[string]{TTL: time.Minute, KeepStale: time.Minute, Codec: codec.Text[string]()})
		returns := func(v string, err error) load.Func[string] {
			return func(context.Context, *load.Entry[string]) (string, error) {
				time.Sleep(time.Second)
				return v, err
			}
		}
		get := func(key string, f load.Func[string], want error) {
			t.Helper()
			if _, err := l.Get(ctx, key, f); !errors.Is(err, want) {
				t.Errorf("Get of %s: %v, want %v", key, err, want)
			}
		}
		broken := errors.New("broken")
		get("absent", nil, cache.ErrMiss)                            // a miss
		get("k", returns("v", nil), nil)                             // a miss, and a load
		get("k", nil, nil)                                           // a hit
		get("none", returns("", load.ErrNotFound), load.ErrNotFound) // a miss, and a load
		get("bad", returns("", broken), broken)                      // a load, and a failure
		go get("twice", returns("v", nil), nil)                      // a miss, and a load
		synctest.Wait()
		get("twice", returns("w", nil), nil) // a miss, and a wait
		time.Sleep(time.Minute)
		get("k", returns("", broken), nil) // a stale hit, and a load
		want := load.Stats{
			Hits: 2, StaleHits: 1, Misses: 5, Waits: 1, Failures: 1,
			Loads: 5, LoadErrors: 2, LoadNotFound: 1, LoadTime: 5 * time.Second,
		}
		if got := l.Stats(); got != want {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// The error of a panic has its value and its stack, and is the value if that is an error.
func TestPanicError(t *testing.T) {
	broken := errors.New("broken")
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
	defer func() {
		err, _ := recover().(error)
		var p *load.PanicError
		if !errors.As(err, &p) || !errors.Is(err, broken) || !strings.Contains(err.Error(), "broken") || !strings.Contains(err.Error(), "entries_test.go") {
			t.Errorf("recovered %v; want a PanicError with the value and the stack of the load function", err)
		}
	}()
	_, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { panic(broken) })
	t.Errorf("Get: %v, want a panic", err)
}
