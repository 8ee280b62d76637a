// Package dependencytest tests the promise of package dependency on a real cache.
//
// The tests of package dependency explore every order of the operations on a model of a
// store. [Hammer] tests what a model cannot: that a driver and its server keep the contract
// that the promise depends on, with real concurrency. A driver calls it from its tests:
//
//	func TestDependency(t *testing.T) {
//		dependencytest.Hammer(t, open(t), open(t))
//	}
package dependencytest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/larder-go/larder/cache"
	"github.com/larder-go/larder/dependency"
)

const (
	adders   = 8
	deleters = 4
	// room bounds the wires at a time; adders wait for deletes. Short lists, where a
	// delete is quick, show races best. It is more than all adders take at once, so
	// that at least one of them can always proceed.
	room = 8 * adders
	// ttl is longer than any test: an expired item would look like a deleted one.
	ttl = time.Hour
)

// Hammer starts goroutines that set items, wire them to a few masters, and delete these
// masters, one or several at a time, all concurrently. It fails the test if a key whose Add
// returned before a Delete began survives it, or if any operation fails.
//
// The clients, one or more, are caches over the same store: separate clients of one server,
// or views of one cache. Keys begin with "hammer". The store should hold few others, and
// must not evict. Hammer makes some 2,400 wires, or a fifth of that with -short.
func Hammer(t testing.TB, clients ...*cache.Cache) {
	t.Helper()
	if len(clients) == 0 {
		t.Fatal("dependencytest: Hammer needs a cache")
	}
	rounds := 100
	if testing.Short() {
		rounds = 20
	}
	h := &hammer{
		t: t, run: time.Now().UnixNano(),
		room: make(chan struct{}, room), failed: make(chan struct{}),
	}
	for i := range 3 {
		h.masters = append(h.masters, fmt.Sprintf("hammer-%d-%d:", h.run, i))
	}
	h.wired = make([]map[string]bool, len(h.masters))
	for i := range h.wired {
		h.wired[i] = map[string]bool{}
	}

	var adding, deleting sync.WaitGroup
	stop := make(chan struct{})
	for i := range adders {
		c := clients[i%len(clients)]
		adding.Go(func() { h.add(c, i, rounds) })
	}
	for i := range deleters {
		c := clients[(i+1)%len(clients)]
		deleting.Go(func() { h.delete(c, i, stop) })
	}
	adding.Wait()
	close(stop)
	deleting.Wait()
	select {
	case <-h.failed:
		return
	default:
	}

	// All is quiet: one more delete leaves nothing, the masters included.
	c := clients[0]
	h.deleteAndCheck(c, []int{0, 1, 2})
	left, err := c.GetMulti(t.Context(), h.masters)
	if err != nil || len(left) != 0 {
		t.Errorf("after the last delete %d masters are left, error %v; want none", len(left), err)
	}
	t.Logf("%d wires, %d deletes", h.wires, h.deletes)
}

// hammer is shared by the goroutines of one run.
type hammer struct {
	t       testing.TB
	run     int64
	masters []string
	room    chan struct{} // holds one for each wire that may be there
	failed  chan struct{} // closed at the first failure
	once    sync.Once

	mu      sync.Mutex
	wired   []map[string]bool // by master: keys whose Add returned, and that no Delete has yet been checked for
	wires   int
	deletes int
}

// fail ends the run.
func (h *hammer) fail(format string, args ...any) {
	h.t.Helper()
	h.t.Errorf(format, args...)
	h.once.Do(func() { close(h.failed) })
}

// add sets items and wires them. No key is used twice, so one that is found after a
// Delete is one that survived it.
func (h *hammer) add(c *cache.Cache, id, rounds int) {
	d, err := dependency.New(c, ttl)
	if err != nil {
		h.fail("%v", err)
		return
	}
	ctx := h.t.Context()
	for round := range rounds {
		m := (id + round) % len(h.masters)
		keys := make([]string, 1+round%3*2)
		for i := range keys {
			select {
			case h.room <- struct{}{}:
			case <-h.failed:
				return
			}
			keys[i] = fmt.Sprintf("hammer-%d-item-%d-%d-%d", h.run, id, round, i)
			if err := c.Set(ctx, keys[i], []byte(keys[i]), ttl); err != nil {
				h.fail("set: %v", err)
				return
			}
		}
		if len(keys) == 1 {
			err = d.Add(ctx, h.masters[m], keys[0])
		} else {
			err = d.AddMulti(ctx, h.masters[m], keys)
		}
		if err != nil {
			h.fail("add of %d keys: %v", len(keys), err)
			return
		}
		h.mu.Lock()
		for _, key := range keys {
			h.wired[m][key] = true
		}
		h.wires += len(keys)
		h.mu.Unlock()
	}
}

// delete deletes masters until stop is closed.
func (h *hammer) delete(c *cache.Cache, id int, stop <-chan struct{}) {
	for round := 0; ; round++ {
		select {
		case <-stop:
			return
		case <-h.failed:
			return
		default:
		}
		m := (id + round) % len(h.masters)
		if round%2 == 0 {
			h.deleteAndCheck(c, []int{m})
		} else {
			h.deleteAndCheck(c, []int{m, (m + 1) % len(h.masters)})
		}
	}
}

// deleteAndCheck deletes masters and looks for what should be gone.
func (h *hammer) deleteAndCheck(c *cache.Cache, masters []int) {
	d, err := dependency.New(c, ttl)
	if err != nil {
		h.fail("%v", err)
		return
	}
	var names, promised []string
	h.mu.Lock()
	for _, m := range masters {
		names = append(names, h.masters[m])
		for key := range h.wired[m] {
			promised = append(promised, key)
		}
	}
	h.deletes++
	h.mu.Unlock()

	ctx := h.t.Context()
	if len(names) == 1 {
		err = d.Delete(ctx, names[0])
	} else {
		err = d.DeleteMulti(ctx, names)
	}
	if err != nil {
		h.fail("delete of %d masters: %v", len(names), err)
		return
	}
	left, err := c.GetMulti(ctx, promised)
	if err != nil {
		h.fail("get: %v", err)
		return
	}
	if len(left) > 0 {
		h.fail("%d of %d keys that were wired before a delete of %d masters began survived it", len(left), len(promised), len(names))
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, m := range masters {
		for _, key := range promised {
			if h.wired[m][key] {
				delete(h.wired[m], key)
				<-h.room
			}
		}
	}
}
