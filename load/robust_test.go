package load_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
)

// A load that returns the panic of another load as an error has not panicked.
func TestPanicOfAnotherLoad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
		go func() {
			defer func() {
				if recover() == nil {
					t.Error("the Get that provided the function does not panic")
				}
			}()
			_, _ = l.Get(ctx, "inner", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				time.Sleep(time.Second)
				panic("broken")
			})
		}()
		synctest.Wait()
		defer func() {
			if v := recover(); v != nil {
				t.Errorf("the outer Get panics: %.60v", v)
			}
		}()
		_, err := l.Get(ctx, "outer", func(ctx context.Context, _ *load.Entry[[]byte]) ([]byte, error) {
			_, err := l.Get(ctx, "inner", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
				return nil, errors.New("a second load")
			})
			return nil, fmt.Errorf("outer: %w", err)
		})
		var p *load.PanicError
		if !errors.As(err, &p) || p.Value != "broken" {
			t.Errorf("the outer Get: %v; want the error of its function, which wraps the panic", err)
		}
	})
}

// However long a value may be kept, and whatever a clock that was set back or a program that
// writes headers makes of that, it is loaded again once it has expired.
func TestKeptForever(t *testing.T) {
	ahead := time.Now().Add(24*time.Hour).UnixMilli() + math.MaxInt64/int64(time.Millisecond)
	for _, keep := range []int64{ahead, math.MaxInt64} {
		c := newMemory(t)
		l := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour, KeepStale: math.MaxInt64})
		item := []byte("\xFElr\x01\x00\x01\x00")
		for _, ms := range []int64{0, 1, keep} { // refresh, expires, keep
			item = binary.BigEndian.AppendUint64(item, uint64(ms))
		}
		item = append(item, "\x00\x00\x00\x01old"...)
		if err := c.Set(context.Background(), "k", item, 0); err != nil {
			t.Fatal(err)
		}
		v, err := l.Get(context.Background(), "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
			return []byte("new"), nil
		})
		if err != nil || string(v) != "new" {
			t.Errorf("kept until %d: Get: %q, %v; want the value that was loaded", keep, v, err)
		}
	}
}

// The records of tags are not values, also where they are in the memory of the process.
func TestRecordIsNotAValue(t *testing.T) {
	ctx := context.Background()
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
	if _, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return nil, nil }, "tag"); err != nil {
		t.Fatal(err)
	}
	if v, err := l.Get(ctx, "~tag", nil); !errors.Is(err, cache.ErrInvalidKey) {
		t.Errorf("Get of the key of a record: %q, %v; want %v", v, err, cache.ErrInvalidKey)
	}
	if v, err := l.GetMulti(ctx, []string{"~tag", "k"}, nil); !errors.Is(err, cache.ErrInvalidKey) || len(v) != 1 {
		t.Errorf("GetMulti with the key of a record: %q, %v; want the other value and %v", v, err, cache.ErrInvalidKey)
	}
}

// The empty key is invalid, as in the cache, and nothing is loaded for it.
func TestEmptyKey(t *testing.T) {
	ctx := context.Background()
	for name, config := range map[string]load.Config[[]byte]{"plain": {}, "KeyTags": {KeyTags: true}} {
		l := newLoader(t, newMemory(t), config)
		_, err1 := l.Get(ctx, "", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
			t.Errorf("%s: Get loads", name)
			return nil, nil
		})
		_, err2 := l.GetMulti(ctx, []string{""}, func(context.Context, *load.Entries[[]byte], []string) (map[string][]byte, error) {
			t.Errorf("%s: GetMulti loads", name)
			return nil, nil
		})
		for op, err := range map[string]error{"Get": err1, "GetMulti": err2, "Delete": l.Delete(ctx, "")} {
			if !errors.Is(err, cache.ErrInvalidKey) {
				t.Errorf("%s: %s: %v, want %v", name, op, err, cache.ErrInvalidKey)
			}
		}
	}
}

// A flush of the cache of the tags invalidates every value that has one.
func TestFlushOfTheTags(t *testing.T) {
	ctx := context.Background()
	tags := newMemory(t)
	l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour, TagCache: tags})
	loads := 0
	get := func() {
		t.Helper()
		if _, err := l.Get(ctx, "k", func(context.Context, *load.Entry[[]byte]) ([]byte, error) {
			loads++
			return nil, nil
		}, "tag"); err != nil {
			t.Fatal(err)
		}
	}
	get()
	get() // the version of the tag is remembered from here on
	if err := tags.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	get()
	if loads != 2 {
		t.Errorf("%d loads, want one before the flush and one after it", loads)
	}
}

// GetMulti of many keys whose load outlasts its lease, and whose load function reads as many
// others, takes little longer than one that does neither.
func TestManyKeysOverdue(t *testing.T) {
	n := 15_000
	if race.Enabled {
		n /= 10 // the race detector makes maps of many keys slow
	}
	took := func(inside func(ctx context.Context, l *load.Bytes, keys []string)) time.Duration {
		began := time.Now() // not in the bubble, where the load takes no time
		synctest.Test(t, func(t *testing.T) {
			l := newLoader(t, newMemory(t), load.Config[[]byte]{TTL: time.Hour})
			keys := make([]string, n)
			for i := range keys {
				keys[i] = fmt.Sprintf("key:%08d", i)
			}
			if _, err := l.GetMulti(context.Background(), keys, func(ctx context.Context, _ *load.Entries[[]byte], missing []string) (map[string][]byte, error) {
				inside(ctx, l, missing)
				return nil, nil
			}); err != nil {
				t.Error(err)
			}
		})
		return time.Since(began)
	}
	var plain, both time.Duration
	for range 5 { // the process may stand still for longer than all of it takes
		plain = took(func(context.Context, *load.Bytes, []string) {})
		both = took(func(ctx context.Context, l *load.Bytes, keys []string) {
			inner := make([]string, len(keys))
			for i, key := range keys {
				inner[i] = "inner:" + key
			}
			if _, err := l.GetMulti(ctx, inner, nil); err != nil {
				t.Error(err)
			}
			time.Sleep(12 * time.Second) // the lease is 10 s
		})
		// Where each of 15,000 keys was looked for among all it took 9 s, and 0.6 s without.
		if both <= 8*plain+2*time.Second {
			return
		}
	}
	t.Errorf("five times longer than 8 times as long and 2 s; the last time %v, and %v without", both, plain)
}
