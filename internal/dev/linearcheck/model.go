package linearcheck

import (
	"errors"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
)

// A call is an operation on one key. An operation on many keys is a call on each of them,
// all at the same time.
type call struct {
	op    cache.Op
	key   string
	value string // stored; unique, except for numbers, so that it identifies the state too
	old   string // the value of the item to compare with
	delta uint64
	ttl   time.Duration
}

// A result is the result of a call, and the times at which it began and ended.
type result struct {
	value      string
	err        error
	left       time.Duration // the TTL of an item
	began, end int64         // nanoseconds
}

// A state is that of a key in the model.
type state struct {
	present bool
	value   string
	touched bool // since the value was stored: the backend may have made a new state
	// The entry expires at some time between these; 0 means never.
	earliest, latest int64
}

// model is the contract for one key. A cache with a bound may lose an entry at any time.
// Late is the time for which an entry may be found after its TTL, on a backend that counts
// time in larger units.
func model(bounded bool, late time.Duration) porcupine.Model {
	return porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, o := range history {
				k := o.Input.(call).key
				byKey[k] = append(byKey[k], o)
			}
			var parts [][]porcupine.Operation
			for _, p := range byKey {
				parts = append(parts, p)
			}
			return parts
		},
		Init: func() any { return state{} },
		Step: func(st, in, out any) (bool, any) {
			return step(st.(state), in.(call), out.(result), bounded, late)
		},
	}
}

func step(s state, c call, r result, bounded bool, late time.Duration) (bool, any) {
	mayBeGone := !s.present || bounded || s.latest != 0 && r.end >= s.earliest
	mayBeThere := s.present && (s.latest == 0 || r.began < s.latest)
	stored := state{present: true, value: c.value}.expires(c, r, late)
	ok := r.err == nil
	switch c.op {
	case cache.OpSet:
		return ok, stored
	case cache.OpAdd:
		if ok {
			return mayBeGone, stored
		}
		return mayBeThere && errors.Is(r.err, cache.ErrNotStored), s
	case cache.OpReplace:
		if ok {
			return mayBeThere, stored
		}
		return mayBeGone && errors.Is(r.err, cache.ErrNotStored), state{}
	}
	if errors.Is(r.err, cache.ErrMiss) {
		return mayBeGone, state{}
	}
	ok = ok && mayBeThere
	switch c.op {
	case cache.OpGet:
		return ok && r.value == s.value, s
	case cache.OpGetItem:
		return ok && r.value == s.value && s.tells(r, late), s
	case cache.OpTouch:
		s.touched = true
		return ok, s.expires(c, r, late)
	case cache.OpGetAndTouch:
		s.touched = true
		return ok && r.value == s.value, s.expires(c, r, late)
	case cache.OpDelete:
		return ok, state{}
	case cache.OpIncrement, cache.OpDecrement:
		n, err := strconv.ParseUint(s.value, 10, 64)
		if c.op == cache.OpIncrement {
			n += c.delta
		} else {
			n -= min(n, c.delta)
		}
		s.value, s.touched = strconv.FormatUint(n, 10), false
		return ok && err == nil && r.value == s.value, s
	case cache.OpCompareAndSwap, cache.OpCompareAndDelete:
		if errors.Is(r.err, cache.ErrConflict) {
			return mayBeThere && (s.value != c.old || s.touched), s
		}
		if c.op == cache.OpCompareAndDelete {
			stored = state{}
		}
		return ok && s.value == c.old, stored
	}
	return false, s
}

// expires returns s with the TTL that c gave it. See model for late.
func (s state) expires(c call, r result, late time.Duration) state {
	s.earliest, s.latest = 0, 0
	if c.ttl > 0 {
		s.earliest, s.latest = r.began+int64(c.ttl), r.end+int64(c.ttl+late)
	}
	return s
}

// tells reports whether the TTL of an item can be that of s. See model for late: such a backend
// may have rounded it down.
func (s state) tells(r result, late time.Duration) bool {
	if s.latest == 0 {
		return r.left == 0
	}
	return int64(r.left) >= s.earliest-r.end-int64(late) && int64(r.left) <= s.latest-r.began
}
