package cachetest

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

// mapCache is the simplest correct driver: one map behind one lock. It can be made to break
// one rule in one operation; see matrix_test.go.
type mapCache struct {
	mu     sync.Mutex
	items  map[string]mapItem
	state  uint64 // of the last store
	stats  driver.Stats
	max    int                   // the length of the largest value; 0: no limit
	down   func(key string) bool // nil: every server can be reached
	failed atomic.Uint64         // calls to servers that could not be reached
	broken breach

	scratch []byte
	flushed time.Time
}

type mapItem struct {
	value   []byte
	kind    driver.Kind
	ttl     time.Duration
	expires time.Time // zero: never
	state   uint64
	pad     int  // the digits that a counter has lost
	bad     bool // the value cannot be decoded
	stored  time.Time
}

func newMapCache() *mapCache { return &mapCache{items: map[string]mapItem{}} }

// A breach is a rule that a driver breaks in one operation.
type breach struct {
	rule rule
	op   driver.Op
}

func (m *mapCache) breaks(r rule, op driver.Op) bool { return m.broken == breach{r, op} }

// gap lets other goroutines run between the read and the write of an operation that is not
// atomic. The lock is held. In a bubble of synctest all others reach this point.
func (m *mapCache) gap(op driver.Op) {
	if m.breaks(notAtomic, op) {
		m.mu.Unlock()
		time.Sleep(time.Nanosecond)
		m.mu.Lock()
	}
}

// reach returns the error of an operation whose server cannot be reached.
func (m *mapCache) reach(op driver.Op, key string) error {
	if m.down == nil || !m.down(key) {
		return nil
	}
	m.failed.Add(1)
	switch {
	case m.breaks(outageIsMiss, op):
		return driver.ErrMiss
	case m.breaks(outageIsRejection, op):
		return driver.ErrNotStored
	case m.breaks(outageIsBare, op):
		return driver.ErrUnavailable
	case m.breaks(outageNamesOther, op):
		return driver.Unavailable("map", driver.OpPing, "server-1", errors.New("connection refused"))
	}
	return driver.Unavailable("map", publicOp(op), "server-1", errors.New("connection refused"))
}

func (m *mapCache) miss(op driver.Op) error {
	if m.breaks(wrapsMiss, op) {
		return fmt.Errorf("%v: %w", op, driver.ErrMiss)
	}
	return driver.ErrMiss
}

// name returns the key that op uses.
func (m *mapCache) name(op driver.Op, key string) string {
	if m.breaks(foldsKeys, op) {
		return strings.Replace(key, "aA", "aa", 1)
	}
	if m.breaks(normalizesKeys, op) {
		return strings.ReplaceAll(strings.ToValidUTF8(key, "\uFFFD"), "caf\u00e9", "cafe\u0301")
	}
	if m.breaks(joinsPaths, op) {
		return strings.ReplaceAll(key, "/", ":")
	}
	if m.breaks(cutsKeys, op) {
		return key[:min(len(key), 249)]
	}
	return key
}

// find returns the item at key if it is there. The lock is held.
func (m *mapCache) find(op driver.Op, key string) (mapItem, bool) {
	it, ok := m.items[key]
	if !ok {
		if m.breaks(leavesAbsentKeys, op) {
			m.put(op, driver.Entry{Key: key, Value: []byte("0")}, it, time.Time{})
		}
		return it, false
	}
	now := time.Now()
	expired := !it.expires.IsZero() && !now.Before(it.expires)
	if it.stored.Before(m.flushed.Add(time.Second)) && !m.flushed.IsZero() {
		expired = true
	}
	if m.breaks(findsAtExpiry, op) {
		expired = !it.expires.IsZero() && now.After(it.expires)
	}
	if expired && !m.breaks(findsExpired, op) {
		return mapItem{}, false
	}
	if m.breaks(renewsTTL, op) && it.ttl > 0 {
		it.expires = now.Add(it.ttl)
	}
	if m.breaks(forgetsTTL, op) {
		it.expires = time.Time{}
	}
	if m.breaks(makesNewState, op) {
		m.state++
		it.state = m.state
	}
	if m.breaks(takesAway, op) {
		delete(m.items, key)
	} else {
		m.items[key] = it
	}
	return it, true
}

// put stores e over old, which is zero if there is none, in a new state. The lock is held.
func (m *mapCache) put(op driver.Op, e driver.Entry, old mapItem, expires time.Time) {
	m.state++
	if !m.breaks(countsNothing, op) {
		m.stats.Writes++
	}
	it := mapItem{value: append([]byte{}, e.Value...), kind: e.Kind, ttl: e.TTL, expires: expires, state: m.state, stored: time.Now()}
	if m.breaks(writesToGiven, op) {
		for i := range e.Value {
			e.Value[i] ^= 0xff
		}
	}
	small := len(e.Value) <= 4096
	switch {
	case m.breaks(keepsSmallSlices, op) && small && e.Value != nil, m.breaks(keepsLargeSlices, op) && !small:
		it.value = e.Value
	case m.breaks(writesInPlace, op) && len(old.value) == len(e.Value) && old.value != nil:
		copy(old.value, e.Value)
		it.value = old.value
	case m.breaks(cutsStores, op):
		it.value, _, _ = bytes.Cut(it.value, []byte("\r\n"))
	case m.breaks(storesText, op):
		it.value = bytes.ToValidUTF8(it.value, []byte("\uFFFD"))
	case m.breaks(storesStrings, op):
		it.value, _, _ = bytes.Cut(it.value, []byte("\x00"))
	case m.breaks(storesOneKind, op):
		it.kind = driver.Text
	case m.breaks(equalIsNoChange, op) && old.state != 0 && string(old.value) == string(e.Value):
		it.state = old.state
	case m.breaks(beginsStatesAnew, op) && old.state == 0:
		it.state = math.MaxUint64
	}
	m.items[e.Key] = it
}

// month is the TTL from which on memcached takes an expiry for a date.
const month = 30 * 24 * time.Hour

// deadline returns when an item expires that is stored now over old.
func (m *mapCache) deadline(op driver.Op, ttl time.Duration, old mapItem) time.Time {
	switch {
	case m.breaks(losesTTL, op):
		ttl = 0
	case m.breaks(zeroIsAYear, op) && ttl == 0:
		ttl = 365 * 24 * time.Hour
	case m.breaks(zeroKeepsTTL, op) && ttl == 0 && old.state != 0:
		return old.expires
	case m.breaks(keepsOldTTL, op) && !old.expires.IsZero():
		return old.expires
	case m.breaks(truncatesTTL, op):
		ttl = ttl.Truncate(time.Second)
	case m.breaks(monthIsPast, op) && ttl > month:
		ttl = 1
	case m.breaks(hugeIsPast, op) && ttl > math.MaxInt64-time.Hour:
		ttl = 1
	case m.breaks(expiresEarly, op) && ttl > time.Second && ttl < time.Hour:
		ttl -= time.Second
	case m.breaks(expiresLate, op) && ttl > time.Second && ttl < time.Hour:
		ttl += time.Second
	}
	if ttl == 0 {
		return time.Time{}
	}
	return time.Now().Add(ttl)
}

// value returns the value of it as op returns it. The lock is held.
func (m *mapCache) value(op driver.Op, key string, it mapItem) ([]byte, error) {
	v := it.value
	switch {
	case it.bad && m.breaks(unreadableIsMiss, op):
		return nil, driver.ErrMiss
	case it.bad && m.breaks(unreadableIsOutage, op):
		return nil, driver.Unavailable("map", op, "", errors.New("bad magic number"))
	case it.bad && m.breaks(returnsUnreadable, op):
	case it.bad:
		return nil, driver.Unreadable("map", op, "", key, errors.New("a pickle"))
	case m.breaks(emptyIsNil, op) && len(v) == 0:
		return nil, nil
	case m.breaks(cutsReads, op):
		v, _, _ = bytes.Cut(v, []byte("\r\n"))
	case m.breaks(trimsReads, op) && len(bytes.TrimRight(v, " ")) > 0:
		v = bytes.TrimRight(v, " ")
	case m.breaks(padsCounters, op):
		v = append(v[:len(v):len(v)], bytes.Repeat([]byte(" "), it.pad)...)
	case m.breaks(reusesBuffer, op):
		m.scratch = append(m.scratch[:0], v...)
		return m.scratch, nil
	}
	return v, nil
}

func (m *mapCache) get(op driver.Op, key string) ([]byte, error) {
	if err := m.reach(op, key); err != nil {
		return nil, err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(op, key)
	m.note(op, ok)
	if !ok {
		return nil, m.miss(op)
	}
	return m.value(op, key, it)
}

// note counts a get. The lock is held.
func (m *mapCache) note(op driver.Op, hit bool) {
	switch {
	case m.breaks(countsNothing, op):
	case hit:
		m.stats.Hits++
	default:
		m.stats.Misses++
	}
}

func (m *mapCache) store(op driver.Op, mode driver.Mode, e driver.Entry) error {
	if err := m.reach(op, e.Key); err != nil {
		return err
	}
	if err := m.fits(op, &e); err != nil {
		return err
	}
	e.Key = m.name(op, e.Key)
	m.mu.Lock()
	defer m.mu.Unlock()
	old, present := m.find(op, e.Key)
	if m.breaks(storesAlways, op) {
		mode = driver.Set
	}
	if mode == driver.Add && present || mode == driver.Replace && !present {
		if m.breaks(rejectsSilently, op) {
			return nil
		}
		if m.breaks(rejectsTooLate, op) {
			m.put(op, e, old, time.Time{})
		}
		return driver.ErrNotStored
	}
	if m.breaks(equalIsRejected, op) && present && string(old.value) == string(e.Value) {
		return driver.ErrNotStored
	}
	m.gap(op)
	m.put(op, e, old, m.deadline(op, e.TTL, old))
	if m.breaks(failsThoughStored, op) {
		return driver.ErrNotStored
	}
	return nil
}

// fits returns the error of a value that is too large.
func (m *mapCache) fits(op driver.Op, e *driver.Entry) error {
	if m.max == 0 || len(e.Value) <= m.max {
		return nil
	}
	switch {
	case m.breaks(cutsLarge, op):
		e.Value = e.Value[:m.max]
		return nil
	case m.breaks(largeIsOutage, op):
		return driver.Unavailable("map", op, "", errors.New("connection reset"))
	}
	return driver.ErrTooLarge
}

func (m *mapCache) remove(op driver.Op, key string) error {
	if err := m.reach(op, key); err != nil {
		return err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, present := m.find(op, key)
	if !present {
		if m.breaks(rejectsSilently, op) {
			return nil
		}
		return m.miss(op)
	}
	m.gap(op)
	m.erase(op, key, it)
	return nil
}

// erase removes an item. The lock is held.
func (m *mapCache) erase(op driver.Op, key string, it mapItem) {
	if m.breaks(writesInPlace, op) {
		clear(it.value)
	}
	if !m.breaks(removesNothing, op) {
		delete(m.items, key)
	}
	if m.breaks(removesNeighbor, op) {
		delete(m.items, key+":2")
		delete(m.items, "b")
	}
}
