package cache

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
)

// partitions are the caches behind a Cache that has namespaces. They are immutable.
type partitions struct {
	byName   map[string]*Cache
	def      *Cache // the default one
	distinct []partition
	added    view // what a view of the whole adds to each of them
}

// partition is a cache behind one or more namespaces.
type partition struct {
	name   string // the first of its namespaces
	core   *core
	opened *Cache // what Partitions returns
}

// Partitioned returns a cache made of several, one for each namespace. Package client makes
// such caches from a configuration.
//
// Operations on keys go to the default namespace, and so do Driver, Supports, Discards,
// CheckKey and Stats. [Cache.Namespace] returns the others. Flush, Ping and Close reach
// each distinct cache once. Views apply to all namespaces.
func Partitioned(defaultNamespace string, namespaces map[string]*Cache) (*Cache, error) {
	def, ok := namespaces[defaultNamespace]
	switch {
	case !ok:
		return nil, fmt.Errorf("cache: no default namespace %q; %s", defaultNamespace, known(namespaces))
	case def == nil:
		return nil, fmt.Errorf("cache: namespace %q has no cache", defaultNamespace)
	}
	p := partitions{byName: maps.Clone(namespaces)}
	p.def = def.with(func(v *view) { v.namespace = defaultNamespace })
	for _, name := range slices.Sorted(maps.Keys(namespaces)) {
		c := namespaces[name]
		if c == nil {
			return nil, fmt.Errorf("cache: namespace %q has no cache", name)
		}
		inner := []partition{{name, c.core, c.opened()}}
		if c.parts != nil {
			inner = c.parts.distinct
		}
		for _, part := range inner {
			same := func(other partition) bool { return other.core == part.core }
			if !slices.ContainsFunc(p.distinct, same) {
				p.distinct = append(p.distinct, partition{name, part.core, part.opened})
			}
		}
	}
	return p.cache(), nil
}

// cache returns the Cache that has these partitions.
func (p partitions) cache() *Cache {
	return newCache(p.def.core, p.added.under(p.def.view), &p)
}

// Namespace returns the partition with that name, with the hooks, the prefix and the kind
// of c. A cache without partitions is its own partition for every name, so that a program
// with namespaces runs unchanged on one cache: its namespaces then share all keys. An
// unknown name is an error that lists the known ones.
func (c *Cache) Namespace(name string) (*Cache, error) {
	if c.parts == nil {
		return c.with(func(v *view) { v.namespace = name }), nil
	}
	part := c.parts.byName[name]
	if part == nil {
		return nil, fmt.Errorf("cache: unknown namespace %.40q; %s", name, known(c.parts.byName))
	}
	return part.with(func(v *view) {
		*v = c.parts.added.under(*v)
		v.namespace = name
	}), nil
}

// Partitions returns the distinct caches that c consists of, each with the first of its
// namespaces: those behind the namespaces of a cache that has some, otherwise that of c.
// They are without the hooks, the prefix and the kind of c, as their drivers made them. The
// pointers are equal for all views of the same cache. A near view (see drivers/valkey)
// counts as another cache here, since it has statistics.
func (c *Cache) Partitions() iter.Seq2[string, *Cache] {
	return func(yield func(string, *Cache) bool) {
		if c.parts == nil {
			yield(c.namespace, c.opened())
			return
		}
		for _, part := range c.parts.distinct {
			if !yield(part.name, part.opened) {
				return
			}
		}
	}
}

// known lists the namespaces for an error.
func known(namespaces map[string]*Cache) string {
	if len(namespaces) == 0 {
		return "there are no namespaces"
	}
	names := slices.Sorted(maps.Keys(namespaces))
	for i, n := range names {
		names[i] = fmt.Sprintf("%.40q", n)
	}
	return "known namespaces: " + strings.Join(names, ", ")
}

// each calls f for each distinct cache and joins the errors.
func (p *partitions) each(f func(*core) error) error {
	var errs []error
	for _, part := range p.distinct {
		if err := f(part.core); err != nil {
			errs = append(errs, fmt.Errorf("namespace %q: %w", part.name, err))
		}
	}
	return errors.Join(errs...)
}
