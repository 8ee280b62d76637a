package cachetest

import (
	"errors"

	"github.com/larder-go/larder/cache"
)

var abilityCases = []test{
	{
		name: "ability/supports",
		rule: "an operation returns an error that matches errors.ErrUnsupported if, and only if, Supports reports false for it",
		run:  abilitySupports,
	},
	{
		name: "ability/required",
		rule: "only the operations on items, touches and statistics may be unsupported, and those of one kind are supported together",
		run:  abilityRequired,
	},
}

// optional are the operations that a backend need not have. Those of one group come
// together.
var optional = [][]cache.Op{
	{
		cache.OpGetItem, cache.OpGetItemMulti, cache.OpGetOrAdd, cache.OpGetOrAddMulti,
		cache.OpCompareAndSwap, cache.OpCompareAndSwapMulti, cache.OpCompareAndDelete, cache.OpCompareAndDeleteMulti,
	},
	{cache.OpTouch, cache.OpGetAndTouch},
	{cache.OpStats},
}

func abilitySupports(s *suite) {
	for _, c := range calls {
		if !s.c.Supports(c.op) {
			s.unsupported(c.op)
		} else if err := c.do(s, s.ctx, input{key: "k"}); errors.Is(err, errors.ErrUnsupported) {
			s.errorf("%s: error %q, although it is supported", c.name, err)
		}
	}
	for _, op := range []cache.Op{0, 255} {
		if s.c.Supports(op) {
			s.errorf("Supports(%d): true, and there is no such operation", op)
		}
	}
}

func abilityRequired(s *suite) {
	may := map[cache.Op]bool{}
	for _, group := range optional {
		for _, op := range group {
			may[op] = true
			if s.c.Supports(op) != s.c.Supports(group[0]) {
				s.errorf("%v: Supports is %v, and %v for %v; one needs the other", op, s.c.Supports(op), s.c.Supports(group[0]), group[0])
			}
		}
	}
	for _, c := range calls {
		if !s.c.Supports(c.op) && !may[c.op] {
			s.errorf("%s is not supported", c.name)
		}
	}
	if s.c.Supports(cache.OpCompareAndSwap) && !s.c.Supports(cache.OpTouch) {
		s.errorf("a cache that can swap can touch, and Supports(touch) is false")
	}
}
