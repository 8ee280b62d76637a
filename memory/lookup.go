package memory

import (
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/keyrule"
)

// Lookup has the common case of search in itself: the key lies in its first group, behind the
// first tag that is equal, and was read before; or its first group says that it is not
// there. search alone would do, in 1.07 times the time (go test -bench Get ./memory).
func (s *store) Lookup(k string) ([]byte, error) {
	hash := s.hash(k)
	sh := s.shard(hash)
	var r *record
	if t := sh.index.tables[partOf(hash)].Load(); t != nil {
		group := &t.groups[t.first(hash)]
		control := atomic.LoadUint64(&group[0])
		if m := matches(control, tagOf(hash)); m != 0 {
			word := &group[slotOf(m)&7]
			w := atomic.LoadUint64(word)
			switch (w^hash)&hashMask | w&(live|read) {
			case live | read:
				slot := sh.dir.slot(slabOf(w))
				data := slot.Load()
				if atomic.LoadUint64(word) == w && slot.Load() == data && data != nil {
					r = recordAt(data, offsetOf(w))
					if r.hasKey(k) && r.deadline() > s.clock.horizon.Load() && s.trailer == 0 {
						goto found
					}
				}
			case live: // the first get
				r = sh.searchLocked(hash, k)
				if r != nil && r.deadline() > s.clock.horizon.Load() && s.trailer == 0 {
					goto found
				}
			}
		} else if control < overflow {
			goto missed
		}
		if r = s.search(hash, k); r != nil {
			goto found
		}
	}
missed:
	if !keyrule.Valid(k) {
		return nil, driver.ErrInvalidKey
	}
	s.counters.stripe().misses.Add(1)
	return nil, driver.ErrMiss
found:
	s.counters.stripe().hits.Add(1)
	return r.value(), nil
}

// search returns the record of a key that has not expired, or nil.
func (s *store) search(hash uint64, key string) *record {
	r := s.shard(hash).search(hash, key)
	if r != nil && r.deadline() <= s.clock.horizon.Load() {
		r = s.unexpired(hash, key, r)
	}
	if r != nil && s.trailer > 0 {
		s.mustMatch(r)
	}
	return r
}

// unexpired returns r, which search gave for the key, if it has not expired.
//
// A writer may find that an entry has not, be held up, and change it after its
// deadline. A reader in between must not report a miss: then no order of the two would
// explain their results. So writers set deciding before they decide, and a reader that finds
// an expired entry checks whether it is still the current one.
func (s *store) unexpired(hash uint64, key string, r *record) *record {
	for r != nil && s.clock.passed(r.deadline()) {
		sh := s.shard(hash)
		if sh.deciding.Load() {
			sh.mu.Lock() // waits for the decision
			//lint:ignore SA2001 see above
			sh.mu.Unlock()
		}
		again := sh.search(hash, key)
		if again == r {
			return nil
		}
		r = again
	}
	return r
}

// search looks for a key, as a rule without a lock. The record it returns never changes.
//
// Why that is safe: the flag read is set under the lock, and shared of its slab with it.
// From then on no writer changes the record in place, and the slab never begins again, so
// a word with the flag names bytes that stay. The first to read a record takes the lock
// for that. A slab leaves the directory only after every word that names it has left the
// index, its number is given away only then, and none enters the directory twice. So if
// the directory gave the same bytes before and after the word was seen in its place, it
// was those that the word named. And the words of a replaced table are all overwritten.
func (sh *shard) search(hash uint64, key string) *record {
	t := sh.index.tables[partOf(hash)].Load()
	if t == nil {
		return nil
	}
	for g := t.first(hash); ; {
		group := &t.groups[g]
		control := atomic.LoadUint64(&group[0])
		for m := matches(control, tagOf(hash)); m != 0; m &= m - 1 {
			word := &group[slotOf(m)&7]
			w := atomic.LoadUint64(word)
			if w == gone {
				return sh.searchLocked(hash, key)
			}
			if (w^hash)&hashMask|w&live != live {
				continue
			}
			slot := sh.dir.slot(slabOf(w))
			data := slot.Load()
			if w&read == 0 || atomic.LoadUint64(word) != w || slot.Load() != data || data == nil {
				return sh.searchLocked(hash, key)
			}
			if r := recordAt(data, offsetOf(w)); r.hasKey(key) {
				return r
			}
		}
		if control < overflow {
			return nil
		}
		if control == moved {
			return sh.searchLocked(hash, key)
		}
		if g = t.next(g); g == t.first(hash) {
			return nil
		}
	}
}

// searchLocked is search under the lock. It marks the record as read.
func (sh *shard) searchLocked(hash uint64, key string) *record {
	sh.mu.Lock()
	e := sh.find(hash, key)
	if e.found() {
		sh.markRead(&e)
	}
	sh.mu.Unlock()
	return e.rec
}

// markRead notes that a reader has the record of e, so that it must not change any more.
func (sh *shard) markRead(e *entry) {
	if e.w&read != 0 {
		return
	}
	if s := sh.slab(*e); !s.shared {
		s.shared = true
	}
	e.w |= read
	atomic.StoreUint64(e.word, e.w)
}
