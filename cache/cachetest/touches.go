package cachetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/larder-go/larder/cache"
)

var touchCases = []test{
	{
		name: "touch/ttl",
		rule: "Touch and GetAndTouch give the key a new TTL and leave the value; 0 means no expiry; GetAndTouch returns the value; an absent key is ErrMiss and stays absent",
		run:  touches(touchTTL), drops: dropsTouch, waits: true,
	},
	{
		name: "touch/concurrent",
		rule: "Touch and GetAndTouch lose no store and no count that happens at the same time",
		run:  touches(touchConcurrent), drops: dropsTouch,
	},
	{
		name: "touch/same item",
		rule: "GetAndTouch is atomic: the value that it returns is the one whose TTL it changed",
		run:  touches(touchSameItem), drops: dropsTouch, waits: true,
	},
}

// touches returns run for caches that can touch. On the others the case checks that the
// operations are unsupported.
func touches(run func(*suite)) func(*suite) {
	return func(s *suite) {
		if s.c.Supports(cache.OpTouch) {
			run(s)
			return
		}
		s.unsupported(cache.OpTouch, cache.OpGetAndTouch)
	}
}

// A toucher is Touch or GetAndTouch.
type toucher struct {
	name    string
	returns bool // it returns the value
	do      func(key string, ttl time.Duration) ([]byte, error)
}

func (s *suite) touchers() []toucher {
	return []toucher{
		{"Touch", false, func(key string, ttl time.Duration) ([]byte, error) { return nil, s.c.Touch(s.ctx, key, ttl) }},
		{"GetAndTouch", true, func(key string, ttl time.Duration) ([]byte, error) { return s.c.GetAndTouch(s.ctx, key, ttl) }},
	}
}

// touch checks that t touches key, which has the value want.
func (s *suite) touch(t toucher, key, want string, ttl time.Duration) {
	s.t.Helper()
	got, err := t.do(key, ttl)
	s.touched(t, key, want, ttl, got, err)
}

// touched checks what t returned.
func (s *suite) touched(t toucher, key, want string, ttl time.Duration, got []byte, err error) {
	s.t.Helper()
	s.none(err, "%s of %q for %v", t.name, key, ttl)
	if err == nil && t.returns {
		s.found(t.name, key, got, nil, want)
	}
}

func touchTTL(s *suite) {
	ttl, old := s.ttl(), s.longTTL()
	type kept struct {
		m    moment
		keys []string
	}
	stays := map[string]string{}
	var expires []kept
	var last moment
	for _, t := range s.touchers() {
		absent := "touch:absent:" + t.name
		for _, ttl := range []time.Duration{0, time.Hour} {
			_, err := t.do(absent, ttl)
			s.is(err, cache.ErrMiss, "%s of an absent key for %v", t.name, ttl)
		}
		s.misses(absent)
		key := func(name string) string { return "touch:" + name + ":" + t.name }
		last = s.touchInTime(t, &old, []touched{
			{key("zero"), "zero", 0}, {key("longer"), "longer", time.Hour}, {key("month"), "month", 60 * 24 * time.Hour}, {key("empty"), "", 0},
		})
		for _, name := range []string{"zero", "longer", "month"} {
			stays[key(name)] = name
		}
		stays[key("empty")] = ""
		s.none(s.c.Set(s.ctx, key("from-zero"), value, 0), "Set")
		s.none(s.c.Set(s.ctx, key("shorter"), value, time.Hour), "Set")
		short := kept{keys: []string{key("from-zero"), key("shorter")}}
		short.m = during(func() {
			for _, k := range short.keys {
				s.touch(t, k, string(value), ttl)
			}
		})
		expires = append(expires, short)
	}
	for _, e := range expires {
		s.expire(e.m, ttl, e.keys...)
	}
	s.stay(last, old, stays)
}

// A touched is a key with a value, and the TTL that it is to have.
type touched struct {
	key, value string
	ttl        time.Duration
}

// touchInTime stores keys for old, lets t give them their TTLs, and returns when that was. On a
// machine that is so slow that they had expired, it begins again with a longer one.
func (s *suite) touchInTime(t toucher, old *time.Duration, keys []touched) (m moment) {
	s.t.Helper()
	for ; ; *old *= 2 {
		stored := during(func() {
			for _, k := range keys {
				s.none(s.c.Set(s.ctx, k.key, []byte(k.value), *old), "Set")
			}
		})
		got, errs := make([][]byte, len(keys)), make([]error, len(keys))
		m = during(func() {
			for i, k := range keys {
				got[i], errs[i] = t.do(k.key, k.ttl)
			}
		})
		if !s.inTime(stored, *old) {
			continue
		}
		for i, k := range keys {
			s.touched(t, k.key, k.value, k.ttl, got[i], errs[i])
		}
		return m
	}
}

func touchConcurrent(s *suite) {
	const rounds = 25
	for _, t := range s.touchers() {
		count, key := "n:"+t.name, "k:"+t.name
		s.set(count, "0")
		s.set(key, "0")
		for i := range rounds {
			v := strconv.Itoa(i)
			together(6, func(worker int) {
				var err error
				switch worker {
				case 1:
					_, err = s.c.Increment(s.ctx, count, 1)
				case 4:
					err = s.c.Set(s.ctx, key, []byte(v), 0)
				case 0, 2:
					_, err = t.do(count, time.Hour)
				default:
					_, err = t.do(key, 0)
				}
				s.none(err, "%s, or what meets it", t.name)
			})
			s.has(key, v)
		}
		s.has(count, strconv.Itoa(rounds))
	}
}

// touchSameItem runs a store with a TTL and a GetAndTouch for no expiry at the same time. The
// later one decides the TTL; if that is GetAndTouch, it must have returned the stored value.
func touchSameItem(s *suite) {
	const rounds = 25
	ttl := s.ttl()
	var mu sync.Mutex
	stays := map[string]string{}
	var expires []string
	m := moment{before: time.Now()}
	for i := range rounds {
		key := fmt.Sprint("same:", i)
		s.set(key, "old")
		together(2, func(worker int) {
			if worker == 0 {
				s.none(s.c.Set(s.ctx, key, []byte("new"), ttl), "Set")
				return
			}
			got, err := s.c.GetAndTouch(s.ctx, key, 0)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil && !errors.Is(err, cache.ErrMiss):
				s.errorf("GetAndTouch: %v", err)
			case string(got) == "new":
				stays[key] = "new"
			default:
				expires = append(expires, key)
			}
		})
	}
	m.after = time.Now()
	s.expire(m, ttl, expires...)
	s.stay(m, ttl, stays)
}
