package promhook

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/cache/driver"
)

// MaxNamespaces is the number of namespaces, counted for each driver, that have their own
// labels.
const MaxNamespaces = 100

// otherNamespace is the label of namespaces beyond MaxNamespaces, and of those that are
// not UTF-8.
const otherNamespace = "other"

// group identifies operations and statistics that are added up.
type group struct{ driver, namespace string }

// table holds the operations that were seen, by their groups.
type table struct {
	durations []int64 // the bounds of durations, in nanoseconds

	groups atomic.Pointer[groups]
	mu     sync.Mutex // held to replace groups
}

// groups are replaced and never changed. Most programs have a few, which are found faster
// by comparing than by hashing: 8 ns instead of 37 of an operation.
type groups struct {
	few  []*operations
	many map[group]*operations
}

const fewGroups = 8

// operations are those of a group.
type operations struct {
	group
	all []atomic.Pointer[operation] // by index
}

var opCount = len(driver.Ops()) + 1

func index(within, op cache.Op) int { return int(within)*opCount + int(op) }

// find returns the operation of a call, and adds it on the first call.
func (t *table) find(call *cache.Call) *operation {
	ops := t.groups.Load().find(call.Driver, call.Namespace)
	if ops == nil {
		ops = t.add(group{call.Driver, call.Namespace})
	}
	p := &ops.all[index(call.Within, call.Op)]
	o := p.Load()
	if o == nil {
		p.CompareAndSwap(nil, newOperation(ops.group, call.Within, call.Op, t.durations))
		o = p.Load()
	}
	return o
}

func (g *groups) find(driver, namespace string) *operations {
	if g == nil {
		return nil
	}
	for _, ops := range g.few {
		if ops.namespace == namespace && ops.driver == driver {
			return ops
		}
	}
	return g.many[group{driver, namespace}]
}

// add returns the operations of a group that find did not find: a new group, or the group of
// other namespaces.
func (t *table) add(g group) *operations {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.groups.Load()
	if old == nil {
		old = &groups{}
	}
	if len(old.few)+len(old.many) >= MaxNamespaces || !utf8.ValidString(g.namespace) {
		g.namespace = otherNamespace
	}
	if ops := old.find(g.driver, g.namespace); ops != nil {
		return ops
	}
	ops := &operations{group{g.driver, strings.Clone(g.namespace)}, make([]atomic.Pointer[operation], opCount*opCount)}
	added := &groups{few: old.few, many: old.many}
	if len(old.few) < fewGroups {
		added.few = append(slices.Clone(old.few), ops)
	} else {
		added.many = maps.Clone(old.many)
		if added.many == nil {
			added.many = map[group]*operations{}
		}
		added.many[ops.group] = ops
	}
	t.groups.Store(added)
	return ops
}

// each calls f for each operation.
func (t *table) each(f func(*operation)) {
	g := t.groups.Load()
	if g == nil {
		return
	}
	for _, ops := range slices.AppendSeq(slices.Clone(g.few), maps.Values(g.many)) {
		for i := range ops.all {
			if o := ops.all[i].Load(); o != nil {
				f(o)
			}
		}
	}
}

// valid returns a namespace as a label.
func valid(namespace string) string {
	if !utf8.ValidString(namespace) {
		return otherNamespace
	}
	return namespace
}

// operation holds the counts of an operation.
type operation struct {
	group
	within, op cache.Op

	bounds  []int64                     // of durations
	calls   []atomic.Pointer[histogram] // durations by outcome, with the further counters below
	batches *histogram                  // nil unless it is an operation on many keys
	loads   *loads                      // nil unless it is an operation of package load
}

// The further counters of the calls with an outcome.
const (
	keysCounter = iota // keys with that outcome, in whichever calls
	bytesCounter
	furtherCounters
)

// loads are the counts of an operation of package load.
type loads struct {
	durations     *histogram // of load functions
	values, waits atomic.Uint64
}

var (
	outcomes    = cache.Outcomes()
	batchBounds = []int64{1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000}
)

func newOperation(g group, within, op cache.Op, bounds []int64) *operation {
	o := &operation{group: g, within: within, op: op, bounds: bounds, calls: make([]atomic.Pointer[histogram], outcomes[len(outcomes)-1]+1)}
	if within != 0 {
		return o // a part, of which durations and bytes are kept
	}
	if strings.HasSuffix(op.String(), "_multi") {
		o.batches = newHistogram(batchBounds, 0)
	}
	switch op {
	case cache.OpLoad, cache.OpLoadMulti, cache.OpRefresh:
		o.loads = &loads{durations: newHistogram(bounds, 0)}
	}
	return o
}

// count counts a call.
func (o *operation) count(call *cache.Call, r *cache.Result) {
	outcome := r.Outcome(call.Op)
	h := o.of(outcome)
	s := h.observe(int64(r.Duration))
	if r.Bytes > 0 {
		h.further(s, bytesCounter).Add(uint64(r.Bytes))
	}
	if o.within != 0 {
		return
	}
	if call.Keys == 1 {
		h.further(s, keysCounter).Add(1)
	} else {
		for outcome, n := range r.KeyOutcomes(call.Op) {
			h := o.of(outcome)
			h.further(h.stripe(), keysCounter).Add(uint64(n))
		}
	}
	if o.batches != nil {
		o.batches.observe(int64(call.Keys))
	}
	if o.loads != nil {
		o.loads.count(r)
	}
}

// of returns the histogram of the calls with an outcome, and adds it on the first call.
func (o *operation) of(outcome cache.Outcome) *histogram {
	p := &o.calls[outcome]
	h := p.Load()
	if h == nil {
		p.CompareAndSwap(nil, newHistogram(o.bounds, furtherCounters))
		h = p.Load()
	}
	return h
}

func (l *loads) count(r *cache.Result) {
	if r.Loaded > 0 || r.LoadTime > 0 {
		l.durations.observe(int64(r.LoadTime))
		l.values.Add(uint64(r.Loaded))
	}
	if r.Waited > 0 {
		l.waits.Add(uint64(r.Waited))
	}
}
