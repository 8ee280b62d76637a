package dependency_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/client"
	"github.com/larder-go/larder/dependency"
	"github.com/larder-go/larder/encoding"
	"github.com/larder-go/larder/memory"
	"github.com/larder-go/larder/null"
)

func newMemory(t testing.TB) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func newDependency(t testing.TB, c *cache.Cache) *dependency.Dependency {
	t.Helper()
	d, err := dependency.New(c, ttl)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func set(t testing.TB, c *cache.Cache, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := c.Set(t.Context(), key, []byte("value of "+key), ttl); err != nil {
			t.Fatal(err)
		}
	}
}

// want checks which of the keys are in the cache.
func want(t testing.TB, c *cache.Cache, there string, keys ...string) {
	t.Helper()
	found, err := c.GetMulti(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range keys {
		if _, ok := found[key]; ok {
			got = append(got, key)
		}
	}
	if s := strings.Join(got, " "); s != there {
		t.Errorf("of %v there are %q, want %q", keys, s, there)
	}
}

func ok(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantErr(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("got error %v, want %v", err, target)
	}
}

// The layout is shared with programs in other languages: to the letter.
func TestLayout(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	ok(t, d.AddMulti(ctx, "mk:order:100:", []string{"k1", "k2"}))
	ok(t, d.Add(ctx, "mk:order:100:", "k3"))

	type stored struct {
		Value string
		Kind  string
	}
	got := map[string]stored{}
	for _, key := range []string{"mk:order:100:", "mk:order:100:0", "mk:order:100:1", "mk:order:100:2", "mk:order:100:3", "mk:order:100:4"} {
		it, err := c.GetItem(ctx, key)
		if errors.Is(err, cache.ErrMiss) {
			continue
		}
		ok(t, err)
		got[key] = stored{string(it.Value), it.Kind.String()}
	}
	want := map[string]stored{
		"mk:order:100:":  {"3", "number"},
		"mk:order:100:1": {"k1", "text"},
		"mk:order:100:2": {"k2", "text"},
		"mk:order:100:3": {"k3", "text"},
	}
	if !maps.Equal(got, want) {
		t.Errorf("the cache holds %v, want %v", got, want)
	}
}

func TestWireGoesOnWhereOthersCounted(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	ok(t, c.WithKind(cache.Number).Set(ctx, "m", []byte("5"), 0))
	ok(t, newDependency(t, c).Add(ctx, "m", "k"))
	want(t, c, "m m6", "m", "m1", "m5", "m6", "m7")
}

func TestDelete(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	set(t, c, "a", "b", "other")
	ok(t, d.Add(ctx, "m", "a"))
	ok(t, d.Add(ctx, "m", "b"))
	ok(t, d.Add(ctx, "m", "b")) // again
	ok(t, d.Add(ctx, "m", "gone"))
	ok(t, d.Add(ctx, "n", "other"))

	ok(t, d.Delete(ctx, "m"))
	want(t, c, "other n n1", "a", "b", "m", "m1", "m2", "m3", "m4", "other", "n", "n1")
	ok(t, d.Delete(ctx, "m")) // nothing is wired any more
	ok(t, d.Delete(ctx, "never-used"))
}

func TestDeleteOfManySlots(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	keys := make([]string, 10_000)
	values := map[string][]byte{}
	for i := range keys {
		keys[i] = fmt.Sprint("key", i)
		values[keys[i]] = nil
	}
	ok(t, c.SetMulti(ctx, values, ttl))
	ok(t, d.AddMulti(ctx, "m", keys))
	got, err := d.Keys(ctx, "m")
	ok(t, err)
	if !slices.Equal(got, keys) {
		t.Errorf("Keys gave %d keys, want the %d in their order", len(got), len(keys))
	}
	ok(t, d.Delete(ctx, "m"))
	stats, err := c.Stats(ctx)
	ok(t, err)
	if stats.Entries != 0 {
		t.Errorf("%d entries are left, want none", stats.Entries)
	}
}

func TestDeleteMulti(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	set(t, c, "a", "b", "both", "kept")
	ok(t, d.AddMulti(ctx, "m", []string{"a", "both"}))
	ok(t, d.AddMulti(ctx, "n", []string{"b", "both"}))
	ok(t, d.Add(ctx, "other", "kept"))
	set(t, c, "garbage")

	err := d.DeleteMulti(ctx, []string{"m", "absent", "n", "m", "garbage", "not valid"})
	var multi *cache.MultiError
	if !errors.As(err, &multi) || !slices.Equal(multi.Keys(), []string{"garbage", "not valid"}) {
		t.Fatalf("got %v, want a MultiError for garbage and the invalid master", err)
	}
	wantErr(t, multi.Errors["garbage"], cache.ErrNotNumber)
	wantErr(t, multi.Errors["not valid"], cache.ErrInvalidKey)
	want(t, c, "kept garbage", "a", "b", "both", "m", "m1", "m2", "n", "n1", "n2", "kept", "garbage")
	ok(t, d.DeleteMulti(ctx, nil))
	ok(t, d.DeleteMulti(ctx, []string{"other"}))
	want(t, c, "", "kept")
}

func TestKeys(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	got, err := d.Keys(ctx, "m")
	if len(got) != 0 || err != nil {
		t.Errorf("keys of an absent master: %q, %v; want none", got, err)
	}
	ok(t, d.AddMulti(ctx, "m", []string{"a", "b", "a"}))
	ok(t, d.Add(ctx, "m", "c"))
	ok(t, c.Delete(ctx, "m2"))                                         // expired, say
	ok(t, c.WithKind(cache.Number).Set(ctx, "m4", []byte("7"), 0))     // the count of a master "m4"
	ok(t, d.Add(ctx, "m", strings.Repeat("long", 60)))                 // m5
	ok(t, c.WithKind(cache.Bytes).Add(ctx, "m6", []byte("python"), 0)) // beyond the count
	got, err = d.Keys(ctx, "m")
	ok(t, err)
	if want := []string{"a", strings.Repeat("long", 60)}; !slices.Equal(got, want) {
		t.Errorf("keys are %q, want %q", got, want)
	}

	set(t, c, "garbage")
	_, err = d.Keys(ctx, "garbage")
	wantErr(t, err, cache.ErrNotNumber)
	_, err = d.Keys(ctx, "not valid")
	wantErr(t, err, cache.ErrInvalidKey)
}

func TestNew(t *testing.T) {
	if _, err := dependency.New(nil, 0); err == nil {
		t.Error("a nil cache was taken")
	}
	_, err := dependency.New(newMemory(t), -time.Second)
	wantErr(t, err, cache.ErrInvalidTTL)
	_, err = dependency.New(cache.New(struct{ driver.Cache }{}, cache.Options{Name: "plain"}), 0)
	wantErr(t, err, errors.ErrUnsupported)
}

// A key that cannot be wired is rejected before anything is stored.
func TestAddRefuses(t *testing.T) {
	ctx := t.Context()
	canceled, cancel := context.WithCancel(ctx)
	cancel()
	for name, c := range map[string]struct {
		ctx         context.Context
		master, key string
		want        error
	}{
		"empty key":        {ctx, "m", "", cache.ErrInvalidKey},
		"space in a key":   {ctx, "m", "a key", cache.ErrInvalidKey},
		"long key":         {ctx, "m", strings.Repeat("k", 251), cache.ErrInvalidKey},
		"empty master":     {ctx, "", "k", cache.ErrInvalidKey},
		"control in it":    {ctx, "m\n", "k", cache.ErrInvalidKey},
		"no room to count": {ctx, strings.Repeat("m", 241), "k", cache.ErrInvalidKey},
		"context is done":  {canceled, "m", "k", context.Canceled},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMemory(t)
			d := newDependency(t, m)
			wantErr(t, d.Add(c.ctx, c.master, c.key), c.want)
			wantErr(t, d.AddMulti(c.ctx, c.master, []string{c.key, c.key}), c.want)
			stats, err := m.Stats(ctx)
			ok(t, err)
			if stats.Entries != 0 {
				t.Errorf("%d entries were stored, want none", stats.Entries)
			}
		})
	}
	c := newMemory(t)
	ok(t, newDependency(t, c).Add(ctx, strings.Repeat("m", 240), "k"))
	ok(t, newDependency(t, c).AddMulti(ctx, "m", nil))
	want(t, c, "", "m")
}

func TestClosed(t *testing.T) {
	for name, c := range map[string]*cache.Cache{"memory": newMemory(t), "null": null.New(null.Config{})} {
		d := newDependency(t, c)
		ok(t, c.Close())
		wantErr(t, d.Add(t.Context(), "m", "k"), cache.ErrClosed)
		wantErr(t, d.Delete(t.Context(), "m"), cache.ErrClosed)
		if _, err := d.Keys(t.Context(), "m"); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("%s: Keys after Close: %v", name, err)
		}
	}
}

// Every method returns an error for a master whose value is not a count.
func TestMasterWithoutACount(t *testing.T) {
	for value, target := range map[string]error{
		"text":                 cache.ErrNotNumber,
		"":                     cache.ErrNotNumber,
		"-1":                   cache.ErrNotNumber,
		"1795360608":           nil, // a time
		"18446744073709551615": nil,
	} {
		for name, call := range map[string]func(context.Context, *dependency.Dependency) error{
			"Delete": func(ctx context.Context, d *dependency.Dependency) error { return d.Delete(ctx, "m") },
			"Add":    func(ctx context.Context, d *dependency.Dependency) error { return d.Add(ctx, "m", "k") },
			"AddMulti": func(ctx context.Context, d *dependency.Dependency) error {
				return d.AddMulti(ctx, "m", []string{"k", "l"})
			},
			"Keys": func(ctx context.Context, d *dependency.Dependency) error { _, err := d.Keys(ctx, "m"); return err },
		} {
			c := newMemory(t)
			ok(t, c.Set(t.Context(), "m", []byte(value), 0))
			err := call(t.Context(), newDependency(t, c))
			if err == nil || target != nil && !errors.Is(err, target) {
				t.Errorf("%s on a master of %q: %v, want an error: %v", name, value, err, target)
			}
		}
	}
	ctx, c := t.Context(), newMemory(t)
	ok(t, c.Set(ctx, "m", []byte("1  "), 0)) // padded, as servers do
	ok(t, c.Set(ctx, "m1", []byte("k"), 0))
	set(t, c, "k")
	ok(t, newDependency(t, c).Delete(ctx, "m"))
	want(t, c, "", "m", "m1", "k")
}

// Of many keys the good ones are wired, the others named.
func TestAddMultiNamesWhatFailed(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	set(t, c, "a", "b")
	err := d.AddMulti(ctx, "m", []string{"a", "not valid", "b"})
	var multi *cache.MultiError
	if !errors.As(err, &multi) || !slices.Equal(multi.Keys(), []string{"not valid"}) {
		t.Fatalf("got %v, want a MultiError for the invalid key", err)
	}
	wantErr(t, err, cache.ErrInvalidKey)
	ok(t, d.Delete(ctx, "m"))
	want(t, c, "", "a", "b", "m")
}

// A program in another language wired a key that this cache does not take. Delete says
// so, does all the rest, and does not fail forever.
func TestInvalidWire(t *testing.T) {
	ctx, c := t.Context(), newMemory(t)
	d := newDependency(t, c)
	set(t, c, "a", "b")
	ok(t, d.AddMulti(ctx, "m", []string{"a", "x", "b"}))
	ok(t, c.Set(ctx, "m2", []byte("not valid"), 0))
	wantErr(t, d.Delete(ctx, "m"), cache.ErrInvalidKey)
	want(t, c, "", "a", "b", "m", "m1", "m2", "m3")
	ok(t, d.Delete(ctx, "m"))
}

// Two wired keys that are one once they are encoded are both deleted.
func TestWiresThatCollide(t *testing.T) {
	ctx := t.Context()
	c, err := memory.New(memory.Config{KeyEncoding: encoding.New("weak", weak)})
	ok(t, err)
	d := newDependency(t, c)
	set(t, c, "item:a")
	ok(t, d.Add(ctx, "m", "item:a"))
	ok(t, d.Add(ctx, "m", "item:b"))
	ok(t, d.Delete(ctx, "m"))
	want(t, c, "", "item:a", "m", "m1")
}

func TestNull(t *testing.T) {
	ctx, c := t.Context(), null.New(null.Config{})
	d := newDependency(t, c)
	ok(t, d.Add(ctx, "m", "k"))
	ok(t, d.AddMulti(ctx, "m", []string{"k", "l"}))
	ok(t, d.Delete(ctx, "m"))
	ok(t, d.DeleteMulti(ctx, []string{"m", "n"}))
	if keys, err := d.Keys(ctx, "m"); len(keys) != 0 || err != nil {
		t.Errorf("Keys: %q, %v; want none", keys, err)
	}
	wantErr(t, d.Add(ctx, "m", "not valid"), cache.ErrInvalidKey)
	wantErr(t, d.Delete(ctx, "not valid"), cache.ErrInvalidKey)
}

func TestNamespace(t *testing.T) {
	ctx, pages, other := t.Context(), newMemory(t), newMemory(t)
	c, err := client.New(client.Config{
		Default:  "other",
		Caches:   map[string]*cache.Cache{"pages": pages, "other": other},
		Prefixes: map[string]string{"pages": "p:"},
	})
	ok(t, err)
	ns, err := c.Namespace("pages")
	ok(t, err)
	d := newDependency(t, ns)
	set(t, ns, "a")
	set(t, c, "a")
	ok(t, d.Add(ctx, "m", "a"))
	want(t, pages, "p:a p:m p:m1", "a", "p:a", "p:m", "p:m1")
	if v, err := pages.Get(ctx, "p:m1"); string(v) != "a" || err != nil {
		t.Errorf("the slot holds %q, %v; want the key as it was given", v, err)
	}
	ok(t, d.Delete(ctx, "m"))
	want(t, pages, "", "p:a", "p:m", "p:m1")
	want(t, c, "a", "a", "m", "m1")
}

func TestEncodedKeys(t *testing.T) {
	ctx := t.Context()
	e, err := encoding.ByName("sha1,base64")
	ok(t, err)
	c, err := memory.New(memory.Config{KeyEncoding: e})
	ok(t, err)
	d := newDependency(t, c)
	set(t, c, "a key with spaces", "b")
	ok(t, d.AddMulti(ctx, "the master", []string{"a key with spaces", "b"}))
	ok(t, d.Delete(ctx, "the master"))
	stats, err := c.Stats(ctx)
	ok(t, err)
	if stats.Entries != 0 {
		t.Errorf("%d entries are left, want none", stats.Entries)
	}
}

// Wires expire, the master does not.
func TestWiresExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, c := t.Context(), newMemory(t)
		short, err := dependency.New(c, time.Minute)
		ok(t, err)
		forever, err := dependency.New(c, 0)
		ok(t, err)
		ok(t, short.Add(ctx, "m", "a"))
		ok(t, forever.Add(ctx, "m", "b"))
		ok(t, short.AddMulti(ctx, "m", []string{"c", "d"}))
		time.Sleep(59 * time.Second)
		want(t, c, "m m1 m2 m3 m4", "m", "m1", "m2", "m3", "m4")
		time.Sleep(2 * time.Second)
		want(t, c, "m m2", "m", "m1", "m2", "m3", "m4")
		time.Sleep(1000 * time.Hour)
		keys, err := short.Keys(ctx, "m")
		ok(t, err)
		if !slices.Equal(keys, []string{"b"}) {
			t.Errorf("keys are %q, want b", keys)
		}
		ok(t, short.Delete(ctx, "m"))
		want(t, c, "", "m", "m2")
	})
}

// weak is an encoding under which items collide.
func weak(key string) string {
	if strings.HasPrefix(key, "item:") {
		return "item"
	}
	return key
}

// The key of a wire cannot be wired: the item and a wire would replace each other.
func TestAddRefusesKeysOfWires(t *testing.T) {
	d := newDependency(t, newMemory(t))
	ctx := t.Context()
	for _, key := range []string{"user:1", "user:10", "user:007"} {
		err := d.Add(ctx, "user:", key)
		if !errors.Is(err, cache.ErrInvalidKey) || !strings.Contains(err.Error(), strconv.Quote(key)) || !strings.Contains(err.Error(), `"user:"`) {
			t.Errorf("Add of %q: error %v, want ErrInvalidKey that names the key and the master", key, err)
		}
	}
	for _, key := range []string{"user:a1", "user:1a", "page:1", "user", "user:-1"} {
		if err := d.Add(ctx, "user:", key); err != nil {
			t.Errorf("Add of %q: %v", key, err)
		}
	}
	err := d.AddMulti(ctx, "user:", []string{"user:2", "page:2"})
	var m *cache.MultiError
	if !errors.As(err, &m) || len(m.Errors) != 1 || !errors.Is(m.Errors["user:2"], cache.ErrInvalidKey) {
		t.Errorf("AddMulti: error %v, want ErrInvalidKey for user:2 alone", err)
	}
}
