package linearcheck

import (
	"errors"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/larder-go/larder/cache"
)

// call is an operation on a key.
type call struct {
	op    string
	key   string
	value string // stored; unique, so that it stands for the token too
	old   string // the value of the item to compare with
	delta uint64
	ttl   time.Duration
}

// answer is what came of it, and when it ran.
type answer struct {
	value      string
	err        error
	began, end int64
}

// state is a key as the model sees it.
type state struct {
	present bool
	value   string
	// The entry expires at some time between these; 0: never.
	earliest, latest int64
}

// model is the contract for one key. A cache with a bound may lose an entry at
// any time.
func model(bounded bool) porcupine.Model {
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
			return step(st.(state), in.(call), out.(answer), bounded)
		},
	}
}

func step(s state, c call, a answer, bounded bool) (bool, any) {
	mayBeGone := !s.present || bounded || s.latest != 0 && a.end >= s.earliest
	mayBeThere := s.present && (s.latest == 0 || a.began < s.latest)
	stored := state{present: true, value: c.value}
	if c.ttl > 0 {
		stored.earliest, stored.latest = a.began+int64(c.ttl), a.end+int64(c.ttl)
	}
	ok := a.err == nil
	miss := errors.Is(a.err, cache.ErrMiss)
	switch c.op {
	case "set":
		return ok, stored
	case "get":
		if miss {
			return mayBeGone, state{}
		}
		return ok && mayBeThere && a.value == s.value, s
	case "add":
		if ok {
			return mayBeGone, stored
		}
		return mayBeThere && errors.Is(a.err, cache.ErrNotStored), s
	case "replace":
		if ok {
			return mayBeThere, stored
		}
		return mayBeGone && errors.Is(a.err, cache.ErrNotStored), state{}
	case "delete":
		if miss {
			return mayBeGone, state{}
		}
		return ok && mayBeThere, state{}
	case "increment":
		if miss {
			return mayBeGone, state{}
		}
		n, err := strconv.ParseUint(s.value, 10, 64)
		s.value = strconv.FormatUint(n+c.delta, 10)
		return ok && mayBeThere && err == nil && a.value == s.value, s
	case "swap", "compare and delete":
		if miss {
			return mayBeGone, state{}
		}
		if errors.Is(a.err, cache.ErrConflict) {
			return mayBeThere && s.value != c.old, s
		}
		if c.op == "compare and delete" {
			stored = state{}
		}
		return ok && mayBeThere && s.value == c.old, stored
	}
	return false, s
}
