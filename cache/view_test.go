package cache_test

import (
	"testing"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/encoding"
)

// A view marks the values that it stores. The cache that it was made from does not.
func TestWithKind(t *testing.T) {
	ctx := t.Context()
	for _, batches := range []bool{false, true} {
		s := newStub()
		c := open(s)
		if batches {
			c = open(&able{stub: s})
		}
		text := c.WithKind(cache.Text)
		value := map[string][]byte{"multi": []byte("1")}
		for name, err := range map[string]error{
			"Set": text.Set(ctx, "set", nil, 0), "Add": text.Add(ctx, "add", nil, 0), "SetMulti": text.SetMulti(ctx, value, 0),
			"of the cache": c.Set(ctx, "plain", nil, 0), "of a number": text.WithKind(cache.Number).Set(ctx, "number", nil, 0),
		} {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for key, want := range map[string]cache.Kind{
			"set": cache.Text, "add": cache.Text, "multi": cache.Text, "plain": cache.Bytes, "number": cache.Number,
		} {
			if s.kinds[key] != want {
				t.Errorf("%s was stored as %v, want %v", key, s.kinds[key], want)
			}
		}
		if err := text.Replace(ctx, "plain", nil, 0); err != nil || s.kinds["plain"] != cache.Text {
			t.Errorf("Replace: stored as %v, error %v", s.kinds["plain"], err)
		}
		// A counter that begins is a number in every view.
		if _, err := text.IncrementFrom(ctx, "n", 1, 1, 0); err != nil || s.kinds["n"] != cache.Number {
			t.Errorf("IncrementFrom: stored as %v, error %v", s.kinds["n"], err)
		}
	}
}

func TestWithPrefix(t *testing.T) {
	ctx := t.Context()
	s := newStub()
	c := open(s)
	users := c.WithPrefix("user:")
	admins := users.WithPrefix("admin:")
	for name, v := range map[string]*cache.Cache{"": c, "user:": users, "user:admin:": admins, "again": users.WithPrefix("")} {
		if err := v.Set(ctx, "1", []byte(name), 0); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.items) != 3 || s.items["1"] != "" || s.items["user:admin:1"] != "user:admin:" {
		t.Errorf("stored: %v", s.items)
	}
	if err := users.Delete(ctx, "1"); err != nil || len(s.items) != 2 {
		t.Errorf("after Delete: %v and error %v", s.items, err)
	}
	if err := users.Flush(ctx); err != nil || len(s.items) != 0 {
		t.Errorf("after Flush: %v and error %v", s.items, err)
	}
}

// The prefix counts for the length, and is encoded with the key.
func TestPrefixIsAPartOfTheKey(t *testing.T) {
	long := make([]byte, 249)
	for i := range long {
		long[i] = 'p'
	}
	c := open(newStub()).WithPrefix(string(long))
	if err := c.Set(t.Context(), "k", nil, 0); err != nil {
		t.Errorf("250 bytes: %v", err)
	}
	if err := c.Set(t.Context(), "kk", nil, 0); err == nil {
		t.Error("251 bytes: no error")
	}
	if err := c.Set(t.Context(), "", nil, 0); err != nil {
		t.Errorf("an empty key after a prefix: %v", err)
	}
	s := newStub()
	c = cache.New(s, cache.Options{Name: "stub", KeyEncoding: encoding.Base64()}).WithPrefix("my ")
	if err := c.Set(t.Context(), "key", []byte("v"), 0); err != nil || s.items["bXkga2V5"] != "v" {
		t.Errorf("stored: %v, error %v", s.items, err)
	}
}
