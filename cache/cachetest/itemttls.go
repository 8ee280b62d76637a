package cachetest

import (
	"errors"
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

// itemsAt reads key with every operation that returns an item, and returns when that was.
func (s *suite) itemsAt(key string) (items map[string]cache.Item, read moment, err error) {
	read = during(func() {
		one, _, err1 := s.c.GetOrAdd(s.ctx, key, value, 0)
		many, _, err2 := s.c.GetOrAddMulti(s.ctx, map[string][]byte{key: value}, 0)
		item, err3 := s.c.GetItem(s.ctx, key)
		multi, err4 := s.c.GetItemMulti(s.ctx, []string{key})
		err = errors.Join(err1, err2, err3, err4)
		items = map[string]cache.Item{"GetItem": item, "GetItemMulti": multi[key], "GetOrAdd": one, "GetOrAddMulti": many[key]}
	})
	return items, read, err
}

// checkTTL checks the remaining TTL of the items at key, which was stored at m for ttl. It
// reports false, and checks nothing, if that has passed.
func (s *suite) checkTTL(what, key string, m moment, ttl time.Duration) bool {
	s.t.Helper()
	items, read, err := s.itemsAt(key)
	if !s.inTime(m, ttl) {
		return false
	}
	s.none(err, "the items of %q", key)
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
	return true
}

// mustCheckTTL checks the TTL of what has not expired on the slowest machine.
func (s *suite) mustCheckTTL(what, key string, m moment, ttl time.Duration) {
	s.t.Helper()
	if !s.checkTTL(what, key, m, ttl) {
		s.errorf("after %s: %v have passed since the item was stored", what, ttl)
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
			s.mustCheckTTL(t.name, key, m, ttl)

			none := "item:none:" + key
			t.prepare(s, none, ttl)
			m = during(func() { s.none(t.do(s, none, 0), "%s for 0", t.name) })
			s.mustCheckTTL(t.name+" for 0", none, m, 0)
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
		for inTime := false; !inTime; {
			m := during(func() { s.none(s.c.Set(s.ctx, "item:short", value, short), "Set") })
			inTime = s.checkTTL("Set", "item:short", m, short)
		}
	}
	// The remaining TTL shrinks.
	time.Sleep(s.longTTL())
	for _, st := range all {
		s.mustCheckTTL(st.what+" some time ago", st.key, st.m, ttl)
	}
}
