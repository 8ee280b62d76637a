package cachetest

import (
	"errors"
	"time"

	"github.com/larder-go/larder/cache/driver"
)

func (m *mapCache) item(op driver.Op, key string) (driver.Item, error) {
	if err := m.reach(op, key); err != nil {
		return driver.Item{}, err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.itemLocked(op, key)
}

func (m *mapCache) itemLocked(op driver.Op, key string) (driver.Item, error) {
	it, ok := m.find(op, key)
	m.note(op, ok)
	if !ok {
		return driver.Item{}, m.miss(op)
	}
	v, err := m.value(op, key, it)
	if err != nil {
		return driver.Item{}, err
	}
	if m.breaks(mixesStates, op) {
		m.gapAlways()
		it.state = m.items[key].state
	}
	item := driver.Item{Value: v, Kind: it.kind, TTLKnown: !m.breaks(hidesTTL, op), Token: it.state}
	if m.breaks(storesOneKind, op) {
		item.Kind = driver.Text
	}
	if !it.expires.IsZero() && item.TTLKnown {
		item.TTL = time.Until(it.expires)
		if m.breaks(tellsFullTTL, op) {
			item.TTL = it.ttl
		}
		if m.breaks(tellsNoShortTTL, op) && item.TTL < time.Second {
			item.TTL = 0
		}
	}
	return item, nil
}

func (m *mapCache) gapAlways() {
	m.mu.Unlock()
	time.Sleep(time.Nanosecond)
	m.mu.Lock()
}

// same returns nil if key is still in the state of token. The lock is held.
func (m *mapCache) same(op driver.Op, key string, token any) (mapItem, error) {
	it, ok := m.find(op, key)
	switch {
	case !ok && m.breaks(goneIsConflict, op):
		return it, driver.ErrConflict
	case !ok && m.breaks(storesAlways, op):
		return it, nil
	case !ok:
		return it, m.miss(op)
	case m.breaks(comparesNothing, op):
		return it, nil
	case it.state != token && m.breaks(rejectsSilently, op):
		return it, errSilent
	case it.state != token:
		return it, driver.ErrConflict
	}
	return it, nil
}

// errSilent ends an operation without an error.
var errSilent = errors.New("silent")

func (m *mapCache) swap(op driver.Op, token any, e driver.Entry) error {
	if err := m.reach(op, e.Key); err != nil {
		return err
	}
	if err := m.fits(op, &e); err != nil {
		return err
	}
	e.Key = m.name(op, e.Key)
	m.mu.Lock()
	defer m.mu.Unlock()
	old, err := m.same(op, e.Key, token)
	if err != nil {
		if m.breaks(rejectsTooLate, op) {
			m.put(op, e, old, old.expires)
		}
		return except(err, errSilent)
	}
	if m.breaks(equalIsRejected, op) && string(old.value) == string(e.Value) {
		return driver.ErrConflict
	}
	m.gap(op)
	m.put(op, e, old, m.deadline(op, e.TTL, old))
	return nil
}

func (m *mapCache) swapDelete(op driver.Op, key string, token any) error {
	if err := m.reach(op, key); err != nil {
		return err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, err := m.same(op, key, token)
	if err != nil {
		if m.breaks(rejectsTooLate, op) {
			delete(m.items, key)
		}
		return except(err, errSilent)
	}
	m.gap(op)
	m.erase(op, key, it)
	return nil
}

func (m *mapCache) touch(op driver.Op, key string, ttl time.Duration) ([]byte, error) {
	if err := m.reach(op, key); err != nil {
		return nil, err
	}
	key = m.name(op, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	it, ok := m.find(op, key)
	if op == driver.OpGetAndTouch {
		m.note(op, ok)
	}
	if !ok {
		if m.breaks(rejectsSilently, op) {
			return nil, nil
		}
		return nil, m.miss(op)
	}
	v, err := m.value(op, key, it)
	if err != nil && op == driver.OpGetAndTouch {
		return nil, err
	}
	if m.breaks(touchesNewest, op) { // atomic in itself, but not with the value
		m.gapAlways()
		if it, ok = m.find(op, key); !ok {
			return v, nil
		}
	}
	if m.breaks(equalIsRejected, op) && it.ttl == ttl {
		return nil, m.miss(op)
	}
	m.gap(op)
	if m.breaks(cutsStores, op) {
		it.value = nil
	}
	if m.breaks(storesOneKind, op) {
		it.kind = driver.Text
	}
	it.expires, it.ttl = m.deadline(op, ttl, it), ttl
	m.items[key] = it
	return v, nil
}
