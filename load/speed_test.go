package load_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

func newMemory(t testing.TB) *cache.Cache {
	t.Helper()
	c, err := memory.New(memory.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func newLoader[V any](t testing.TB, c *cache.Cache, config load.Config[V]) *load.Loader[V] {
	t.Helper()
	l, err := load.New(c, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// A hit in package memory allocates what decoding the value does, however many tags it has.
func TestHitAllocs(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector allocates")
	}
	ctx := context.Background()
	c := newMemory(t)
	l := newLoader(t, c, load.Config[[]byte]{TTL: time.Hour})
	texts := newLoader(t, c.WithPrefix("text:"), load.Config[string]{TTL: time.Hour, Codec: codec.Text[string]()})
	observed := newLoader(t, c.WithHook(nop{}), load.Config[[]byte]{TTL: time.Hour})
	f := func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
		return make([]byte, 128), e.Tag(ctx, "found:1", "found:2")
	}
	text := func(ctx context.Context, e *load.Entry[string]) (string, error) {
		return "a text that is not empty", e.Tag(ctx, "found:1", "found:2")
	}
	for name, test := range map[string]struct {
		get  func() error
		want float64
	}{
		"no known tag":   {func() error { _, err := l.Get(ctx, "k", f); return err }, 0},
		"two known tags": {func() error { _, err := l.Get(ctx, "tagged", f, "user:7", "team:3"); return err }, 0},
		"text":           {func() error { _, err := texts.Get(ctx, "k", text, "user:7", "team:3"); return err }, 2}, // and its key with the prefix
		// The call, its context and its result are made for the hook.
		"with a hook": {func() error { _, err := observed.Get(ctx, "k", f); return err }, 8},
	} {
		got := testing.AllocsPerRun(100, func() {
			if err := test.get(); err != nil {
				t.Fatal(err)
			}
		})
		if got > test.want {
			t.Errorf("%s: a hit allocates %v times, want %v", name, got, test.want)
		}
	}
}

// BenchmarkHit compares a hit with the gets of package memory that it replaces.
func BenchmarkHit(b *testing.B) {
	ctx := context.Background()
	c := newMemory(b)
	l := newLoader(b, c, load.Config[[]byte]{TTL: time.Hour})
	const n = 10_000
	type item struct {
		key, found, plain string
		tags, records     []string
	}
	items := make([]item, n)
	f := func(context.Context, *load.Entry[[]byte]) ([]byte, error) { return make([]byte, 128), nil }
	for i := range items {
		id := uint64(i) * 0x9e3779b97f4a7c15
		tags := []string{fmt.Sprint("user:", i), fmt.Sprint("team:", i%100)}
		it := item{fmt.Sprintf("user:%016x", id), fmt.Sprintf("found:%016x", id), fmt.Sprintf("plain:%016x", id), tags, []string{"~" + tags[0], "~" + tags[1]}}
		items[i] = it
		find := func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
			return make([]byte, 128), e.Tag(ctx, tags...)
		}
		_, err1 := l.Get(ctx, it.key, f, tags...)
		_, err2 := l.Get(ctx, it.found, find)
		err3 := c.Set(ctx, it.plain, make([]byte, 128), time.Hour)
		if err1 != nil || err2 != nil || err3 != nil {
			b.Fatal(err1, err2, err3)
		}
	}
	for _, bench := range []struct {
		name string
		do   func(it *item)
	}{
		{"get", func(it *item) { _, _ = c.Get(ctx, it.plain) }},
		{"three gets", func(it *item) {
			_, _ = c.Get(ctx, it.plain)
			_, _ = c.Get(ctx, it.records[0])
			_, _ = c.Get(ctx, it.records[1])
		}},
		{"two known tags", func(it *item) { _, _ = l.Get(ctx, it.key, f, it.tags...) }},
		{"two found tags", func(it *item) { _, _ = l.Get(ctx, it.found, f) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				bench.do(&items[i%n])
			}
		})
	}
}
