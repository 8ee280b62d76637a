package cachetest

import (
	"errors"
	"math"
	"time"

	"github.com/larder-go/larder/cache"
)

// The keys of these cases differ, since they may run at the same time on one server.
var ttlCases = []test{
	{
		name: "ttl/negative",
		rule: "a negative TTL is ErrInvalidTTL on every operation that takes one, and changes nothing",
		run:  ttlNegative,
	},
	{
		name: "ttl/zero",
		rule: "a TTL of 0 means no expiry",
		run:  ttlZero, waits: true,
	},
	{
		name: "ttl/expires",
		rule: "an item is there until its TTL is over, and is never returned after that",
		run:  ttlExpires, waits: true,
	},
	{
		name: "ttl/every store",
		rule: "every operation that stores takes a TTL that holds",
		run:  ttlEveryStore, waits: true,
	},
	{
		name: "ttl/expired is absent",
		rule: "an expired item is absent for every operation",
		run:  ttlExpiredIsAbsent, drops: dropsValues, waits: true,
	},
	{
		name: "ttl/below a second",
		rule: "a TTL below the unit of the backend is rounded up: never no expiry",
		run:  ttlBelowSecond, waits: true,
	},
	{
		name: "ttl/long",
		rule: "a TTL of more than 30 days, or of centuries, is not turned into the past",
		run:  ttlLong, waits: true,
	},
	{
		name: "ttl/overwrite",
		rule: "a store gives the key its own TTL, whatever the key had before",
		run:  ttlOverwrite, waits: true,
	},
	{
		name: "ttl/count",
		rule: "counting keeps the TTL of the key",
		run:  ttlCount, drops: dropsCounts, waits: true,
	},
	{
		name: "ttl/touch",
		rule: "Touch gives the key a new TTL and leaves the value; 0 means no expiry; an absent key is ErrMiss",
		run:  ttlTouch, drops: dropsTouch, waits: true,
	},
}

func ttlNegative(s *suite) {
	s.set("k", "5")
	var item cache.Item
	if s.c.Supports(cache.OpGetItem) && !s.c.Discards() {
		item = s.item("k")
	}
	for _, c := range calls {
		if !c.ttl || !s.c.Supports(c.op) || c.op == cache.OpCompareAndSwap && item.Value == nil {
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
	m := during(func() { s.set("zero", "v") })
	s.stay(m, s.ttl(), map[string]string{"zero": "v"})
	if s.o.Synctest {
		time.Sleep(400 * 24 * time.Hour)
		s.has("zero", "v")
	}
}

func ttlExpires(s *suite) {
	ttl := s.ttl()
	m := during(func() { s.none(s.c.Set(s.ctx, "expires", value, ttl), "Set") })
	s.expire(m, ttl, "expires")
}

func ttlEveryStore(s *suite) {
	ttl := s.ttl()
	s.set("every:replace", "old")
	s.set("every:replace-multi", "old")
	swap := s.c.Supports(cache.OpCompareAndSwap) && !s.c.Discards()
	keys := []string{
		"every:add", "every:replace", "every:set-multi", "every:add-multi", "every:replace-multi", "every:up", "every:down",
	}
	var item cache.Item
	if swap {
		s.set("every:swap", "old")
		item = s.item("every:swap")
		keys = append(keys, "every:swap")
	}
	m := during(func() {
		s.none(s.c.Add(s.ctx, "every:add", value, ttl), "Add")
		s.none(s.c.Replace(s.ctx, "every:replace", value, ttl), "Replace")
		s.none(s.c.SetMulti(s.ctx, map[string][]byte{"every:set-multi": value}, ttl), "SetMulti")
		s.none(s.c.AddMulti(s.ctx, map[string][]byte{"every:add-multi": value}, ttl), "AddMulti")
		s.none(s.c.ReplaceMulti(s.ctx, map[string][]byte{"every:replace-multi": value}, ttl), "ReplaceMulti")
		_, err := s.c.IncrementFrom(s.ctx, "every:up", 1, 1, ttl)
		s.none(err, "IncrementFrom")
		_, err = s.c.DecrementFrom(s.ctx, "every:down", 1, 1, ttl)
		s.none(err, "DecrementFrom")
		if swap {
			s.none(s.c.CompareAndSwap(s.ctx, item, value, ttl), "CompareAndSwap")
		}
	})
	s.expire(m, ttl, keys...)
}

func ttlExpiredIsAbsent(s *suite) {
	ttl := s.ttl()
	keys := []string{"over:a", "over:b", "over:c", "over:d", "over:e", "over:f"}
	m := during(func() {
		for _, k := range keys {
			s.none(s.c.Set(s.ctx, k, []byte("5"), ttl), "Set")
		}
	})
	items := map[string]cache.Item{}
	if s.c.Supports(cache.OpGetItem) {
		for _, k := range keys {
			items[k] = s.item(k)
		}
	}
	// Nothing looks at the keys before they expire, so that none is removed by a look.
	_, late := s.span(m, ttl)
	for !time.Now().After(late) {
		sleep(ttl, late.Add(1))
	}
	s.hasMulti(keys, nil)
	_, err := s.c.Increment(s.ctx, "over:a", 1)
	s.is(err, cache.ErrMiss, "Increment of an expired key")
	_, err = s.c.Decrement(s.ctx, "over:a", 1)
	s.is(err, cache.ErrMiss, "Decrement of an expired key")
	s.is(s.c.Replace(s.ctx, "over:b", value, 0), cache.ErrNotStored, "Replace of an expired key")
	s.is(s.c.Delete(s.ctx, "over:c"), cache.ErrMiss, "Delete of an expired key")
	if s.c.Supports(cache.OpTouch) {
		s.is(s.c.Touch(s.ctx, "over:d", time.Hour), cache.ErrMiss, "Touch of an expired key")
	}
	if s.c.Supports(cache.OpCompareAndSwap) {
		_, err := s.c.GetItem(s.ctx, "over:e")
		s.is(err, cache.ErrMiss, "GetItem of an expired key")
		got, err := s.c.GetItemMulti(s.ctx, keys)
		s.none(err, "GetItemMulti")
		s.sameValues("GetItemMulti of expired keys", itemValues(got), nil)
		s.is(s.c.CompareAndSwap(s.ctx, items["over:e"], value, 0), cache.ErrMiss, "CompareAndSwap of an expired key")
		s.is(s.c.CompareAndDelete(s.ctx, items["over:e"]), cache.ErrMiss, "CompareAndDelete of an expired key")
	}
	s.hasMulti(keys, nil)
	s.none(s.c.Add(s.ctx, "over:f", value, 0), "Add of an expired key")
	n, err := s.c.IncrementFrom(s.ctx, "over:a", 1, 10, 0)
	s.counted(n, err, 11, "IncrementFrom of an expired key")
}

func ttlBelowSecond(s *suite) {
	ttls := map[string]time.Duration{
		"below:ns": 1, "below:us": time.Microsecond, "below:ms": time.Millisecond,
		"below:300ms": 300 * time.Millisecond, "below:999ms": 999 * time.Millisecond,
	}
	for key, ttl := range ttls {
		s.none(s.c.Set(s.ctx, key, value, ttl), "Set for %v", ttl)
	}
	m := moment{after: time.Now()} // no early limit: they may expire while this loop runs
	for key, ttl := range ttls {
		s.expire(m, ttl, key)
	}
}

func ttlLong(s *suite) {
	const day = 24 * time.Hour
	ttls := map[string]time.Duration{
		"long:30d": 30 * day, "long:30d+1s": 30*day + time.Second, "long:31d": 31 * day, "long:1y": 365 * day,
		"long:20y": 20 * 365 * day, "long:100y": 100 * 365 * day, "long:max": math.MaxInt64, "long:max-1": math.MaxInt64 - 1,
	}
	want := map[string]string{}
	m := during(func() {
		for key, ttl := range ttls {
			s.none(s.c.Set(s.ctx, key, []byte(key), ttl), "Set for %v", ttl)
			want[key] = key
		}
	})
	for key := range ttls {
		s.has(key, key)
	}
	s.stay(m, s.ttl(), want)
	if s.o.Synctest {
		for _, key := range []string{"long:30d", "long:30d+1s", "long:31d", "long:1y"} {
			s.expire(m, ttls[key], key)
			delete(want, key)
		}
		s.stay(m, 366*day, want)
	}
}

func ttlOverwrite(s *suite) {
	ttl := s.ttl()
	stored := func(err error) {
		s.t.Helper()
		s.none(err, "store")
	}
	stays := map[string]string{"over0:set": "2", "over0:replace": "2", "over0:longer": "2", "over0:deleted": "2"}
	for key := range stays {
		stored(s.c.Set(s.ctx, key, []byte("1"), ttl))
	}
	expires := []string{"over1:set", "over1:shorter"}
	stored(s.c.Set(s.ctx, "over1:set", []byte("1"), 0))
	stored(s.c.Set(s.ctx, "over1:shorter", []byte("1"), time.Hour))

	m := during(func() {
		stored(s.c.Set(s.ctx, "over0:set", []byte("2"), 0))
		stored(s.c.Replace(s.ctx, "over0:replace", []byte("2"), 0))
		stored(s.c.Set(s.ctx, "over0:longer", []byte("2"), time.Hour))
		if err := s.c.Delete(s.ctx, "over0:deleted"); err != nil && !s.c.Discards() && !errors.Is(err, cache.ErrMiss) {
			s.errorf("Delete: %v", err)
		}
		stored(s.c.Add(s.ctx, "over0:deleted", []byte("2"), 0))
		for _, key := range expires {
			stored(s.c.Set(s.ctx, key, []byte("2"), ttl))
		}
	})
	s.expire(m, ttl, expires...)
	s.stay(m, ttl, stays)
}

func ttlCount(s *suite) {
	ttl := s.ttl()
	stays := map[string]string{"count:up": "6", "count:down": "4", "count:initial": "6"}
	for key := range stays {
		s.set(key, "5")
	}
	expires := []string{"count0:up", "count0:down", "count0:initial", "count0:wider"}
	m := during(func() {
		for _, key := range expires {
			s.none(s.c.Set(s.ctx, key, []byte("9"), ttl), "Set")
		}
		s.increment("count0:up", 0, 9)
		s.decrement("count0:down", 1, 8)
		s.increment("count0:wider", 1000, 1009)
		n, err := s.c.IncrementFrom(s.ctx, "count0:initial", 1, 1, time.Hour)
		s.counted(n, err, 10, "IncrementFrom")
	})
	s.increment("count:up", 1, 6)
	s.decrement("count:down", 1, 4)
	n, err := s.c.IncrementFrom(s.ctx, "count:initial", 1, 1, ttl)
	s.counted(n, err, 6, "IncrementFrom of a present key")
	s.expire(m, ttl, expires...)
	s.stay(m, ttl, stays)
}

func ttlTouch(s *suite) {
	if !s.c.Supports(cache.OpTouch) {
		s.unsupported(cache.OpTouch)
		return
	}
	ttl := s.ttl()
	s.is(s.c.Touch(s.ctx, "touch:absent", time.Hour), cache.ErrMiss, "Touch of an absent key")
	s.misses("touch:absent")
	stays := map[string]string{"touch:zero": "v", "touch:longer": "v"}
	expires := []string{"touch:from-zero", "touch:shorter"}
	for key := range stays {
		s.none(s.c.Set(s.ctx, key, []byte("v"), ttl), "Set")
	}
	s.none(s.c.Set(s.ctx, "touch:from-zero", value, 0), "Set")
	s.none(s.c.Set(s.ctx, "touch:shorter", value, time.Hour), "Set")
	m := during(func() {
		s.none(s.c.Touch(s.ctx, "touch:zero", 0), "Touch for 0")
		s.none(s.c.Touch(s.ctx, "touch:longer", 60*24*time.Hour), "Touch for 60 days")
		for _, key := range expires {
			s.none(s.c.Touch(s.ctx, key, ttl), "Touch")
		}
	})
	s.has("touch:shorter", string(value))
	s.expire(m, ttl, expires...)
	s.stay(m, ttl, stays)
}

func dropsTouch(s *suite) {
	s.set("k", "v")
	s.is(s.c.Touch(s.ctx, "k", time.Hour), cache.ErrMiss, "Touch")
}
