package cache

// A view holds the settings that a Cache adds to the driver. Views of one cache share the
// core.
type view struct {
	encode    func(string) string // nil: keys are used as they are
	prefix    string              // comes before the key, and is encoded with it
	kind      Kind                // of the values that are stored
	namespace string              // for hooks
	hook      Hook                // nil: no operation is observed
	near      *near               // nil: reads go to the driver
}

// under returns the view that has both, with v the outer one.
func (v view) under(inner view) view {
	both := inner
	both.prefix += v.prefix
	both.hook = joinHooks(v.hook, inner.hook)
	if v.kind != Bytes {
		both.kind = v.kind
	}
	if v.namespace != "" {
		both.namespace = v.namespace
	}
	return both
}

// newCache returns a Cache with view v.
func newCache(co *core, v view, parts *partitions) *Cache {
	c := &Cache{core: co, view: v, parts: parts}
	if v.hook != nil {
		bare := *c
		bare.hook = nil
		c.bare = &bare
	}
	return c
}

// with returns a Cache with a changed view. If c has partitions, the change applies to
// each of them.
func (c *Cache) with(change func(*view)) *Cache {
	if c.parts != nil {
		p := *c.parts
		change(&p.added)
		return p.cache()
	}
	v := c.view
	change(&v)
	return newCache(c.core, v, nil)
}

// WithKind returns a view of c that marks the values it stores as being of kind k. It
// makes no difference to Go programs: Get returns bytes.
func (c *Cache) WithKind(k Kind) *Cache {
	return c.with(func(v *view) { v.kind = k })
}

// WithPrefix returns a view of c that puts prefix before every key, after the prefix that
// c already has. The prefix is encoded with the key and counts toward its length limit.
// Results and errors name keys without it. Flush ignores the prefix and removes
// everything.
func (c *Cache) WithPrefix(prefix string) *Cache {
	return c.with(func(v *view) { v.prefix += prefix })
}
