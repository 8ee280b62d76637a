package soak

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/larder-go/larder/load"
)

// tags reads pages through package load. Invalidations go to the servers of both lists.
type tags struct {
	*workload
	lists   *lists
	loaders []*load.Bytes // for each list
}

func newTags(w *workload, l *lists) (*tags, error) {
	ts := &tags{workload: w, lists: l}
	caches := l.caches()
	for i, c := range caches {
		config := load.Config[[]byte]{
			TTL:          itemTTL,
			Lease:        leaseTTL,
			RefreshAfter: itemTTL / 2,
			KeepStale:    itemTTL,
			RetryAfter:   leaseTTL,
		}
		if len(caches) > 1 {
			config.AlsoInvalidate = append(config.AlsoInvalidate, caches[1-i])
		}
		loader, err := load.New(c, config)
		if err != nil {
			return nil, err
		}
		ts.loaders = append(ts.loaders, loader)
	}
	w.step = ts.do
	return ts, nil
}

func tag(row int) string { return fmt.Sprint("row:", row) }

func (ts *tags) do(ctx context.Context, r *rand.Rand, _ int) {
	page, loader := ts.choose(r), ts.loaders[ts.lists.now()]
	if r.IntN(100) < 5 {
		row := rowsOf(page)[r.IntN(rowsOfPage)]
		ts.change(ctx, row, func(ctx context.Context) error {
			return loader.Invalidate(ctx, tag(row))
		})
		return
	}
	var names []string
	for _, row := range rowsOf(page) {
		names = append(names, tag(row))
	}
	loadTags, known := names, []string(nil)
	if r.IntN(2) == 0 {
		loadTags, known = nil, names
	}
	rd, seed := ts.begin(page), r.Uint64()
	var loaded atomic.Bool
	b, err := loader.Get(ctx, fmt.Sprint("page:", page), func(ctx context.Context, e *load.Entry[[]byte]) ([]byte, error) {
		loaded.Store(true)
		if err := e.Tag(ctx, loadTags...); err != nil {
			return nil, err
		}
		// A separate source: a load can outlive the call that began it.
		return ts.load(ctx, rand.New(rand.NewPCG(seed, 0)), page), nil
	}, known...)
	if err != nil {
		ts.failed("load.Get", err)
		return
	}
	ts.check(rd, b, !loaded.Load())
}
