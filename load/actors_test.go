package load_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/load"
)

// reader is a Get of key k, with tags a and b. How says how the tags are given.
func reader(name string, how how) actor {
	return actor{name: name, run: func(ctx context.Context, h *host) result {
		v, err := how(ctx, h, h.run.(*load.Loader[string]))
		if err != nil {
			if errors.Is(err, load.ErrNotFound) {
				return result{data: "a0b0"} // see world.missing
			}
			return result{err: err.Error()}
		}
		return result{data: v}
	}}
}

// fromSource reads the data, and takes another step to make something of it.
func fromSource(ctx context.Context, h *host) (string, error) {
	a := h.ask(ctx, request{op: "load"})
	h.ask(ctx, request{op: "render", value: a.value})
	if a.value == "nothing" {
		return "", load.ErrNotFound
	}
	return a.value, a.err
}

// A how is a way to Get key k.
type how func(ctx context.Context, h *host, l *load.Loader[string]) (string, error)

// getting is a Get with tags that are known and tags that the load finds.
func getting(known, found []string) how {
	return func(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
		return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
			if err := e.Tag(ctx, found...); err != nil {
				return "", err
			}
			return fromSource(ctx, h)
		}, known...)
	}
}

var (
	known    = getting([]string{"a"}, nil)
	tagged   = getting(nil, []string{"a"})
	both     = getting(nil, []string{"a", "b"})
	mixed    = getting([]string{"a"}, []string{"b"})
	untagged = getting(nil, nil)
)

// unstored is a Get whose value is not stored.
func unstored(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
		e.NoStore()
		return fromSource(ctx, h)
	})
}

// taggedLate breaks the rule that a tag is added before the data that it names is read.
func taggedLate(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
		v, err := fromSource(ctx, h)
		if tagErr := e.Tag(ctx, "a"); tagErr != nil {
			return "", tagErr
		}
		return v, err
	})
}

// many is a GetMulti of two keys.
func many(name string, keys ...string) actor {
	return actor{name: name, run: func(ctx context.Context, h *host) result {
		_, err := h.run.(*load.Loader[string]).GetMulti(ctx, keys, func(ctx context.Context, _ *load.Entries[string], missing []string) (map[string]string, error) {
			a := h.ask(ctx, request{op: "load", key: strings.Join(missing, "+")})
			values := map[string]string{}
			for _, key := range missing {
				values[key] = a.value
			}
			return values, a.err
		})
		if err != nil {
			return result{err: err.Error()}
		}
		return result{}
	}}
}

// taggedAt is a Get of another key.
func taggedAt(key string) how {
	return func(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
		return l.Get(ctx, key, func(ctx context.Context, e *load.Entry[string]) (string, error) {
			if err := e.Tag(ctx, "a"); err != nil {
				return "", err
			}
			return fromSource(ctx, h)
		})
	}
}

// writer stores a value as a load does that began before all others.
func writer(name, item string) actor {
	return actor{name: name, run: func(ctx context.Context, h *host) result {
		h.ask(ctx, request{op: "set", key: "k", value: item})
		return result{}
	}}
}

// deleter changes source a and announces it by deleting the key.
func deleter(name string) actor {
	return announcing(name, "a", func(ctx context.Context, l *load.Loader[string]) error { return l.Delete(ctx, "k") })
}

// invalidator changes a source and announces it by invalidating the tag of that name.
func invalidator(name, source string) actor {
	return announcing(name, source, func(ctx context.Context, l *load.Loader[string]) error { return l.Invalidate(ctx, source) })
}

func announcing(name, source string, announce func(context.Context, *load.Loader[string]) error) actor {
	return actor{name: name, run: func(ctx context.Context, h *host) result {
		changed := h.ask(ctx, request{op: "announce", value: source})
		if changed.err != nil {
			return result{err: changed.err.Error()}
		}
		if err := announce(ctx, h.run.(*load.Loader[string])); err != nil {
			return result{err: err.Error()}
		}
		return result{data: "told " + changed.value}
	}}
}

// config returns the configuration of the loaders in these tests.
func config() load.Config[string] {
	return load.Config[string]{TTL: time.Hour, Codec: codec.Text[string]()}
}

// of is a process with actors that share a loader.
func of(number uint64, c load.Config[string], actors ...actor) *process {
	p := &process{actors: actors, polls: 2}
	p.make = func(h *host) {
		c := c
		if p.tags != "" {
			c.TagCache = h.cache(p.tags)
		}
		if p.also != "" {
			c.AlsoInvalidate = []*cache.Cache{h.cache(p.also)}
		}
		l, err := load.New(h.cache(p.list), c)
		if err != nil {
			h.t.Fatal(err)
		}
		var n atomic.Uint64
		n.Store(number << 32)
		l.SetRandom(func() uint64 { return n.Add(1) })
		if p.steps != nil {
			l.Break(p.steps)
		}
		h.run = l
	}
	return p
}

// mustHold explores a world in which nothing may be lost.
func mustHold(t *testing.T, w *world) {
	t.Helper()
	w.t = t
	start := time.Now()
	r := w.explore()
	t.Logf("%d states (all: %v), %d ends, %d places in the code, %v", r.states, r.whole, r.ends, w.nodes, time.Since(start).Round(time.Millisecond))
	if r.broken != "" {
		t.Fatalf("%s:\n%s", r.broken, strings.Join(r.schedule, "\n"))
	}
	if r.ends == 0 && r.whole {
		t.Error("no schedule came to its end")
	}
}
