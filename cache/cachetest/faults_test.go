package cachetest

import (
	"slices"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// A fault is one way to break a rule, and exactly the cases that must find it. Most faults
// are narrow, down to a key or a value of one case, so that they show that each case tests
// its own rule. The matrix shows that the cases find the broad ones.
type fault struct {
	name    string
	driver  func(f *faulty)         // breaks the driver
	subject func(c subject) subject // breaks what is above the driver
	outage  func(f *faulty)         // breaks a driver of which a server is down
	breaks  []string

	encoding    encoding.Encoding // of the cache; the suite believes that there is none
	partitioned bool              // the cache has the namespaces a and b
}

var faults = slices.Concat(valueFaults, ttlFaults, operationFaults, itemFaults, swapManyFaults, wholeFaults, failureFaults)

// onStore changes each entry before it is stored.
func (f *faulty) onStore(change func(e *driver.Entry)) {
	store, swap := f.store, f.swap
	f.store = func(mode driver.Mode, e driver.Entry) error { change(&e); return store(mode, e) }
	f.swap = func(token any, e driver.Entry) error { change(&e); return swap(token, e) }
}

// lengthen adds d to the TTL of the key.
func lengthen(key string, d time.Duration) func(*driver.Entry) {
	return func(e *driver.Entry) {
		if e.Key == key {
			e.TTL += d
		}
	}
}

// peek returns the item at key, expired or not, which no statistics count.
func (f *faulty) peek(key string) (mapItem, bool) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	it, ok := f.m.items[key]
	return it, ok
}

// len returns the number of items.
func (f *faulty) len() int {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return len(f.m.items)
}

// text returns the value at key.
func (f *faulty) text(key string) string {
	it, _ := f.peek(key)
	return string(it.value)
}

// edit changes the item at key, if there is one.
func (f *faulty) edit(key string, change func(it *mapItem)) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if it, ok := f.m.items[key]; ok {
		change(&it)
		f.m.items[key] = it
	}
}

// force stores without conditions.
func (f *faulty) force(key, value string) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	f.m.put(driver.OpSet, driver.Entry{Key: key, Value: []byte(value)}, mapItem{}, time.Time{})
}
