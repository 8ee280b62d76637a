package cachetest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

// The keys of these cases differ, since they may run at the same time on one server.
var ttlCases = []test{
	{
		name: "ttl/negative",
		rule: "a negative TTL is ErrInvalidTTL in every operation that takes one, and changes nothing",
		run:  ttlNegative, portable: true,
	},
	{
		name: "ttl/zero",
		rule: "a TTL of 0 means no expiry, in every operation that takes one, whatever the key had before",
		run:  ttlZero, waits: true,
	},
	{
		name: "ttl/expires",
		rule: "an item is found until its TTL has passed, and never after that",
		run:  ttlExpires, waits: true,
	},
	{
		name: "ttl/every operation",
		rule: "every operation that takes a TTL gives it to the key, whatever the key had before",
		run:  ttlEveryOperation, waits: true,
	},
	{
		name: "ttl/expired is absent",
		rule: "an expired item is absent for every operation",
		run:  ttlExpiredIsAbsent, drops: dropsValues, waits: true,
	},
	{
		name: "ttl/below a second",
		rule: "a TTL below the unit of the backend is rounded up, in every operation: it never means no expiry",
		run:  ttlBelowSecond, waits: true,
	},
	{
		name: "ttl/long",
		rule: "a TTL of more than 30 days, or of centuries, never means the past, in any operation",
		run:  ttlLong, waits: true,
	},
	{
		name: "ttl/kept",
		rule: "counting keeps the TTL of the key; so does everything that does not store: a read, a delete of another state, a store that is rejected",
		run:  ttlKept, drops: dropsCounts, waits: true,
	},
}

// exactCases run where the clock of the cache is that of the test.
var exactCases = []test{
	{
		name: "ttl/exactly",
		rule: "an item is found until its TTL has passed, and expired at the moment when it has, for every operation",
		run:  ttlExactly, drops: dropsValues, waits: true,
	},
}

// A taker is an operation that gives a key a TTL.
type taker struct {
	op      cache.Op
	name    string
	prepare func(s *suite, key string, old time.Duration) // the state that it needs, with TTL old if it is present
	do      func(s *suite, key string, ttl time.Duration) error
}

// takers returns the operations that take a TTL and that the cache supports. Each makes
// or leaves some value.
func (s *suite) takers() []taker {
	var all []taker
	for _, st := range s.storers() {
		all = append(all, taker{st.op, st.name,
			func(s *suite, key string, old time.Duration) {
				if st.present {
					s.none(s.c.Set(s.ctx, key, []byte("1"), old), "Set")
				}
			},
			func(s *suite, key string, ttl time.Duration) error { return st.do(s, key, value, ttl) }})
	}
	absent := func(*suite, string, time.Duration) {}
	all = append(all,
		taker{cache.OpIncrement, "IncrementFrom", absent, func(s *suite, key string, ttl time.Duration) error {
			_, err := s.c.IncrementFrom(s.ctx, key, 1, 1, ttl)
			return err
		}},
		taker{cache.OpDecrement, "DecrementFrom", absent, func(s *suite, key string, ttl time.Duration) error {
			_, err := s.c.DecrementFrom(s.ctx, key, 1, 1, ttl)
			return err
		}})
	if s.c.Supports(cache.OpTouch) && !s.c.Discards() {
		present := func(s *suite, key string, old time.Duration) {
			s.none(s.c.Set(s.ctx, key, value, old), "Set")
		}
		all = append(all,
			taker{cache.OpTouch, "Touch", present, func(s *suite, key string, ttl time.Duration) error {
				return s.c.Touch(s.ctx, key, ttl)
			}},
			taker{cache.OpGetAndTouch, "GetAndTouch", present, func(s *suite, key string, ttl time.Duration) error {
				_, err := s.c.GetAndTouch(s.ctx, key, ttl)
				return err
			}})
	}
	return all
}

// give lets every taker give ttl to keys with the prefix, which had the TTL old if it
// needs them to be present. It returns the keys and when that was, and the TTL that they had:
// on a machine that is so slow that they had expired, it begins again with others and a longer one.
func (s *suite) give(prefix string, old, ttl time.Duration) (keys []string, m moment, had time.Duration) {
	s.t.Helper()
	takers := s.takers()
	for ; ; prefix, old = prefix+"again:", 2*old {
		keys = keys[:0]
		prepared := during(func() {
			for _, t := range takers {
				keys = append(keys, prefix+t.name)
				t.prepare(s, prefix+t.name, old)
			}
		})
		errs := make([]error, len(takers))
		m = during(func() {
			for i, t := range takers {
				took := during(func() { errs[i] = t.do(s, keys[i], ttl) })
				if early, _ := s.span(took, ttl); ttl != 0 && (ttl < time.Second || !took.after.Before(early)) && itemOps[t.op] {
					errs[i] = except(errs[i], cache.ErrMiss) // it expired before it was read back
				}
			}
		})
		if !s.inTime(prepared, old) {
			continue
		}
		for i, t := range takers {
			s.none(errs[i], "%s of %q for %v", t.name, keys[i], ttl)
		}
		return keys, m, old
	}
}

// inTime reports whether what was stored at m for ttl has not expired.
func (s *suite) inTime(m moment, ttl time.Duration) bool {
	early, _ := s.span(m, ttl)
	return ttl == 0 || time.Now().Before(early)
}

// present checks that the keys are found.
func (s *suite) present(keys []string, when string) {
	s.t.Helper()
	for _, k := range keys {
		if _, err := s.c.Get(s.ctx, k); err != nil && !(s.c.Discards() && errors.Is(err, cache.ErrMiss)) {
			s.errorf("Get of %q %s: error %q, want its value", k, when, err)
		}
	}
}

func ttlNegative(s *suite) {
	s.set("k", "5")
	var item cache.Item
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		item = s.item("k")
	}
	for _, c := range calls {
		if !c.ttl || !s.c.Supports(c.op) || !c.keyed && item.Value == nil {
			continue
		}
		for _, ttl := range []time.Duration{-1, -time.Second, -time.Hour, math.MinInt64} {
			s.is(c.do(s, s.ctx, input{key: "k", item: item, ttl: ttl}), cache.ErrInvalidTTL, "%s for %v", c.name, ttl)
			s.is(c.do(s, s.ctx, input{key: "absent", item: item, ttl: ttl}), cache.ErrInvalidTTL, "%s of an absent key for %v", c.name, ttl)
		}
	}
	s.has("k", "5")
	s.misses("absent")
}

func ttlZero(s *suite) {
	s.set("zero", "v")
	keys, m, had := s.give("zero:", s.longTTL(), 0)
	s.stay(m, had, map[string]string{"zero": "v"})
	s.present(keys, "after the TTL that it had before")
	if s.o.Synctest {
		time.Sleep(400 * 24 * time.Hour)
		s.has("zero", "v")
		s.present(keys, "after a year")
	}
}

func ttlExpires(s *suite) {
	ttl := s.ttl()
	m := during(func() { s.none(s.c.Set(s.ctx, "expires", value, ttl), "Set") })
	s.expire(m, ttl, "expires")
}

func ttlEveryOperation(s *suite) {
	ttl := s.ttl()
	fromNone, m, _ := s.give("every:", 0, ttl)
	fromLonger, m2, _ := s.give("shorter:", time.Hour, ttl)
	fromShorter, m3, had := s.give("longer:", s.longTTL(), time.Hour)
	s.expire(m, ttl, fromNone...)
	s.expire(m2, ttl, fromLonger...)
	s.pass(m3, had)
	s.present(fromShorter, "after the TTL that it had before")
}

// lookalikes are keys, all in one state, one for each operation of a case.
func lookalikes(prefix string) []string {
	names := "abcdefghijklmnopqrstuvwxyz"
	keys := make([]string, len(names))
	for i := range keys {
		keys[i] = prefix + names[i:i+1]
	}
	return keys
}

func ttlExpiredIsAbsent(s *suite) {
	keys, items, m, ttl := s.storeAll("over:", s.ttl())
	s.pass(m, ttl)
	s.allAbsent(keys, items)
}

func ttlExactly(s *suite) {
	keys, items, m, ttl := s.storeAll("exact:", s.ttl())
	time.Sleep(time.Until(m.before.Add(ttl - 1)))
	s.present(keys, "a nanosecond before it expires")
	time.Sleep(time.Until(m.after.Add(ttl)))
	s.allAbsent(keys, items)
}

// storeAll stores a number at many keys for at least, and reads their items. It returns the TTL: a
// longer one on a machine that is so slow that they had expired before.
func (s *suite) storeAll(prefix string, least time.Duration) (keys []string, items []cache.Item, m moment, ttl time.Duration) {
	s.t.Helper()
	keys = lookalikes(prefix)
	for ttl = least; ; ttl *= 2 {
		m = during(func() {
			for _, k := range keys {
				s.none(s.c.Set(s.ctx, k, []byte("5"), ttl), "Set")
			}
		})
		if !s.c.Supports(cache.OpGetItem) {
			return keys, nil, m, ttl
		}
		found, err := s.c.GetItemMulti(s.ctx, keys)
		if s.inTime(m, ttl) {
			return keys, s.inOrder(keys, found, err), m, ttl
		}
	}
}

// allAbsent checks that every operation takes the keys for absent, each another one, so
// that none is removed by a look.
func (s *suite) allAbsent(keys []string, items []cache.Item) {
	s.t.Helper()
	next := -1
	key := func() string { next++; return keys[next] }
	s.misses(key())
	s.hasMulti([]string{key()}, nil)
	_, err := s.c.Increment(s.ctx, key(), 1)
	s.is(err, cache.ErrMiss, "Increment of an expired key")
	_, err = s.c.Decrement(s.ctx, key(), 1)
	s.is(err, cache.ErrMiss, "Decrement of an expired key")
	s.is(s.c.Replace(s.ctx, key(), value, 0), cache.ErrNotStored, "Replace of an expired key")
	s.is(s.c.ReplaceMulti(s.ctx, map[string][]byte{key(): value}, 0), cache.ErrNotStored, "ReplaceMulti of an expired key")
	s.is(s.c.Delete(s.ctx, key()), cache.ErrMiss, "Delete of an expired key")
	s.none(s.c.DeleteMulti(s.ctx, []string{key()}), "DeleteMulti of an expired key")
	if s.c.Supports(cache.OpTouch) {
		s.is(s.c.Touch(s.ctx, key(), time.Hour), cache.ErrMiss, "Touch of an expired key")
		_, err = s.c.GetAndTouch(s.ctx, key(), time.Hour)
		s.is(err, cache.ErrMiss, "GetAndTouch of an expired key")
	}
	if s.c.Supports(cache.OpCompareAndSwap) {
		_, err := s.c.GetItem(s.ctx, key())
		s.is(err, cache.ErrMiss, "GetItem of an expired key")
		got, err := s.c.GetItemMulti(s.ctx, []string{key()})
		s.none(err, "GetItemMulti")
		s.sameValues("GetItemMulti of an expired key", itemValues(got), nil)
		item := func() cache.Item { key(); return items[next] }
		s.is(s.c.CompareAndSwap(s.ctx, item(), value, 0), cache.ErrMiss, "CompareAndSwap of an expired item")
		s.is(s.c.CompareAndDelete(s.ctx, item()), cache.ErrMiss, "CompareAndDelete of an expired item")
		s.is(s.c.CompareAndSwapMulti(s.ctx, []cache.Swap{{Old: item(), Value: value}}), cache.ErrMiss, "CompareAndSwapMulti of an expired item")
		s.is(s.c.CompareAndDeleteMulti(s.ctx, []cache.Item{item()}), cache.ErrMiss, "CompareAndDeleteMulti of an expired item")
	}
	s.hasMulti(keys[:next+1], nil)
	s.addedOver(key)
}

// addedOver checks that the operations that add do so at an expired key.
func (s *suite) addedOver(key func() string) {
	s.t.Helper()
	s.none(s.c.Add(s.ctx, key(), value, 0), "Add of an expired key")
	s.none(s.c.AddMulti(s.ctx, map[string][]byte{key(): value}, 0), "AddMulti of an expired key")
	n, err := s.c.IncrementFrom(s.ctx, key(), 1, 10, 0)
	s.counted(n, err, 11, "IncrementFrom of an expired key")
	n, err = s.c.DecrementFrom(s.ctx, key(), 1, 10, 0)
	s.counted(n, err, 9, "DecrementFrom of an expired key")
	if !s.c.Supports(cache.OpGetOrAdd) {
		return
	}
	it, added, err := s.c.GetOrAdd(s.ctx, key(), value, 0)
	if err != nil || !added || string(it.Value) != string(value) {
		s.errorf("GetOrAdd of an expired key: %s, added %v, error %v; want %q, which was added", quoted(it.Value), added, err, value)
	}
	k := key()
	many, set, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{k: value}, 0)
	if err != nil || !set[k] || string(many[k].Value) != string(value) {
		s.errorf("GetOrAddMulti of an expired key: %s, added %v, error %v; want %q, which was added", quoted(many[k].Value), set, err, value)
	}
}

func ttlBelowSecond(s *suite) {
	for name, ttl := range map[string]time.Duration{
		"ns": 1, "us": time.Microsecond, "ms": time.Millisecond, "300ms": 300 * time.Millisecond, "999ms": 999 * time.Millisecond,
	} {
		keys, m, _ := s.give("below:"+name+":", time.Hour, ttl)
		m.before = time.Time{} // no early limit: they may expire while others are stored
		s.expire(m, ttl, keys...)
	}
}

func ttlLong(s *suite) {
	const day = 24 * time.Hour
	type given struct {
		ttl, had time.Duration
		keys     []string
		m        moment
	}
	var all []given
	for _, ttl := range []time.Duration{
		30 * day, 30*day + time.Second, 31 * day, 365 * day, 20 * 365 * day, 100 * 365 * day, math.MaxInt64 - 1, math.MaxInt64,
	} {
		keys, m, had := s.give("long:"+ttl.String()+":", s.longTTL(), ttl)
		all = append(all, given{ttl, had, keys, m})
	}
	for _, g := range all {
		s.present(g.keys, "after it was stored")
	}
	for _, g := range all {
		s.pass(g.m, g.had)
		s.present(g.keys, "after the TTL that it had before")
	}
	if !s.o.Synctest {
		return
	}
	for _, g := range all {
		if g.ttl <= 365*day {
			s.expire(g.m, g.ttl, g.keys...)
		} else {
			s.pass(g.m, 366*day)
			s.present(g.keys, "after a year")
		}
	}
}

func ttlKept(s *suite) {
	// The calls come late enough that a TTL which begins anew is seen, and should come
	// before it has passed: on a machine that is too slow for it, with a longer one.
	for ttl := s.longTTL(); !s.keeps(ttl); ttl *= 2 {
	}
	// Nor does counting give a TTL to a key that has none.
	s.set("kept:up", "5")
	s.set("kept:down", "5")
	m := during(func() {
		n, err := s.c.IncrementFrom(s.ctx, "kept:up", 1, 1, s.ttl())
		s.counted(n, err, 6, "IncrementFrom of a present key")
		n, err = s.c.DecrementFrom(s.ctx, "kept:down", 1, 1, s.ttl())
		s.counted(n, err, 4, "DecrementFrom of a present key")
	})
	s.stay(m, s.ttl(), map[string]string{"kept:up": "6", "kept:down": "4"})
}

// keeps checks that items stored for ttl keep it. It reports false if the calls came too
// late to tell.
func (s *suite) keeps(ttl time.Duration) bool {
	s.t.Helper()
	keepers := append(s.keepers(), counters...)
	keys := make([]string, len(keepers))
	stale := make([]cache.Item, len(keepers))
	for i := range keepers {
		keys[i] = fmt.Sprintf("kept:%v:%d", ttl, i)
		if s.c.Supports(cache.OpGetItem) {
			s.set(keys[i], "old")
			stale[i] = s.item(keys[i])
		}
	}
	m := during(func() {
		for i, k := range keepers {
			s.none(s.c.Set(s.ctx, keys[i], []byte(k.value), ttl), "Set")
		}
	})
	time.Sleep(time.Until(m.after.Add(ttl * 7 / 12)))
	got := make([]error, len(keepers))
	for i, k := range keepers {
		got[i] = k.do(s, keys[i], stale[i])
	}
	if early, _ := s.span(m, ttl); !time.Now().Before(early) {
		return false
	}
	for i, k := range keepers {
		s.is(got[i], k.want, "%s", k.name)
	}
	s.expire(m, ttl, keys...)
	return true
}
