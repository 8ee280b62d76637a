package cache

import "context"

// Op names an operation, for hooks, errors and [Cache.Supports].
type Op uint8

// The operations. One on many keys has a name of its own.
const (
	OpGet Op = iota
	OpGetMulti
	OpSet
	OpSetMulti
	OpAdd
	OpAddMulti
	OpReplace
	OpReplaceMulti
	OpDelete
	OpDeleteMulti
	OpIncrement
	OpDecrement
	OpGetItem
	OpGetItemMulti
	OpCompareAndSwap
	OpCompareAndDelete
	OpCompareAndDeleteMulti
	OpTouch
	OpFlush
	OpPing
	OpStats
)

var opNames = [...]string{
	OpGet: "get", OpGetMulti: "get multi", OpSet: "set", OpSetMulti: "set multi",
	OpAdd: "add", OpAddMulti: "add multi", OpReplace: "replace", OpReplaceMulti: "replace multi",
	OpDelete: "delete", OpDeleteMulti: "delete multi", OpIncrement: "increment", OpDecrement: "decrement",
	OpGetItem: "get item", OpGetItemMulti: "get item multi", OpCompareAndSwap: "compare and swap",
	OpCompareAndDelete: "compare and delete", OpCompareAndDeleteMulti: "compare and delete multi", OpTouch: "touch", OpFlush: "flush", OpPing: "ping", OpStats: "stats",
}

// String returns the operation's name in lower case, such as "get multi".
func (o Op) String() string {
	if int(o) < len(opNames) {
		return opNames[o]
	}
	return "unknown"
}

// Operation describes a call as it begins.
type Operation struct {
	Driver string // as in the driver's DSN: "memory"
	Op     Op
	Keys   int // how many keys the caller gave; 0 where there are none
}

// Outcome describes how a call ended.
type Outcome struct {
	// Hits is how many keys the call took effect for: found by a get, stored,
	// removed, counted. Keys that are repeated in a batch count once. A delete of
	// many keys counts absent ones too.
	Hits  int
	Bytes int // the length of the values read, or handed over to be stored
	Err   error
}

// Hook watches the operations of a cache: for metrics, traces, logs. Start is called
// before anything else happens and may return a context of its own, which the driver
// then gets; End is called with that context when the call is over. A hook must be
// safe for concurrent use, must not change the outcome, and must not panic.
//
// A cache without a hook pays nothing for the possibility.
type Hook interface {
	Start(ctx context.Context, o Operation) context.Context
	End(ctx context.Context, o Operation, result Outcome)
}

// WithHook returns a view of c whose operations h sees, and those of its namespaces.
// Hooks that c has already stay, inside of h: theirs start after it and end before.
func (c *Cache) WithHook(h Hook) *Cache {
	view := *c
	view.hook = joinHooks(h, c.hook)
	if c.parts != nil {
		view.outer.hook = joinHooks(h, c.outer.hook)
	}
	return &view
}

func joinHooks(outer, inner Hook) Hook {
	if outer == nil {
		return inner
	}
	if inner == nil {
		return outer
	}
	return &hookPair{outer, inner}
}

type hookPair struct{ outer, inner Hook }

// Start leaves the outer context in the inner one, with the pair as the key, for End
// to find: each hook must get back the context that it returned.
func (p *hookPair) Start(ctx context.Context, o Operation) context.Context {
	outer := p.outer.Start(ctx, o)
	return context.WithValue(p.inner.Start(outer, o), p, outer)
}

func (p *hookPair) End(ctx context.Context, o Operation, r Outcome) {
	p.inner.End(ctx, o, r)
	p.outer.End(ctx.Value(p).(context.Context), o, r)
}

// span is one call under a hook.
type span struct {
	hook Hook
	o    Operation
}

// start begins a call on keys keys. It is called only if there is a hook.
func (c *Cache) start(ctx context.Context, op Op, keys int) (context.Context, span) {
	s := span{c.hook, Operation{Driver: c.core.name, Op: op, Keys: keys}}
	return s.hook.Start(ctx, s.o), s
}

// end ends a call on one key.
func (s span) end(ctx context.Context, bytes int, err error) {
	r := Outcome{Bytes: bytes, Err: err}
	if err == nil {
		r.Hits = s.o.Keys
	}
	s.hook.End(ctx, s.o, r)
}
