package valkey

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// nearViews are the near views of a cache. A key that the process changes, through the cache or a
// view, is dropped from all of them before the call returns, so that they see the change at once.
type nearViews struct {
	list atomic.Pointer[[]*near] // replaced under mu; nil if there are none

	mu     sync.Mutex
	closed bool
}

func (ns *nearViews) add(n *near) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return false
	}
	list := append(slices.Clone(ns.all()), n)
	ns.list.Store(&list)
	return true
}

func (ns *nearViews) all() []*near {
	if list := ns.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (ns *nearViews) drop(keys ...string) {
	for _, n := range ns.all() {
		for _, key := range keys {
			n.local.drop(key)
		}
	}
}

func (ns *nearViews) dropEntries(entries []driver.Entry) {
	for _, n := range ns.all() {
		for i := range entries {
			n.local.drop(entries[i].Key)
		}
	}
}

func (ns *nearViews) dropAll() {
	for _, n := range ns.all() {
		n.local.dropAll()
	}
}

// dialed is called when the driver has made a connection.
func (ns *nearViews) dialed(addr string) {
	for _, n := range ns.all() {
		n.trackers.dialed(addr)
	}
}

func (ns *nearViews) close() {
	ns.mu.Lock()
	ns.closed = true
	ns.mu.Unlock()
	for _, n := range ns.all() {
		n.trackers.close()
	}
}
