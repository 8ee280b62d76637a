package cachetest

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

func (m *mapCache) count(op driver.Op, key string, delta uint64) (uint64, error) {
	if err := m.reach(op, key); err != nil {
		return 0, err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(op, key)
	if !ok {
		return 0, m.miss(op)
	}
	return m.countLocked(op, key, it, delta)
}

// countFrom counts from initial if key is absent.
func (m *mapCache) countFrom(op driver.Op, key string, delta, initial uint64, ttl time.Duration) (uint64, error) {
	if err := m.reach(op, key); err != nil {
		return 0, err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(op, key)
	if ok && !m.breaks(storesAlways, op) {
		return m.countLocked(op, key, it, delta)
	}
	n := m.sum(op, initial, delta)
	if m.breaks(ignoresDelta, op) {
		n = initial
	}
	m.gap(op)
	m.put(op, driver.Entry{Key: key, Value: strconv.AppendUint(nil, n, 10), Kind: driver.Number, TTL: ttl}, it, m.deadline(op, ttl, it))
	return n, nil
}

func (m *mapCache) countLocked(op driver.Op, key string, it mapItem, delta uint64) (uint64, error) {
	old, err := m.number(op, it.value)
	if err != nil {
		if m.breaks(rejectsTooLate, op) {
			m.put(op, driver.Entry{Key: key, Value: []byte("0")}, it, it.expires)
		}
		return 0, err
	}
	if m.breaks(equalIsRejected, op) && delta == 0 {
		return 0, driver.ErrMiss
	}
	n := m.sum(op, old, delta)
	m.gap(op)
	digits := strconv.AppendUint(nil, n, 10)
	if m.breaks(storesOldCount, op) {
		digits = it.value
	}
	kind, expires := it.kind, it.expires
	if m.breaks(losesTTL, op) {
		expires = time.Time{}
	}
	if m.breaks(storesOneKind, op) {
		kind = driver.Text
	}
	pad := max(0, len(it.value)-len(digits))
	m.put(op, driver.Entry{Key: key, Value: digits, Kind: kind, TTL: it.ttl}, it, expires)
	it = m.items[key]
	it.pad = pad
	m.items[key] = it
	if m.breaks(returnsOldCount, op) {
		return old, nil
	}
	return n, nil
}

// number returns the number that v is.
func (m *mapCache) number(op driver.Op, v []byte) (uint64, error) {
	s := string(v)
	base := 10
	switch {
	case m.breaks(countsSigns, op):
		s = strings.TrimPrefix(s, "+")
	case m.breaks(countsSpaces, op):
		s = strings.TrimSpace(s)
	case m.breaks(countsEmpty, op) && s == "":
		s = "0"
	case m.breaks(countsLiterals, op):
		base = 0
	case m.breaks(countsPrefixes, op):
		s = s[:len(s)-len(strings.TrimLeft(s, "0123456789"))]
	}
	n, err := strconv.ParseUint(s, base, 64)
	if err != nil && !(m.breaks(countsTooLarge, op) && errors.Is(err, strconv.ErrRange)) {
		return 0, driver.ErrNotNumber
	}
	return n, nil
}

func (m *mapCache) sum(op driver.Op, n, delta uint64) uint64 {
	if m.breaks(countsBy32Bits, op) {
		n, delta = uint64(uint32(n)), uint64(uint32(delta))
	}
	if op == driver.OpIncrement || op == opIncrementFrom {
		if m.breaks(stopsOrWraps, op) && n > math.MaxUint64-delta {
			return math.MaxUint64
		}
		return n + delta
	}
	if m.breaks(stopsOrWraps, op) {
		return n - delta
	}
	return n - min(n, delta)
}
