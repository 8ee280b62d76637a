package main

import (
	"slices"
	"sync"
	"time"
)

// change is an invalidation, as it is shown after the redirect that follows it.
type change struct {
	ID      int
	At      time.Time
	Path    string
	Dropped []string // packages whose pages were dropped
	Took    time.Duration
}

// maxChanges is the number of changes that are remembered.
const maxChanges = 50

// changes are the latest invalidations.
type changes struct {
	mu   sync.Mutex
	n    int
	list []change // the newest last
}

// add remembers a change, and returns its ID.
func (c *changes) add(ch change) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	ch.ID = c.n
	c.list = append(c.list, ch)
	if len(c.list) > maxChanges {
		c.list = slices.Clone(c.list[1:])
	}
	return ch.ID
}

// get returns the change with an ID.
func (c *changes) get(id int) (change, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.list, func(ch change) bool { return ch.ID == id })
	if i < 0 {
		return change{}, false
	}
	return c.list[i], true
}

// latest returns the changes that are remembered, the newest first.
func (c *changes) latest() []change {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.Clone(c.list)
	slices.Reverse(list)
	return list
}
