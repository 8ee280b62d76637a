package loadbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/viccon/sturdyc"

	"github.com/larder-go/larder/codec"
	"github.com/larder-go/larder/internal/dev/benchmarks/workload"
	"github.com/larder-go/larder/load"
	"github.com/larder-go/larder/memory"
)

const (
	hitKeys   = 10_000
	valueSize = 128
)

// A user is a typed value. Its JSON has about 1,000 bytes.
type user struct {
	ID     int      `json:"id"`
	Name   string   `json:"name"`
	Email  string   `json:"email"`
	Active bool     `json:"active"`
	Teams  []string `json:"teams"`
	About  string   `json:"about"`
}

func newUser(i int) user {
	about := make([]byte, 800)
	for j := range about {
		about[j] = 'a' + byte((i+j)%26)
	}
	return user{
		ID: i, Name: fmt.Sprint("User Number ", i), Email: fmt.Sprintf("user%d@example.com", i), Active: true,
		Teams: []string{"engineering", "on call", "book club"}, About: string(about),
	}
}

// item is a key, and the tags of its value.
type item struct {
	key     string
	tags    []string
	records []string // plain items of package memory, in the place of records of tags
}

func newItems() []item {
	items := make([]item, hitKeys)
	for i := range items {
		items[i] = item{
			workload.Key(i),
			[]string{fmt.Sprint("user:", i), fmt.Sprint("team:", i%100)},
			[]string{fmt.Sprint("version:user:", i), fmt.Sprint("version:team:", i%100)},
		}
	}
	return items
}

func (r *Results) runHits(o Options) error {
	rounds := 11
	if o.Quick {
		rounds = 2
	}
	items := newItems()
	values := make([][]byte, len(items))
	users := make([]user, len(items))
	for i := range items {
		values[i] = workload.Value(workload.Rand(uint64(i)), valueSize)
		users[i] = newUser(i)
	}
	bytes, err := waysOf(items, values, codec.Bytes(), func(b []byte) ([]byte, error) { return b, nil })
	if err != nil {
		return err
	}
	typed, err := waysOf(items, users, codec.JSON[user](), func(b []byte) (u user, err error) { return u, json.Unmarshal(b, &u) })
	if err != nil {
		return err
	}
	for _, group := range []struct {
		name string
		ways []way
	}{{"bytes", bytes}, {"JSON", typed}} {
		rows, err := turns(group.name, group.ways, rounds, 100*time.Millisecond)
		if err != nil {
			return err
		}
		r.Hits = append(r.Hits, rows...)
	}
	return nil
}

// waysOf returns the ways to read values, which all have been read once.
func waysOf[V any](items []item, values []V, c codec.Codec[V], decode func([]byte) (V, error)) ([]way, error) {
	m, err := memory.New(memory.Config{})
	if err != nil {
		return nil, err
	}
	loader, err := load.New(m, load.Config[V]{Codec: c, TTL: time.Hour})
	if err != nil {
		return nil, err
	}
	byHand, err := memory.New(memory.Config{})
	if err != nil {
		return nil, err
	}
	inOtter, err := otter.New(&otter.Options[string, V]{ExpiryCalculator: otter.ExpiryWriting[string, V](time.Hour)})
	if err != nil {
		return nil, err
	}
	inSturdyc := sturdyc.New[V](2*len(items), 64, time.Hour, 10)
	for i, it := range items {
		b, err := c.Append(nil, values[i])
		errs := []error{err, byHand.Set(ctx, it.key, b, time.Hour)}
		for _, record := range it.records {
			errs = append(errs, byHand.Set(ctx, record, []byte("8 bytes."), time.Hour))
		}
		_, err = loader.Get(ctx, it.key, func(context.Context, *load.Entry[V]) (V, error) { return values[i], nil }, it.tags...)
		errs = append(errs, err)
		_, err = inOtter.Get(ctx, it.key, otter.LoaderFunc[string, V](func(context.Context, string) (V, error) { return values[i], nil }))
		errs = append(errs, err)
		_, err = inSturdyc.GetOrFetch(ctx, it.key, func(context.Context) (V, error) { return values[i], nil })
		if err := errors.Join(append(errs, err)...); err != nil {
			return nil, err
		}
	}
	// All are hits from now on. The functions are made once, so that their allocation does
	// not count.
	never := func() (v V, err error) { return v, errLoaded }
	forLoad := func(context.Context, *load.Entry[V]) (V, error) { return never() }
	forOtter := otter.LoaderFunc[string, V](func(context.Context, string) (V, error) { return never() })
	forSturdyc := func(context.Context) (V, error) { return never() }
	return []way{
		{"load, two tags", func(i int) error {
			it := &items[i%len(items)]
			_, err := loader.Get(ctx, it.key, forLoad, it.tags...)
			return err
		}},
		{"by hand, no tags: get, decode, set on a miss", func(i int) error {
			it := &items[i%len(items)]
			b, err := byHand.Get(ctx, it.key)
			if err != nil {
				v, err := never()
				if err != nil {
					return err
				}
				if b, err = c.Append(nil, v); err != nil {
					return err
				}
				return byHand.Set(ctx, it.key, b, time.Hour)
			}
			_, err = decode(b)
			return err
		}},
		{"by hand, two versions: three gets, decode", func(i int) error {
			it := &items[i%len(items)]
			b, err := byHand.Get(ctx, it.key)
			if err != nil {
				return err
			}
			for _, record := range it.records {
				if _, err := byHand.Get(ctx, record); err != nil {
					return err
				}
			}
			_, err = decode(b)
			return err
		}},
		{"otter, loader, no tags, not encoded", func(i int) error {
			_, err := inOtter.Get(ctx, items[i%len(items)].key, forOtter)
			return err
		}},
		{"sturdyc, GetOrFetch, no tags, not encoded", func(i int) error {
			_, err := inSturdyc.GetOrFetch(ctx, items[i%len(items)].key, forSturdyc)
			return err
		}},
	}, nil
}
