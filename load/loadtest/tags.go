package loadtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

var tagCases = []test{
	{
		name: "tag/invalidate",
		rule: "Invalidate of a tag invalidates every value that has it, and no other",
		run: func(s *suite) {
			l, other := s.loader(s.c, nil), s.loader(s.client(), nil)
			for i := range 20 {
				s.is(l, fmt.Sprint("k", i), "old", value("old", fmt.Sprint("odd", i%2), "all"))
			}
			s.none(other.Invalidate(s.ctx, "odd1"), "Invalidate")
			for i := range 20 {
				if i%2 == 0 {
					s.is(other, fmt.Sprint("k", i), "old", s.never())
				} else {
					s.is(other, fmt.Sprint("k", i), "new", value("new", "odd1", "all"))
				}
			}
			s.none(l.Invalidate(s.ctx, "all", "no-value-has-it"), "Invalidate of two tags")
			for i := range 20 {
				s.is(l, fmt.Sprint("k", i), "newer", value("newer"))
			}
		},
	},
	{
		name: "tag/known",
		rule: "tags that the caller gives are tags of the value",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "old", value("old", "found"), "known")
			s.is(l, "k", "old", s.never(), "known")
			s.is(l, "k", "old", s.never())
			s.none(l.Invalidate(s.ctx, "known"), "Invalidate of the known one")
			s.is(l, "k", "new", value("new", "found"), "known")
			s.none(l.Invalidate(s.ctx, "found"), "Invalidate of the one that the load found")
			s.is(l, "k", "newer", value("newer"), "known")
		},
	},
	{
		name: "tag/missing",
		rule: "a value that was stored without a tag that the caller knows is loaded again",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "old", value("old"), "one")
			s.is(l, "k", "new", value("new"), "one", "two")
			s.is(l, "k", "new", s.never(), "two", "one")
		},
	},
	{
		name: "tag/same name as an item",
		rule: "an item and a tag may have the same name",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "user:7", "old", value("old"), "user:7")
			s.is(l, "user:7", "old", s.never(), "user:7")
			s.none(l.Invalidate(s.ctx, "user:7"), "Invalidate")
			s.is(l, "user:7", "new", value("new"), "user:7")
		},
	},
	{
		name: "tag/invalidated while it is loaded",
		rule: "a value whose tag is invalidated while it is loaded is not returned to a later Get",
		run: func(s *suite) {
			l, other := s.loader(s.c, nil), s.loader(s.client(), nil)
			s.is(l, "k", "old", func(ctx context.Context, e *entry) (string, error) {
				if err := e.Tag(ctx, "tag"); err != nil {
					return "", err
				}
				return "old", other.Invalidate(ctx, "tag") // after the data was read
			})
			s.is(l, "k", "new", value("new"))
		},
	},
	{
		name: "tag/a Get after an invalidation during the load",
		rule: "a Get that begins after an invalidation does not get what a load that was running read before it",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			var data atomic.Value
			data.Store("old")
			read, goOn := make(chan struct{}), make(chan struct{})
			f := func(ctx context.Context, e *entry) (string, error) {
				if err := e.Tag(ctx, "tag"); err != nil {
					return "", err
				}
				return data.Load().(string), nil
			}
			var wg sync.WaitGroup
			wg.Go(func() {
				s.is(l, "k", "old", func(ctx context.Context, e *entry) (string, error) {
					v, err := f(ctx, e)
					close(read)
					<-goOn
					return v, err
				})
			})
			<-read
			data.Store("new")
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			joined := make(chan struct{})
			wg.Go(func() {
				close(joined)
				s.is(l, "k", "new", f)
			})
			<-joined
			close(goOn)
			wg.Wait()
		},
	},
	{
		name: "tag/lost record",
		rule: "a tag record that the cache lost invalidates the values with it, and nothing comes back",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			s.is(l, "k", "old", value("old", "tag"))
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(l, "another", "x", value("x", "tag")) // makes the record anew
			s.is(l, "k", "new", value("new", "tag"))
			s.is(l, "k", "new", s.never())
		},
	},
	{
		name: "tag/foreign record",
		rule: "a tag record that somebody else overwrote is replaced, and is never a version",
		run: func(s *suite) {
			l, other := s.loader(s.c, nil), s.loader(s.client(), nil)
			s.is(l, "k", "old", value("old", "tag"))
			s.none(s.c.Set(s.ctx, "~tag", []byte("not a record"), 0), "Set of the record")
			s.is(other, "k", "new", value("new", "tag"))
			s.is(other, "k", "new", s.never())
			s.none(l.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(other, "k", "newer", value("newer", "tag"))
		},
	},
	{
		name: "tag/many",
		rule: "a value may have MaxTags tags, and more are an error that says how many",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			tags := make([]string, load.MaxTags)
			for i := range tags {
				tags[i] = fmt.Sprint("tag", i)
			}
			s.is(l, "k", "old", value("old", tags...))
			s.is(l, "k", "old", s.never())
			s.none(l.Invalidate(s.ctx, tags[200]), "Invalidate")
			s.is(l, "k", "new", value("new"))
			_, err := l.Get(s.ctx, "more", value("v", append(tags, "more")...))
			if err == nil || !strings.Contains(err.Error(), "256 tags") || !strings.Contains(err.Error(), "255") {
				s.errorf("Get with %d tags: %v; want an error that names this number and the largest", len(tags)+1, err)
			}
		},
	},
	{
		name: "tag/all",
		rule: "InvalidateAll invalidates every value of the loader, and nothing else",
		run: func(s *suite) {
			ours := s.loader(s.c, func(c *load.Config[string]) { c.Tag = "ours" })
			theirs := s.loader(s.client(), nil)
			s.is(ours, "a", "old", value("old"))
			s.is(ours, "b", "old", value("old", "tag"))
			s.is(theirs, "c", "theirs", value("theirs", "tag"))
			s.none(s.c.Set(s.ctx, "plain", []byte("plain"), 0), "Set")
			s.none(ours.InvalidateAll(s.ctx), "InvalidateAll")
			s.is(ours, "a", "new", value("new"))
			s.is(ours, "b", "new", value("new", "tag"))
			s.is(theirs, "c", "theirs", s.never())
			if v, err := s.c.Get(s.ctx, "plain"); err != nil || string(v) != "plain" {
				s.errorf("an item of another program: %q, %v; want it as it was", v, err)
			}
			if err := theirs.InvalidateAll(s.ctx); err == nil {
				s.errorf("InvalidateAll without Config.Tag: no error")
			}
		},
	},
	{
		name: "tag/of a key",
		rule: "with KeyTags a Delete reaches copies of the value in the memory of other processes",
		run: func(s *suite) {
			near := s.near(2, func(c *load.Config[string]) { c.KeyTags = true })
			s.is(near[0], "k", "old", value("old"))
			s.is(near[1], "k", "old", value("old"))
			s.none(near[0].Delete(s.ctx, "k"), "Delete")
			s.is(near[1], "k", "new", value("new"))
			s.is(near[0], "k", "new", value("new"))
			s.is(near[1], "k", "new", s.never())
		},
	},
	{
		name: "tag/near copies",
		rule: "values in the memory of processes are invalidated by tags that are shared",
		run: func(s *suite) {
			near := s.near(3, nil)
			for i, l := range near {
				s.is(l, "k", fmt.Sprint("old", i), value(fmt.Sprint("old", i), "found"), "known")
			}
			for i, l := range near {
				s.is(l, "k", fmt.Sprint("old", i), s.never(), "known")
			}
			for round, tag := range []string{"known", "found"} {
				s.none(near[round].Invalidate(s.ctx, tag), "Invalidate")
				for i, l := range near {
					v := fmt.Sprint("new", round, i)
					s.is(l, "k", v, value(v, "found"), "known")
					s.is(l, "k", v, s.never(), "known")
				}
			}
		},
	},
	{
		name: "tag/shared by prefixes",
		rule: "loaders with different prefixes share tags if they have the same TagCache, and otherwise do not",
		run: func(s *suite) {
			share := func(c *load.Config[string]) { c.TagCache = s.c }
			users, pages := s.loader(s.c.WithPrefix("u/"), share), s.loader(s.c.WithPrefix("p/"), share)
			alone := s.loader(s.c.WithPrefix("a/"), nil)
			for _, l := range []*loader{users, pages, alone} {
				s.is(l, "k", "old", value("old", "tag"))
			}
			s.none(users.Invalidate(s.ctx, "tag"), "Invalidate")
			s.is(users, "k", "new", value("new", "tag"))
			s.is(pages, "k", "new", value("new", "tag"))
			s.is(alone, "k", "old", s.never())
		},
	},
	{
		name: "tag/invalid",
		rule: "an invalid tag or key is an error that matches ErrInvalidKey, and nothing is loaded",
		run: func(s *suite) {
			l := s.loader(s.c, nil)
			for _, tag := range []string{"", "with space", "line\n", "~marked", strings.Repeat("long", 100)} {
				s.fails(l, "k", cache.ErrInvalidKey, s.never(), tag)
				if err := l.Invalidate(s.ctx, "good", tag); !errors.Is(err, cache.ErrInvalidKey) {
					s.errorf("Invalidate of %q: %v, want ErrInvalidKey", tag, err)
				}
				s.is(l, "k", "v", func(ctx context.Context, e *entry) (string, error) {
					if err := e.Tag(ctx, tag); !errors.Is(err, cache.ErrInvalidKey) {
						s.errorf("Tag %q: %v, want ErrInvalidKey", tag, err)
					}
					return "v", nil
				})
			}
			for _, key := range []string{"~key", "with space", "line\n"} {
				s.fails(l, key, cache.ErrInvalidKey, s.never())
				if err := l.Delete(s.ctx, key); !errors.Is(err, cache.ErrInvalidKey) {
					s.errorf("Delete of %q: %v, want ErrInvalidKey", key, err)
				}
			}
			s.is(l, "k", "v", value("v")) // it has not been cached without its tag
			s.is(l, "k", "v", s.never())
		},
	},
	{
		name: "tag/moving to another list of servers",
		rule: "AlsoInvalidate keeps the promise while processes move to other servers one by one, and Generation when they go back",
		run: func(s *suite) {
			before, after := s.c.WithPrefix("list1/"), s.c.WithPrefix("list2/")
			both := func(other *cache.Cache, generation uint64) func(*load.Config[string]) {
				return func(c *load.Config[string]) {
					c.AlsoInvalidate, c.Generation = []*cache.Cache{other}, generation
				}
			}
			first, second := s.loader(before, both(after, 0)), s.loader(after, both(before, 0))
			for _, l := range []*loader{first, second} {
				s.is(l, "k", "old", value("old", "tag"))
				s.is(l, "deleted", "old", value("old"))
			}
			s.none(first.Invalidate(s.ctx, "tag"), "Invalidate")
			s.none(second.Delete(s.ctx, "deleted"), "Delete")
			for _, l := range []*loader{first, second} {
				s.is(l, "k", "new", value("new", "tag"))
				s.is(l, "deleted", "new", value("new"))
			}
			// All are on the second list now, and invalidate there alone. Then back.
			s.none(s.loader(after, nil).Invalidate(s.ctx, "tag"), "Invalidate")
			back := s.loader(before, func(c *load.Config[string]) { c.Generation = 2 })
			s.is(back, "k", "newer", value("newer", "tag"))
			s.is(back, "k", "newer", s.never())
		},
	},
}

// near returns n loaders that keep values in separate memory caches, as n processes would,
// and the records of tags in the cache under test.
func (s *suite) near(n int, change func(*load.Config[string])) []*loader {
	ls := make([]*loader, n)
	for i := range ls {
		m, err := memory.New(memory.Config{})
		if err != nil {
			s.fatalf("%v", err)
		}
		s.all = append(s.all, m)
		tags := s.client()
		ls[i] = s.loader(m, func(c *load.Config[string]) {
			c.TagCache = tags
			if change != nil {
				change(c)
			}
		})
	}
	return ls
}
