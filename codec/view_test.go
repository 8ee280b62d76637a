package codec_test

import (
	"context"
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

func newView[V any](t *testing.T, c codec.Codec[V]) (*codec.View[V], *cache.Cache) {
	t.Helper()
	m, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return codec.NewView(m, c), m
}

func is(t *testing.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("error %v, want %v", got, want)
	}
}

// The operations of a view store and return values, with the rules of the cache.
func TestView(t *testing.T) {
	ctx := context.Background()
	users, _ := newView(t, codec.JSON[user]())
	ann, bob := user{Name: "Ann"}, user{Name: "Bob", Teams: []int{1}}
	_, err := users.Get(ctx, "k")
	is(t, err, cache.ErrMiss)
	is(t, users.Replace(ctx, "k", ann, 0), cache.ErrNotStored)
	is(t, users.Add(ctx, "k", ann, 0), nil)
	is(t, users.Add(ctx, "k", bob, 0), cache.ErrNotStored)
	holds(t, users, "k", ann)
	is(t, users.Replace(ctx, "k", bob, 0), nil)
	holds(t, users, "k", bob)
	is(t, users.Set(ctx, "k", ann, 0), nil)
	holds(t, users, "k", ann)
	is(t, users.Delete(ctx, "k"), nil)
	is(t, users.Delete(ctx, "k"), cache.ErrMiss)
	is(t, users.Set(ctx, "", ann, 0), cache.ErrInvalidKey)
	is(t, users.Set(ctx, "k", ann, -1), cache.ErrInvalidTTL)
}

func holds[V any](t *testing.T, v *codec.View[V], key string, want V) {
	t.Helper()
	got, err := v.Get(context.Background(), key)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Get of %q: %v, %v; want %v", key, got, err, want)
	}
}

func TestViewMulti(t *testing.T) {
	ctx := context.Background()
	words, c := newView(t, codec.JSON[string]())
	is(t, words.SetMulti(ctx, map[string]string{"a": "A", "b": "B"}, 0), nil)
	is(t, c.Set(ctx, "bad", []byte("{"), 0), nil)
	got, err := words.GetMulti(ctx, []string{"a", "b", "absent", "bad", "in valid"})
	if want := map[string]string{"a": "A", "b": "B"}; !maps.Equal(got, want) {
		t.Errorf("GetMulti: %v, want %v", got, want)
	}
	var m *cache.MultiError
	if !errors.As(err, &m) || m.Op != cache.OpGetMulti {
		t.Fatalf("GetMulti: %v, want a MultiError", err)
	}
	if want := []string{"bad", "in valid"}; !slices.Equal(m.Keys(), want) {
		t.Errorf("the keys of the error: %q, want %q", m.Keys(), want)
	}
	is(t, m.Errors["bad"], cache.ErrUnreadable)
	is(t, m.Errors["in valid"], cache.ErrInvalidKey)

	err = words.AddMulti(ctx, map[string]string{"a": "no", "c": "C"}, 0)
	if !errors.As(err, &m) || len(m.Errors) != 1 || !errors.Is(m.Errors["a"], cache.ErrNotStored) {
		t.Errorf("AddMulti: %v, want ErrNotStored for a", err)
	}
	holds(t, words, "a", "A")
	holds(t, words, "c", "C")
	err = words.ReplaceMulti(ctx, map[string]string{"a": "AA", "d": "no"}, 0)
	if !errors.As(err, &m) || len(m.Errors) != 1 || !errors.Is(m.Errors["d"], cache.ErrNotStored) {
		t.Errorf("ReplaceMulti: %v, want ErrNotStored for d", err)
	}
	holds(t, words, "a", "AA")
}

// Of many values everything that can be encoded is stored, and the error names the others.
func TestViewMultiEncodes(t *testing.T) {
	ctx := context.Background()
	numbers, _ := newView(t, codec.JSON[any]())
	err := numbers.SetMulti(ctx, map[string]any{"good": "text", "bad": make(chan int)}, 0)
	var m *cache.MultiError
	if !errors.As(err, &m) || m.Op != cache.OpSetMulti || len(m.Errors) != 1 || m.Errors["bad"] == nil {
		t.Errorf("SetMulti: %v, want an error of the value that cannot be encoded", err)
	}
	holds(t, numbers, "good", any("text"))
}

// A value that cannot be decoded is an error that names the key and matches a sentinel.
func TestViewUnreadable(t *testing.T) {
	ctx := context.Background()
	users, c := newView(t, codec.JSON[user]())
	is(t, c.Set(ctx, "k", []byte("\x80\x04pickle."), 0), nil)
	got, err := users.Get(ctx, "k")
	is(t, err, cache.ErrUnreadable)
	if err == nil || !strings.Contains(err.Error(), `"k"`) {
		t.Errorf("error %q, want the key in it", err)
	}
	if !reflect.DeepEqual(got, user{}) {
		t.Errorf("a value with the error: %v", got)
	}
	is(t, users.Update(ctx, "k", 0, func(u user) (user, error) { return u, nil }), cache.ErrUnreadable)
	broken := codec.NewView(c, codec.Codec[string](broken{}))
	is(t, broken.Set(ctx, "k", "v", 0), errCodec)
	_, err = broken.Get(ctx, "k")
	is(t, err, errCodec)
}

// A session that is used lives on, and one that is not used ends.
func TestViewSlidingSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		sessions, _ := newView(t, codec.JSON[user]())
		is(t, sessions.Set(ctx, "s", user{Name: "Ann"}, time.Minute), nil)
		for range 5 {
			time.Sleep(50 * time.Second)
			u, err := sessions.GetAndTouch(ctx, "s", time.Minute)
			if err != nil || u.Name != "Ann" {
				t.Fatalf("GetAndTouch: %v, %v", u, err)
			}
		}
		time.Sleep(61 * time.Second)
		_, err := sessions.GetAndTouch(ctx, "s", time.Minute)
		is(t, err, cache.ErrMiss)
	})
}

// A value that an operation stored expires after its TTL, and not before.
func TestViewTTL(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := context.Background()
		v, _ := newView(t, codec.Text[string]())
		one := func(key string) map[string]string { return map[string]string{key: "new"} }
		for key, store := range map[string]func(key string, ttl time.Duration) error{
			"Set":          func(key string, ttl time.Duration) error { return v.Set(ctx, key, "new", ttl) },
			"Add":          func(key string, ttl time.Duration) error { return v.Add(ctx, key, "new", ttl) },
			"Replace":      func(key string, ttl time.Duration) error { return v.Replace(ctx, key, "new", ttl) },
			"SetMulti":     func(key string, ttl time.Duration) error { return v.SetMulti(ctx, one(key), ttl) },
			"AddMulti":     func(key string, ttl time.Duration) error { return v.AddMulti(ctx, one(key), ttl) },
			"ReplaceMulti": func(key string, ttl time.Duration) error { return v.ReplaceMulti(ctx, one(key), ttl) },
			"Update": func(key string, ttl time.Duration) error {
				return v.Update(ctx, key, ttl, func(string) (string, error) { return "new", nil })
			},
			"GetAndTouch": func(key string, ttl time.Duration) error { _, err := v.GetAndTouch(ctx, key, ttl); return err },
		} {
			want := "new"
			switch key {
			case "Replace", "ReplaceMulti", "Update":
				is(t, v.Set(ctx, key, "old", 0), nil)
			case "GetAndTouch":
				want = "old"
				is(t, v.Set(ctx, key, "old", 0), nil)
			}
			if err := store(key, time.Minute); err != nil {
				t.Errorf("%s: %v", key, err)
			}
			time.Sleep(59 * time.Second)
			holds(t, v, key, want)
			time.Sleep(time.Second)
			if got, err := v.Get(ctx, key); !errors.Is(err, cache.ErrMiss) {
				t.Errorf("%s with a TTL of a minute: after it Get returns %q, %v", key, got, err)
			}
		}
	})
}

// No update is lost, with any number of callers that update.
func TestViewUpdate(t *testing.T) {
	ctx := context.Background()
	counts, _ := newView(t, codec.JSON[int]())
	is(t, counts.Update(ctx, "k", 0, func(int) (int, error) { t.Error("called for an absent key"); return 0, nil }), cache.ErrMiss)
	is(t, counts.Set(ctx, "k", 0, 0), nil)
	var wg sync.WaitGroup
	for range 10 {
		wg.Go(func() {
			for range 50 {
				for {
					err := counts.Update(ctx, "k", 0, func(n int) (int, error) { return n + 1, nil })
					if err == nil {
						break
					}
					is(t, err, cache.ErrConflict)
				}
			}
		})
	}
	wg.Wait()
	holds(t, counts, "k", 500)
}

// An error of the change ends an update, and a value that never stays the same does too.
func TestViewUpdateEnds(t *testing.T) {
	ctx := context.Background()
	words, _ := newView(t, codec.JSON[string]())
	is(t, words.Set(ctx, "k", "v", 0), nil)
	is(t, words.Update(ctx, "k", 0, func(string) (string, error) { return "no", errCodec }), errCodec)
	holds(t, words, "k", "v")
	calls := 0
	err := words.Update(ctx, "k", 0, func(string) (string, error) {
		calls++
		return "mine", words.Set(ctx, "k", "theirs", 0)
	})
	is(t, err, cache.ErrConflict)
	if calls < 2 || calls > 1000 {
		t.Errorf("the change was called %d times, want some", calls)
	}
	holds(t, words, "k", "theirs")
}

func TestNewViewInvalid(t *testing.T) {
	_, c := newView(t, codec.JSON[int]())
	for name, f := range map[string]func(){
		"cache": func() { codec.NewView[int](nil, codec.JSON[int]()) },
		"codec": func() { codec.NewView[int](c, nil) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("no %s: no panic", name)
				}
			}()
			f()
		}()
	}
}

// A key of a loader is reported as that, and not as invalid JSON.
func TestViewOfLoaderKey(t *testing.T) {
	ctx := context.Background()
	view, c := newView(t, codec.JSON[user]())
	users, err := load.New(c, load.Config[user]{Codec: codec.JSON[user](), TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	_, err = users.Get(ctx, "user:7", func(context.Context, *load.Entry[user]) (user, error) { return user{Name: "Ann"}, nil })
	if err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"Get":      func() error { _, err := view.Get(ctx, "user:7"); return err },
		"GetMulti": func() error { _, err := view.GetMulti(ctx, []string{"user:7"}); return err },
		"Update": func() error {
			return view.Update(ctx, "user:7", 0, func(u user) (user, error) { return u, nil })
		},
	} {
		err := do()
		is(t, err, cache.ErrUnreadable)
		var m *cache.MultiError
		if errors.As(err, &m) {
			err = m.Errors["user:7"]
		}
		for _, want := range []string{`"user:7"`, "header of package load", "through its loader"} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %q, want one that says %q", name, err, want)
			}
		}
	}
}
