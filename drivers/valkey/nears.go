package valkey

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/larder-go/larder/cache/driver"
)

// nears are the near views of a cache. What the process changes, by whichever view, is dropped
// from them before the call returns, so that its own changes are seen at once.
type nears struct {
	list atomic.Pointer[[]*near] // replaced under mu; nil if there are none

	mu     sync.Mutex
	closed bool
}

func (ns *nears) add(n *near) bool {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if ns.closed {
		return false
	}
	list := append(slices.Clone(ns.all()), n)
	ns.list.Store(&list)
	return true
}

func (ns *nears) all() []*near {
	if list := ns.list.Load(); list != nil {
		return *list
	}
	return nil
}

func (ns *nears) drop(keys ...string) {
	for _, n := range ns.all() {
		for _, key := range keys {
			n.kept.drop(key)
		}
	}
}

func (ns *nears) dropEntries(entries []driver.Entry) {
	for _, n := range ns.all() {
		for i := range entries {
			n.kept.drop(entries[i].Key)
		}
	}
}

func (ns *nears) dropAll() {
	for _, n := range ns.all() {
		n.kept.dropAll()
	}
}

func (ns *nears) close() {
	ns.mu.Lock()
	ns.closed = true
	ns.mu.Unlock()
	for _, n := range ns.all() {
		n.links.close()
	}
}
