package loadtest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
)

var multiCases = []test{
	{
		name: "multi/one call",
		rule: "GetMulti loads all that is missing in one call; keys that do not exist are not in the map",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "a", "A", value("A"))
			var asked [][]string
			f := func(_ context.Context, _ *entries, keys []string) (map[string]string, error) {
				slices.Sort(keys)
				asked = append(asked, keys)
				return map[string]string{"b": "B", "c": "C", "not asked for": "x"}, nil
			}
			s.multi(l, []string{"a", "b", "c", "d", "b"}, map[string]string{"a": "A", "b": "B", "c": "C"}, f)
			s.multi(l, []string{"a", "b", "c"}, map[string]string{"a": "A", "b": "B", "c": "C"}, s.neverMulti())
			if len(asked) != 1 || !slices.Equal(asked[0], []string{"b", "c", "d"}) {
				s.errorf("the load function was called for %q, want b, c and d at once", asked)
			}
			s.multi(s.loader(s.client(), nil), nil, nil, s.neverMulti())
		},
	},
	{
		name: "multi/tags",
		rule: "each value of a GetMulti has its tags, and those that the caller gives",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			f := func(v string) load.MultiFunc[string] {
				return func(ctx context.Context, e *entries, keys []string) (map[string]string, error) {
					tags, values := map[string][]string{}, map[string]string{}
					for _, key := range keys {
						tags[key], values[key] = []string{"of-" + key, "all"}, v
					}
					return values, e.TagMulti(ctx, tags)
				}
			}
			keys := []string{"a", "b"}
			s.multi(l, keys, map[string]string{"a": "1", "b": "1"}, f("1"), "known")
			s.none(l.Invalidate(s.ctx, "of-a"), "Invalidate")
			s.multi(l, keys, map[string]string{"a": "2", "b": "1"}, f("2"), "known")
			s.none(l.Invalidate(s.ctx, "all"), "Invalidate")
			s.multi(l, keys, map[string]string{"a": "3", "b": "3"}, f("3"), "known")
			s.none(l.Invalidate(s.ctx, "known"), "Invalidate")
			s.multi(l, keys, map[string]string{"a": "4", "b": "4"}, f("4"), "known")
			s.multi(l, keys, map[string]string{"a": "4", "b": "4"}, s.neverMulti(), "known")
		},
	},
	{
		name: "multi/errors of keys",
		rule: "a key that fails is named in a MultiError, together with the values of the others; an error of the function is that of all",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			broken := errors.New("broken")
			m, err := l.GetMulti(s.ctx, []string{"a", "b", "~bad"}, func(_ context.Context, e *entries, keys []string) (map[string]string, error) {
				e.Fail("b", broken)
				return map[string]string{"a": "A"}, nil
			})
			var multi *cache.MultiError
			if !errors.As(err, &multi) || !slices.Equal(multi.Keys(), []string{"b", "~bad"}) || !errors.Is(multi.Errors["b"], broken) || !errors.Is(multi.Errors["~bad"], cache.ErrInvalidKey) {
				s.errorf("GetMulti: %v, want the errors of b and of the invalid key", err)
			}
			if len(m) != 1 || m["a"] != "A" {
				s.errorf("GetMulti: %v, want a", m)
			}
			_, err = l.GetMulti(s.ctx, []string{"c", "d"}, func(context.Context, *entries, []string) (map[string]string, error) { return nil, broken })
			if !errors.As(err, &multi) || len(multi.Errors) != 2 || !errors.Is(err, broken) {
				s.errorf("GetMulti: %v, want the error for both keys", err)
			}
			s.multi(l, []string{"a", "b"}, map[string]string{"a": "A", "b": "B"}, constant(map[string]string{"b": "B"}))
		},
	},
	{
		name: "multi/keys of another process",
		rule: "keys that another process is loading are waited for, and loaded in a further call if that fails",
		run: func(s *suite) {
			l, other := s.loader(s.c, nil), s.loader(s.client(), nil)
			began, goOn := make(chan struct{}), make(chan struct{})
			var wg sync.WaitGroup
			wg.Go(func() {
				_, err := other.GetMulti(s.ctx, []string{"good", "bad"}, func(_ context.Context, e *entries, _ []string) (map[string]string, error) {
					close(began)
					<-goOn
					e.Fail("bad", errors.New("failed"))
					return map[string]string{"good": "theirs"}, nil
				})
				if err == nil {
					s.errorf("the other GetMulti: no error")
				}
			})
			<-began
			var asked [][]string
			s.multi(l, []string{"good", "bad", "own"}, map[string]string{"good": "theirs", "bad": "ours", "own": "ours"},
				func(_ context.Context, _ *entries, keys []string) (map[string]string, error) {
					if asked = append(asked, keys); len(asked) == 1 {
						close(goOn)
					}
					values := map[string]string{}
					for _, key := range keys {
						values[key] = "ours"
					}
					return values, nil
				})
			if len(asked) != 2 || !slices.Equal(asked[0], []string{"own"}) || !slices.Equal(asked[1], []string{"bad"}) {
				s.errorf("the load function was called for %q, want own, and then bad", asked)
			}
			wg.Wait()
		},
	},
	{
		name: "multi/overlapping",
		rule: "GetMulti with common keys, in one process or several, do not wait for each other forever, and load each key once",
		run: func(s *suite) {
			ls := []*loader{s.loader(s.c, nil), s.loader(s.client(), nil)}
			var loads atomic.Int32
			keys := make([]string, 12)
			want := map[string]string{}
			for i := range keys {
				keys[i] = fmt.Sprint("k", i)
				want[keys[i]] = "v"
			}
			s.together(12, func(i int) {
				mine := slices.Concat(keys[i:], keys[:i]) // in another order each
				s.multi(ls[i%2], mine[:8], pick(want, mine[:8]), func(_ context.Context, _ *entries, keys []string) (map[string]string, error) {
					loads.Add(int32(len(keys)))
					return pick(want, keys), nil
				})
			})
			s.loads(&loads, int32(len(keys)))
		},
	},
}

func pick(values map[string]string, keys []string) map[string]string {
	picked := map[string]string{}
	for _, key := range keys {
		picked[key] = values[key]
	}
	return picked
}

func constant(values map[string]string) load.MultiFunc[string] {
	return func(context.Context, *entries, []string) (map[string]string, error) { return values, nil }
}

// multi checks what a GetMulti returns.
func (s *suite) multi(l *loader, keys []string, want map[string]string, f load.MultiFunc[string], tags ...string) {
	s.t.Helper()
	got, err := l.GetMulti(s.ctx, keys, f, tags...)
	if err != nil || !maps.Equal(got, want) {
		s.errorf("GetMulti of %q: %v, %v; want %v", keys, got, err, want)
	}
}

func (s *suite) neverMulti() load.MultiFunc[string] {
	s.t.Helper()
	return func(_ context.Context, _ *entries, keys []string) (map[string]string, error) {
		s.errorf("the load function was called for %q, want cached values", keys)
		return nil, errors.New("loaded")
	}
}
