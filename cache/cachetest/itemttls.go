package cachetest

import (
	"fmt"
	"time"

	"github.com/larder-go/larder/cache"
)

var itemTTLCases = []test{
	{
		name: "item ttl/remaining",
		rule: "Item.TTL returns the TTL that remained when the item was read, after every operation that sets one, or reports that it is unknown; 0 means no expiry",
		run:  swaps(itemTTLRemaining), drops: dropsItems, waits: true,
	},
}

// itemsAt reads key with every operation that returns an item.
func (s *suite) itemsAt(key string) map[string]cache.Item {
	s.t.Helper()
	one, _, err := s.c.GetOrAdd(s.ctx, key, value, 0)
	s.none(err, "GetOrAdd of %q", key)
	many, _, err := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: value}, 0)
	s.none(err, "GetOrAddMulti of %q", key)
	return map[string]cache.Item{
		"GetItem": s.item(key), "GetItemMulti": s.itemsOf(key)[0], "GetOrAdd": one, "GetOrAddMulti": many[key],
	}
}

// checkTTL checks the remaining TTL of the items at key, which was stored at m for ttl.
func (s *suite) checkTTL(what, key string, m moment, ttl time.Duration) {
	s.t.Helper()
	var items map[string]cache.Item
	read := during(func() { items = s.itemsAt(key) })
	early, late := s.span(m, ttl)
	for op, it := range items {
		left, known := it.TTL()
		switch {
		case known != s.ttlKnown:
			s.errorf("%s after %s: the TTL is known: %v, and after other operations: %v", op, what, known, s.ttlKnown)
		case !known && left != 0:
			s.errorf("%s after %s: the TTL is unknown and %v, want 0", op, what, left)
		case !known:
		case ttl == 0 && left != 0:
			s.errorf("%s after %s: the TTL is %v, want 0 for no expiry", op, what, left)
		case ttl > 0 && (left <= 0 || left < early.Sub(read.after) || left > late.Sub(read.before)):
			s.errorf("%s after %s: the TTL is %v, want between %v and %v", op, what, left, early.Sub(read.after), late.Sub(read.before))
		}
	}
}

func itemTTLRemaining(s *suite) {
	s.set("item:first", "v")
	_, s.ttlKnown = s.item("item:first").TTL()
	ttl := 20 * s.longTTL()
	type stored struct {
		what, key string
		m         moment
	}
	var all []stored
	for _, t := range s.takers() {
		for _, old := range []time.Duration{0, 2 * ttl} {
			key := fmt.Sprintf("item:%v:%s", old, t.name)
			t.prepare(s, key, old)
			m := during(func() { s.none(t.do(s, key, ttl), "%s for %v", t.name, ttl) })
			all = append(all, stored{t.name, key, m})
			s.checkTTL(t.name, key, m, ttl)

			none := "item:none:" + key
			t.prepare(s, none, ttl)
			m = during(func() { s.none(t.do(s, none, 0), "%s for 0", t.name) })
			s.checkTTL(t.name+" for 0", none, m, 0)
		}
	}
	for i, c := range counters {
		key := fmt.Sprint("item:count:", i)
		m := during(func() { s.none(s.c.Set(s.ctx, key, []byte(c.value), ttl), "Set") })
		s.is(c.do(s, key, cache.Item{}), c.want, "%s", c.name)
		all = append(all, stored{c.name, key, m})
	}
	if s.o.Granularity == 0 { // less than a second is not none
		const short = 900 * time.Millisecond
		m := during(func() { s.none(s.c.Set(s.ctx, "item:short", value, short), "Set") })
		s.checkTTL("Set", "item:short", m, short)
	}
	// The remaining TTL shrinks.
	time.Sleep(s.longTTL())
	for _, st := range all {
		s.checkTTL(st.what+" some time ago", st.key, st.m, ttl)
	}
}
