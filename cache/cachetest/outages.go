package cachetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache"
)

// These cases run on a cache of which a server does not answer.
var outageCases = []test{
	{
		name: "outage/never a miss",
		rule: "an unreachable server is an error that is ErrUnavailable and names driver and operation; it never looks like a miss",
		run:  outageNeverMiss, outage: true,
	},
	{
		name: "outage/the others",
		rule: "in a batch, what the other servers gave comes together with the error, and exactly the keys of the unreachable one are named",
		run:  outageOthers, outage: true,
	},
}

// split stores keys one by one and tells those that could be from those that could not.
func (s *suite) split() (up map[string][]byte, down map[string]error) {
	up, down = map[string][]byte{}, map[string]error{}
	for i := range 100 { // so many that every server of a small cluster has some
		key := fmt.Sprint("k", i)
		switch err := s.c.Set(s.ctx, key, []byte(key), 0); {
		case err == nil:
			up[key] = []byte(key)
		case errors.Is(err, cache.ErrUnavailable):
			down[key] = cache.ErrUnavailable
		default:
			s.errorf("Set of %q: error %q, want none or %q", key, err, cache.ErrUnavailable)
		}
	}
	if len(down) == 0 {
		s.fatalf("every Set succeeded, want some for which a server is unreachable")
	}
	return up, down
}

func outageNeverMiss(s *suite) {
	_, down := s.split()
	s.is(s.c.Ping(s.ctx), cache.ErrUnavailable, "Ping")
	for key := range down {
		for _, c := range calls {
			if !c.keyed || !s.c.Supports(c.op) {
				continue
			}
			err := c.do(s, s.ctx, input{key: key})
			s.is(err, cache.ErrUnavailable, "%s of %q", c.name, key)
			if errors.Is(err, cache.ErrMiss) {
				s.errorf("%s of %q: error %q is also ErrMiss", c.name, key, err)
			}
			var e *cache.Error
			if !errors.As(err, &e) || e.Driver == "" || e.Op == 0 {
				s.errorf("%s of %q: error %#v, want a *cache.Error with driver and operation", c.name, key, err)
			}
		}
		break // one is enough: each call may wait for a time-out
	}
}

func outageOthers(s *suite) {
	up, down := s.split()
	want := map[string]string{}
	values := map[string][]byte{}
	var keys []string
	for k, v := range up {
		want[k], values[k] = string(v), v
		keys = append(keys, k)
	}
	for k := range down {
		values[k] = []byte(k)
		keys = append(keys, k)
	}
	got, err := s.c.GetMulti(s.ctx, keys)
	s.is(err, cache.ErrUnavailable, "GetMulti")
	s.sameValues("GetMulti", got, want)
	s.failedFor(s.c.SetMulti(s.ctx, values, 0), cache.OpSetMulti, down, "SetMulti")
	if s.c.Supports(cache.OpCompareAndDeleteMulti) {
		items, err := s.c.GetItemMulti(s.ctx, keys)
		s.is(err, cache.ErrUnavailable, "GetItemMulti")
		s.sameValues("GetItemMulti", itemValues(items), want)
		s.none(s.c.CompareAndDeleteMulti(s.ctx, slices.Collect(maps.Values(items))), "CompareAndDeleteMulti of what the others hold")
		s.failedFor(s.c.SetMulti(s.ctx, values, 0), cache.OpSetMulti, down, "SetMulti after CompareAndDeleteMulti")
	}
	s.failedFor(s.c.DeleteMulti(s.ctx, keys), cache.OpDeleteMulti, down, "DeleteMulti")
	for k := range up {
		s.misses(k)
	}
}
