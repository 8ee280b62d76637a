package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// partitions is the table behind a cache that has namespaces.
type partitions struct {
	byName map[string]*Cache
	cores  []*core // the distinct ones, in the order of their names
	labels []string
}

// outer is what a view of a cache with partitions was given since it was partitioned.
type outer struct {
	hook   Hook
	prefix string
	kind   Kind
}

// Partitioned returns a cache made of others, one for each namespace. Operations go
// to the default namespace; [Cache.Namespace] gives the others; Flush, Ping and Close
// reach each distinct cache once. Package client makes such caches from a
// configuration.
//
// It is a view of the default cache with a table, so that nothing stands between an
// operation and its cache.
func Partitioned(defaultNamespace string, namespaces map[string]*Cache) (*Cache, error) {
	def := namespaces[defaultNamespace]
	if def == nil {
		return nil, fmt.Errorf("cache: no default namespace %q; %s", defaultNamespace, existing(namespaces))
	}
	p := &partitions{byName: maps.Clone(namespaces)}
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		c := namespaces[name]
		if c == nil {
			return nil, fmt.Errorf("cache: namespace %q has no cache", name)
		}
		cores := []*core{c.core}
		if c.parts != nil {
			cores = c.parts.cores
		}
		for _, co := range cores {
			if !slices.Contains(p.cores, co) {
				p.cores = append(p.cores, co)
				p.labels = append(p.labels, name)
			}
		}
	}
	view := *def
	view.parts, view.outer = p, outer{}
	return &view, nil
}

// Namespace returns the partition of that name, with the hooks, the prefix and the kind
// that c was given. A cache that has no partitions is its own partition for every name.
// An unknown name is an error that tells which exist.
func (c *Cache) Namespace(name string) (*Cache, error) {
	if c.parts == nil {
		return c, nil
	}
	part := c.parts.byName[name]
	if part == nil {
		return nil, fmt.Errorf("cache: unknown namespace %.40q; %s", name, existing(c.parts.byName))
	}
	view := *part
	view.hook = joinHooks(c.outer.hook, part.hook)
	view.prefix += c.outer.prefix
	if c.outer.kind != Bytes {
		view.kind = c.outer.kind
	}
	if view.parts != nil {
		view.outer = outer{joinHooks(c.outer.hook, part.outer.hook), part.outer.prefix + c.outer.prefix, view.kind}
	}
	return &view, nil
}

// existing lists the namespaces for an error.
func existing(namespaces map[string]*Cache) string {
	if len(namespaces) == 0 {
		return "there are none"
	}
	names := slices.Sorted(maps.Keys(namespaces))
	for i, n := range names {
		names[i] = fmt.Sprintf("%.40q", n)
	}
	return "there are " + strings.Join(names, ", ")
}

// each runs f on every distinct cache and joins the errors.
func (p *partitions) each(f func(*core) error) error {
	var errs []error
	for i, co := range p.cores {
		if err := f(co); err != nil {
			errs = append(errs, fmt.Errorf("namespace %q: %w", p.labels[i], err))
		}
	}
	return errors.Join(errs...)
}
