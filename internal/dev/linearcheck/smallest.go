package linearcheck

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
)

// explain returns, for each key whose calls no order explains, the smallest part of its history
// of which that is true.
func explain(m porcupine.Model, history []porcupine.Operation) string {
	var b strings.Builder
	for _, calls := range m.Partition(history) {
		if !illegal(m, calls) {
			continue
		}
		fmt.Fprintf(&b, "no order explains the calls of %s:\n", calls[0].Input.(call).key)
		for _, o := range smallest(m, calls) {
			b.WriteString(line(o))
		}
	}
	return b.String()
}

func illegal(m porcupine.Model, calls []porcupine.Operation) bool {
	return porcupine.CheckOperationsTimeout(m, calls, 10*time.Second) == porcupine.Illegal
}

// smallest leaves out the calls at the end without which the history has no explanation either,
// and those before a set that overlaps with no call, after which their results do not matter.
func smallest(m porcupine.Model, calls []porcupine.Operation) []porcupine.Operation {
	calls = slices.Clone(calls)
	slices.SortFunc(calls, func(a, b porcupine.Operation) int { return cmp.Compare(a.Call, b.Call) })
	for len(calls) > 1 && illegal(m, calls[:len(calls)-1]) {
		calls = calls[:len(calls)-1]
	}
	for i := len(calls) - 1; i > 0; i-- {
		if calls[i].Input.(call).op == cache.OpSet && alone(calls, i) && illegal(m, calls[i:]) {
			return calls[i:]
		}
	}
	return calls
}

// alone reports whether the i-th of calls, which are in the order of their beginnings, overlaps
// with no other.
func alone(calls []porcupine.Operation, i int) bool {
	for j, o := range calls {
		if j < i && o.Return >= calls[i].Call || j > i && o.Call <= calls[i].Return {
			return false
		}
	}
	return true
}

// line is a call as a line of text.
func line(o porcupine.Operation) string {
	c, r := o.Input.(call), o.Output.(result)
	var b strings.Builder
	fmt.Fprintf(&b, "  %v to %v, worker %d: %v %s", time.Duration(o.Call), time.Duration(o.Return), o.ClientId, c.op, c.key)
	switch c.op {
	case cache.OpIncrement, cache.OpDecrement:
		fmt.Fprintf(&b, " by %d", c.delta)
	case cache.OpCompareAndSwap, cache.OpCompareAndDelete:
		fmt.Fprintf(&b, ", was %.24q", c.old)
	}
	switch c.op {
	case cache.OpSet, cache.OpAdd, cache.OpReplace, cache.OpCompareAndSwap:
		fmt.Fprintf(&b, ", to %.24q", c.value)
	}
	switch c.op {
	case cache.OpGet, cache.OpGetItem, cache.OpDelete, cache.OpIncrement, cache.OpDecrement, cache.OpCompareAndDelete:
	default:
		fmt.Fprintf(&b, ", TTL %v", c.ttl)
	}
	fmt.Fprintf(&b, ": %.24q, TTL %v, %v\n", r.value, r.left, r.err)
	return b.String()
}
