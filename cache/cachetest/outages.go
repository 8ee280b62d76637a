package cachetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/larder-go/larder/cache"
)

// These cases run on a cache of which a server cannot be reached.
var outageCases = []test{
	{
		name: "outage/never a miss",
		rule: "if a server cannot be reached, every operation on its keys returns an error that matches ErrUnavailable and names driver and operation, and so does Flush; it never looks like a miss",
		run:  outageNeverMiss, outage: true,
	},
	{
		name: "outage/the others",
		rule: "an operation on many keys returns the results of the other servers together with a MultiError that names exactly the keys of the one that cannot be reached",
		run:  outageOthers, outage: true,
	},
	{
		name: "outage/hook",
		rule: "in a partial outage the Result counts the keys that could not be reached as Failed, and the others as usual",
		run:  outageHook, outage: true, portable: true,
	},
	{
		name: "outage/stats",
		rule: "the Stats of a cache with servers count the calls that failed",
		run:  outageStats, outage: true,
	},
}

// divide stores keys one by one and divides them into those that could be stored and those
// that could not.
func (s *suite) divide() (up map[string][]byte, down map[string]error) {
	s.t.Helper()
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
		s.fatalf("every Set succeeded, want some for which a server cannot be reached")
	}
	return up, down
}

func outageNeverMiss(s *suite) {
	_, down := s.divide()
	s.is(s.c.Ping(s.ctx), cache.ErrUnavailable, "Ping")
	key := anyKey(down) // one is enough: each call may wait for a timeout
	for _, c := range calls {
		if !c.keyed && c.op != cache.OpFlush || !s.c.Supports(c.op) {
			continue
		}
		err := c.do(s, s.ctx, input{key: key})
		what := fmt.Sprintf("%s of %q", c.name, key)
		s.is(err, cache.ErrUnavailable, "%s", what)
		for _, other := range []error{cache.ErrMiss, cache.ErrNotStored, cache.ErrConflict} {
			if errors.Is(err, other) {
				s.errorf("%s: error %q also matches %q", what, err, other)
			}
		}
		s.fromDriver(err, what)
		var e *cache.Error
		if errors.As(err, &e) && !slices.Contains(partsOf(c.op), e.Op) {
			s.errorf("%s: the operation of the error is %v, want one of %v", what, e.Op, partsOf(c.op))
		}
	}
}

// partsOf returns the operations that the error of op may name: op, the same on one key, and
// those that package cache makes it of if the driver does not have it.
func partsOf(op cache.Op) []cache.Op {
	switch op {
	case cache.OpGetMulti:
		return []cache.Op{op, cache.OpGet}
	case cache.OpSetMulti:
		return []cache.Op{op, cache.OpSet}
	case cache.OpAddMulti:
		return []cache.Op{op, cache.OpAdd}
	case cache.OpReplaceMulti:
		return []cache.Op{op, cache.OpReplace}
	case cache.OpDeleteMulti:
		return []cache.Op{op, cache.OpDelete}
	case cache.OpGetItemMulti:
		return []cache.Op{op, cache.OpGetItem}
	case cache.OpGetOrAdd, cache.OpGetOrAddMulti:
		return []cache.Op{op, cache.OpGetOrAdd, cache.OpGetOrAddMulti, cache.OpAdd, cache.OpGetItem}
	case cache.OpTouch, cache.OpGetAndTouch:
		return []cache.Op{op, cache.OpGetItem, cache.OpCompareAndSwap}
	case cache.OpIncrement, cache.OpDecrement:
		return []cache.Op{op, cache.OpAdd}
	}
	return []cache.Op{op}
}

// anyKey returns one of the keys, the same each time.
func anyKey(keys map[string]error) string { return slices.Min(slices.Collect(maps.Keys(keys))) }

func outageOthers(s *suite) {
	up, down := s.divide()
	want := map[string]string{}
	values := map[string][]byte{}
	var keys, upKeys []string
	for k, v := range up {
		want[k], values[k] = string(v), v
		keys, upKeys = append(keys, k), append(upKeys, k)
	}
	for k := range down {
		values[k] = []byte(k)
		keys = append(keys, k)
	}
	slices.Sort(keys)                            // so that both sorts are mixed
	all := func(reason error) map[string]error { // for the keys that are up, beside the others
		failed := map[string]error{}
		for k := range down {
			failed[k] = cache.ErrUnavailable
		}
		for k := range up {
			failed[k] = reason
		}
		return failed
	}
	for _, r := range s.multiReaders() {
		got, err := r.do(keys)
		s.failedFor(err, r.op, down, "%s", r.name)
		s.sameValues(r.name, got, want)
	}
	s.failedFor(s.c.SetMulti(s.ctx, values, 0), cache.OpSetMulti, down, "SetMulti")
	s.failedFor(s.c.ReplaceMulti(s.ctx, values, 0), cache.OpReplaceMulti, down, "ReplaceMulti")
	s.failedFor(s.c.AddMulti(s.ctx, values, 0), cache.OpAddMulti, all(cache.ErrNotStored), "AddMulti of present keys")
	if s.c.Supports(cache.OpCompareAndSwap) {
		s.outageItems(upKeys, values, want, down)
	}
	s.failedFor(s.c.DeleteMulti(s.ctx, keys), cache.OpDeleteMulti, down, "DeleteMulti")
	for k := range up {
		s.misses(k)
	}
}

// outageItems tests the batches of items.
func (s *suite) outageItems(upKeys []string, values map[string][]byte, want map[string]string, down map[string]error) {
	s.t.Helper()
	items, added, err := s.c.GetOrAddMulti(s.ctx, values, 0)
	s.failedFor(err, cache.OpGetOrAddMulti, down, "GetOrAddMulti of present keys")
	s.sameValues("GetOrAddMulti of present keys", itemValues(items), want)
	if len(added) != 0 {
		s.errorf("GetOrAddMulti of present keys: added %v, want none", added)
	}
	for _, m := range s.swapManys() {
		s.none(m.do(s.itemsOf(upKeys...)...), "%s of the items of the others", m.name)
		s.failedFor(s.c.SetMulti(s.ctx, values, 0), cache.OpSetMulti, down, "SetMulti after %s", m.name)
	}
	s.none(s.c.DeleteMulti(s.ctx, upKeys), "DeleteMulti of the keys of the others")
	items, added, err = s.c.GetOrAddMulti(s.ctx, values, 0)
	s.failedFor(err, cache.OpGetOrAddMulti, down, "GetOrAddMulti of absent keys")
	s.sameValues("GetOrAddMulti of absent keys", itemValues(items), want)
	if len(added) != len(want) {
		s.errorf("GetOrAddMulti of absent keys: %d were added, want %d", len(added), len(want))
	}
}

func outageHook(s *suite) {
	up, down := s.divide()
	values, keys := map[string][]byte{}, []string{}
	failed := len(down)
	if invalid := "not valid"; !s.valid(invalid) {
		values[invalid] = nil
		keys = append(keys, invalid)
		failed++
	}
	for k := range up {
		values[k] = value
		keys = append(keys, k, k)
	}
	for k := range down {
		values[k] = value
		keys = append(keys, k, k)
	}
	check := func(what string, do func() error, affected, rejected int) {
		s.t.Helper()
		end, _ := s.observe(what, do)
		s.sums(what, end)
		r := end.r
		if r.Affected != affected || r.Rejected != rejected || r.Misses != 0 || r.Failed != failed {
			s.errorf("%s: %d affected, %d misses, %d rejected and %d failed; want %d, 0, %d and %d", what,
				r.Affected, r.Misses, r.Rejected, r.Failed, affected, rejected, failed)
		}
	}
	check("SetMulti", func() error { return s.c.SetMulti(s.ctx, values, 0) }, len(up), 0)
	check("AddMulti", func() error { return s.c.AddMulti(s.ctx, values, 0) }, 0, len(up))
	check("ReplaceMulti", func() error { return s.c.ReplaceMulti(s.ctx, values, 0) }, len(up), 0)
	check("GetMulti", func() error { _, err := s.c.GetMulti(s.ctx, keys); return err }, len(up), 0)
	if s.c.Supports(cache.OpGetItemMulti) {
		check("GetItemMulti", func() error { _, err := s.c.GetItemMulti(s.ctx, keys); return err }, len(up), 0)
		check("GetOrAddMulti", func() error { _, _, err := s.c.GetOrAddMulti(s.ctx, values, 0); return err }, len(up), 0)
	}
	check("DeleteMulti", func() error { return s.c.DeleteMulti(s.ctx, keys) }, len(up), 0)
	end, err := s.observe("Get", func() error { _, err := s.c.Get(s.ctx, anyKey(down)); return err })
	s.sums("Get", end)
	var e *cache.Error
	if !errors.As(err, &e) || end.r.Failed != 1 || end.r.Server() != e.Server {
		s.errorf("Get: %d failed at server %q, error %v; want 1 and the server of the error", end.r.Failed, end.r.Server(), err)
	}
}

func outageStats(s *suite) {
	if !s.c.Supports(cache.OpStats) {
		s.unsupported(cache.OpStats)
		return
	}
	if s.stats().Servers == nil {
		s.skip("the statistics are not of servers")
	}
	_, down := s.divide()
	failed := uint64(0)
	for _, server := range s.stats().Servers {
		failed += server.Failures.Total()
	}
	if failed < uint64(len(down)) {
		s.errorf("Failures add up to %d after %d calls that failed", failed, len(down))
	}
}
