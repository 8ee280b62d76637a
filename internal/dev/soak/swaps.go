package soak

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/larder-go/larder/cache"
)

// swaps replaces states of cells by compare-and-swap and removes them by
// compare-and-delete, with items that were read just now or long ago. Each state is
// stored once, so it can be replaced or removed once, and never after an add of the same
// goroutine found that it was gone.
type swaps struct {
	*workload
	lists *lists
	held  [][cells][]held // by goroutine and cell
}

// held is an item that was read, to be used later.
type held struct {
	item cache.Item
	gone bool // it was seen to be gone
}

func newSwaps(w *workload, l *lists, goroutines int) *swaps {
	s := &swaps{workload: w, lists: l, held: make([][cells][]held, goroutines)}
	w.step = s.do
	return s
}

func (s *swaps) do(ctx context.Context, r *rand.Rand, goroutine int) {
	c, cell := s.lists.short, r.IntN(cells)
	key, items := fmt.Sprint("cell:", cell), &s.held[goroutine][cell]
	state := s.table.states.Add(1)
	value := []byte(strconv.FormatUint(state, 10))

	switch n := r.IntN(10); {
	case n < 2 && len(*items) > 0: // an item of some time ago
		i := r.IntN(len(*items))
		h := (*items)[i]
		*items = append((*items)[:i:i], (*items)[i+1:]...)
		s.replace(ctx, r, c, h, value)
	case n < 9:
		it, err := c.GetItem(ctx, key)
		switch {
		case errors.Is(err, cache.ErrMiss):
			s.read(false)
			s.add(ctx, c, key, value, *items)
		case err != nil:
			s.failed("GetItem", err)
		case n < 4 && len(*items) < 20:
			s.read(true)
			*items = append(*items, held{item: it})
		default:
			s.read(true)
			s.replace(ctx, r, c, held{item: it}, value)
		}
	default:
		s.add(ctx, c, key, value, *items)
	}
}

// add stores a state where there is none: states that were read before are then gone for good.
func (s *swaps) add(ctx context.Context, c *cache.Cache, key string, value []byte, items []held) {
	switch err := c.Add(ctx, key, value, itemTTL); {
	case err == nil:
		s.loaded()
		for i := range items {
			items[i].gone = true
		}
	case !errors.Is(err, cache.ErrNotStored):
		s.failed("Add", err)
	}
}

func (s *swaps) replace(ctx context.Context, r *rand.Rand, c *cache.Cache, h held, value []byte) {
	name, err := "CompareAndSwap", error(nil)
	if r.IntN(4) == 0 {
		name, err = "CompareAndDelete", c.CompareAndDelete(ctx, h.item)
	} else {
		err = c.CompareAndSwap(ctx, h.item, value, itemTTL)
	}
	switch {
	case expected(err):
		return
	case err != nil:
		s.failed(name, err)
		return
	}
	s.invalidated()
	state, err := strconv.ParseUint(string(h.item.Value), 10, 64)
	switch {
	case err != nil:
		s.wrong("%s: the cell held %q", name, h.item.Value)
	case h.gone:
		s.wrong("%s of state %d succeeded although it was gone", name, state)
	case !s.table.consume(state):
		s.wrong("%s of state %d succeeded, not for the first time", name, state)
	}
}
