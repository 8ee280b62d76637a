package comingfrom

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

// Pages are pages of orders, shared with programs in Python.
type Pages struct {
	cache *cache.Cache
	wires *dependency.Dependency
	made  int
}

func newPages(c *cache.Cache) (*Pages, error) {
	wires, err := dependency.New(c, time.Hour)
	return &Pages{cache: c, wires: wires}, err
}

// Order returns the page of an order.
func (p *Pages) Order(ctx context.Context, id int) ([]byte, error) {
	key := fmt.Sprintf("page:%d", id)
	page, err := p.cache.Get(ctx, key)
	if !errors.Is(err, cache.ErrMiss) {
		return page, err
	}
	page = p.render(id)
	if err := p.cache.Set(ctx, key, page, time.Hour); err != nil {
		return nil, err
	}
	if err := p.wires.Add(ctx, fmt.Sprintf("order:%d:", id), key); err != nil {
		return nil, errors.Join(err, p.cache.Delete(ctx, key)) // the wire may not hold
	}
	return page, nil
}

// Changed drops the pages that show an order.
func (p *Pages) Changed(ctx context.Context, id int) error {
	return p.wires.Delete(ctx, fmt.Sprintf("order:%d:", id))
}

func (p *Pages) render(id int) []byte {
	p.made++
	return fmt.Appendf(nil, "<h1>order %d</h1>", id)
}

func TestWheezy(t *testing.T) {
	pages, err := newPages(newMemory(t))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		if i == 2 {
			if err := pages.Changed(t.Context(), 7); err != nil {
				t.Fatal(err)
			}
		}
		if page, err := pages.Order(t.Context(), 7); err != nil || string(page) != "<h1>order 7</h1>" {
			t.Fatalf("Order: %s, error %v", page, err)
		}
	}
	if pages.made != 2 {
		t.Errorf("rendered %d times, want twice", pages.made)
	}
}
