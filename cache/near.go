package cache

import (
	"errors"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
)

// near serves Get, GetMulti, Ping and Stats of a near view. All other operations go to the driver,
// so the view has every ability of the cache.
type near struct {
	local.Near
	opened *Cache // the near view without hooks, prefix and kind
}

func init() {
	local.NearView = func(c any, open func(driver.Cache) (local.Near, error)) (any, error) {
		return c.(*Cache).withNear(open)
	}
	local.Exact = func(c any) any { return c.(*Cache).exact() }
}

func (c *Cache) withNear(open func(driver.Cache) (local.Near, error)) (*Cache, error) {
	if c.parts != nil {
		return nil, errors.New("the cache has namespaces; want the cache of one of them")
	}
	if c.near != nil {
		return nil, errors.New("the cache is a near view already")
	}
	r, err := open(c.core.driver)
	if err != nil {
		return nil, err
	}
	n := &near{Near: r}
	n.opened = newCache(c.core, view{encode: c.encode, near: n}, nil)
	return c.with(func(v *view) { v.near = n }), nil
}

// exact returns c, or the same view without near if c is a near view.
func (c *Cache) exact() *Cache {
	if c.near == nil {
		return c
	}
	if c.parts != nil {
		v := c.view
		v.near = nil
		return newCache(c.core, v, c.parts)
	}
	return c.with(func(v *view) { v.near = nil })
}

// opened returns the cache that the driver made, or the near view of it.
func (c *Cache) opened() *Cache {
	if c.near != nil {
		return c.near.opened
	}
	return c.core.opened
}
