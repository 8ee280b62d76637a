package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

// lease marks a key whose page is being loaded.
var lease = []byte("lease")

// wires reads pages that package dependency invalidates. A page is stored by
// compare-and-swap in the place of an item that was wired before the page was loaded:
// an invalidation during the load removes that item.
type wires struct {
	*workload
	lists *lists
	deps  []*dependency.Dependency // for each list
}

func newWires(w *workload, l *lists) (*wires, error) {
	ws := &wires{workload: w, lists: l}
	for _, c := range l.caches() {
		d, err := dependency.New(c, itemTTL+leaseTTL+callTime)
		if err != nil {
			return nil, err
		}
		ws.deps = append(ws.deps, d)
	}
	w.step = ws.do
	return ws, nil
}

func (l *lists) caches() []*cache.Cache {
	if l.long == nil {
		return []*cache.Cache{l.short}
	}
	return []*cache.Cache{l.short, l.long}
}

func master(row int) string { return fmt.Sprintf("row:%d:", row) }

func (ws *wires) do(ctx context.Context, r *rand.Rand, _ int) {
	page, list := ws.choose(r), ws.lists.now()
	switch n := r.IntN(100); {
	case n < 5:
		row := rowsOf(page)[r.IntN(rowsOfPage)]
		ws.change(ctx, row, func(ctx context.Context) error {
			return ws.deps[ws.lists.now()].Delete(ctx, master(row))
		})
	default:
		rd := ws.begin(page)
		b, hit := ws.get(ctx, r, list, page)
		ws.check(rd, b, hit)
	}
}

func (ws *wires) get(ctx context.Context, r *rand.Rand, list, page int) (b []byte, hit bool) {
	c, key := ws.lists.caches()[list], fmt.Sprint("page:", page)
	b, err := c.Get(ctx, key)
	if err == nil && !bytes.Equal(b, lease) {
		return b, true
	}
	if err != nil && !errors.Is(err, cache.ErrMiss) {
		ws.failed("Get", err)
		return ws.load(ctx, r, page), false
	}
	it, added, err := c.GetOrAdd(ctx, key, lease, leaseTTL)
	switch {
	case err != nil && !errors.Is(err, cache.ErrMiss):
		ws.failed("GetOrAdd", err)
		fallthrough
	case err != nil:
		return ws.load(ctx, r, page), false
	case !added && !bytes.Equal(it.Value, lease):
		return it.Value, true
	case !added:
		return ws.load(ctx, r, page), false
	}
	for _, row := range rowsOf(page) {
		if err := ws.deps[list].Add(ctx, master(row), key); err != nil {
			ws.failed("Add", err)
			if err := c.CompareAndDelete(ctx, it); err != nil && !expected(err) {
				ws.failed("CompareAndDelete", err)
			}
			return ws.load(ctx, r, page), false
		}
	}
	b = ws.load(ctx, r, page)
	if err := c.CompareAndSwap(ctx, it, b, itemTTL); err != nil && !expected(err) {
		ws.failed("CompareAndSwap", err)
	}
	return b, false
}

// expected reports whether err says that an item changed or is gone.
func expected(err error) bool {
	return errors.Is(err, cache.ErrConflict) || errors.Is(err, cache.ErrMiss)
}
