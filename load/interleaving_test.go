package load_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/race"
	"github.com/larder-go/larder/load"
)

// reader is a Get of key k, with tags a and b. How says how the tags are given.
func reader(name string, how func(ctx context.Context, h *host, l *load.Loader[string]) (string, error)) actor {
	return actor{name, func(ctx context.Context, h *host) result {
		v, err := how(ctx, h, h.run.(*load.Loader[string]))
		if err != nil {
			if n, ok := strings.CutPrefix(err.Error(), "nothing of "); ok {
				return result{data: n}
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
	if n, ok := strings.CutPrefix(a.value, "nothing of "); ok {
		return n, load.ErrNotFound
	}
	return a.value, a.err
}

// known is a Get whose tags are known.
func known(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, _ *load.Entry[string]) (string, error) {
		return fromSource(ctx, h)
	}, "a")
}

// tagged is a Get whose load finds the tags.
func tagged(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
		if err := e.Tag(ctx, "a"); err != nil {
			return "", err
		}
		return fromSource(ctx, h)
	})
}

// taggedLate breaks the rule that a tag is added before what it stands for is read.
func taggedLate(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
		v, err := fromSource(ctx, h)
		if tagErr := e.Tag(ctx, "a"); tagErr != nil {
			return "", tagErr
		}
		return v, err
	})
}

// untagged does without the tag.
func untagged(ctx context.Context, h *host, l *load.Loader[string]) (string, error) {
	return l.Get(ctx, "k", func(ctx context.Context, e *load.Entry[string]) (string, error) {
		return fromSource(ctx, h)
	})
}

// invalidator changes a source and announces it.
func invalidator(name, source string) actor {
	return actor{name, func(ctx context.Context, h *host) result {
		changed := h.ask(ctx, request{op: "announce", value: source})
		if changed.err != nil {
			return result{err: changed.err.Error()}
		}
		if err := h.run.(*load.Loader[string]).Invalidate(ctx, source); err != nil {
			return result{err: err.Error()}
		}
		return result{data: "told " + changed.value}
	}}
}

// config is what loaders here have.
func config() load.Config[string] {
	return load.Config[string]{TTL: time.Hour, Codec: codec.Text[string]()}
}

// of is a process with actors that share a loader.
func of(number uint64, c load.Config[string], actors ...actor) *process {
	return &process{actors: actors, polls: 2, make: func(h *host) {
		l, err := load.New(h.cache(""), c)
		if err != nil {
			h.t.Fatal(err)
		}
		n := number << 32
		l.SetRandom(func() uint64 { n++; return n })
		h.run = l
	}}
}

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

// Whatever the order of steps, no Get returns what was invalidated before it began.
func TestInterleavings(t *testing.T) {
	for name, w := range map[string]*world{
		"known": {processes: []*process{
			of(1, config(), reader("reader 1", known), reader("reader 2", known)),
			of(2, config(), invalidator("invalidator", "a")),
		}},
		"tagged": {processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("reader 2", tagged)),
			of(2, config(), invalidator("invalidator", "a")),
		}},
		"outage1": {outages: 1, processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("reader 2", tagged)),
			of(2, config(), invalidator("invalidator", "a")),
		}},
		"outage2": {outages: 2, processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("reader 2", tagged)),
			of(2, config(), invalidator("invalidator", "a")),
		}},
		"evict": {evictions: 1, processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("reader 2", tagged)),
			of(2, config(), invalidator("invalidator", "a")),
		}},
		"two": {processes: []*process{
			of(1, config(), reader("reader 1", tagged), reader("reader 2", tagged)),
			of(2, config(), reader("reader 3", tagged)),
			of(3, config(), invalidator("invalidator", "a")),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			if race.Enabled {
				w.bound = 5000
			}
			mustHold(t, w)
		})
	}
}

// The exploration finds what is returned to the wrong Get if a program breaks a rule.
func TestInterleavingsFind(t *testing.T) {
	for name, how := range map[string]func(context.Context, *host, *load.Loader[string]) (string, error){
		"a tag after the data is read": taggedLate,
		"no tag":                       untagged,
	} {
		w := &world{t: t, processes: []*process{
			of(1, config(), reader("reader 1", how), reader("reader 2", how)),
			of(2, config(), invalidator("invalidator", "a")),
		}}
		if r := w.explore(); r.broken == "" {
			t.Errorf("%s: nothing was found in %d states", name, r.states)
		}
	}
}
