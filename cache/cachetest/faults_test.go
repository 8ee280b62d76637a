package cachetest

import (
	"bytes"
	"context"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/encoding"
)

// fault is one way to break a rule, and the cases that must see it.
type fault struct {
	name    string
	driver  func(f *faulty)         // breaks the driver
	subject func(c subject) subject // breaks what stands above the driver
	outage  func(f *faulty)         // breaks a driver whose server is down
	breaks  []string

	encoding    encoding.Encoding // of the cache; the suite believes that there is none
	partitioned bool              // the cache has the namespaces a and b
}

var faults = slices.Concat(dataFaults, operationFaults, swapBatchFaults, otherFaults)

// onStore changes each entry before it is stored.
func (f *faulty) onStore(change func(e *driver.Entry)) {
	store, swap := f.store, f.swap
	f.store = func(mode driver.Mode, e driver.Entry) error { change(&e); return store(mode, e) }
	f.swap = func(token any, e driver.Entry) error { change(&e); return swap(token, e) }
}

// lengthen adds by to the TTL of the entries that match.
func lengthen(match func(*driver.Entry) bool, by time.Duration) func(*driver.Entry) {
	return func(e *driver.Entry) {
		if match(e) {
			e.TTL += by * 2
		}
	}
}

// pads watches the counters, and returns the blanks by which the number at a key has
// become shorter.
func (f *faulty) pads() func(key string) []byte {
	var mu sync.Mutex
	short := map[string]int{}
	note := func(key string, n int) {
		mu.Lock()
		defer mu.Unlock()
		short[key] = n
	}
	store, increment, decrement := f.store, f.increment, f.decrement
	f.store = func(mode driver.Mode, e driver.Entry) error { note(e.Key, 0); return store(mode, e) }
	f.increment = func(key string, delta uint64) (uint64, error) { note(key, 0); return increment(key, delta) }
	f.decrement = func(key string, delta uint64) (uint64, error) {
		old, _ := f.m.Get(context.Background(), key)
		n, err := decrement(key, delta)
		if err == nil {
			note(key, max(0, len(old)-len(strconv.FormatUint(n, 10))))
		}
		return n, err
	}
	return func(key string) []byte {
		mu.Lock()
		defer mu.Unlock()
		return bytes.Repeat([]byte(" "), short[key])
	}
}
