package dependency_test

import (
	"flag"
	"maps"
	"strconv"
	"testing"

	"github.com/larder-go/larder/cache/driver"
	"github.com/larder-go/larder/internal/local"
	"github.com/larder-go/larder/internal/race"
)

// long adds the scenes that take minutes: go test -race ./dependency -args -long
var long = flag.Bool("long", false, "explore what takes minutes as well")

// This file explores a cache that evicts by the rules of [local.Wirer]: any entry at any
// time, but no wire whose item is there, and no master with wires that was there when one
// of them was made, or was made while it had them.

// evictor is the actor of a move that evicts.
const evictor = 255

// evictingScript is a script of a cache in the process that evicts.
type evictingScript struct{ *script }

func (s evictingScript) AddWire(w local.Wire) error {
	return s.ask(request{
		op: "wire", key: w.Entry.Key, value: string(w.Entry.Value), kind: w.Entry.Kind, master: w.Master, number: w.Number,
	}).err
}

var _ local.Wirer = evictingScript{}

// addWire renews a wire between the item and the master, or adds one.
//
//go:norace
func (w *world) addWire(s *state, n *node) answer {
	r := &n.request
	master := w.key(r.master)
	if s.store[master] != 0 {
		s.pinned[master] = true
	} else if s.store[w.key(r.value)] == 0 {
		return answer{err: local.ErrEvicted}
	}
	for i := uint64(1); i <= r.number; i++ {
		if k := w.key(r.master + strconv.FormatUint(i, 10)); s.store[k] == n.stores {
			w.change(s, k, n.stores)
			return answer{}
		}
	}
	if s.store[n.key] != 0 {
		return answer{err: driver.ErrNotStored}
	}
	w.change(s, n.key, n.stores)
	return answer{}
}

// evictUnwired does what addWire does when there is no room for wires.
//
//go:norace
func (w *world) evictUnwired(s *state, n *node) answer {
	s.evicts++
	w.change(s, w.key(n.request.value), 0)
	return answer{err: local.ErrEvicted}
}

// evictions appends what the cache may evict.
//
//go:norace
func (w *world) evictions(s *state, out []move) []move {
	if s.evicts == w.evicts {
		return out
	}
	for k := range w.keys {
		if s.store[k] != 0 && !w.held(s, k) {
			out = append(out, move{actor: evictor, key: uint8(k)})
		}
	}
	return out
}

// held reports whether the rules keep an entry: a wire whose item is there, or a master
// with wires.
//
//go:norace
func (w *world) held(s *state, k int) bool {
	if v := w.values[s.store[k]]; v.kind == driver.Text {
		return s.store[w.key(v.text)] != 0
	}
	return s.pinned[k] && w.wired(s, k)
}

// wired reports whether a master has wires.
//
//go:norace
func (w *world) wired(s *state, k int) bool {
	for slot := range w.keys {
		if s.store[slot] != 0 && w.values[s.store[slot]].kind == driver.Text && isSlot(w.keys[k], w.keys[slot]) {
			return true
		}
	}
	return false
}

// isSlot reports whether key is that of a slot of master.
//
//go:norace
func isSlot(master, key string) bool {
	if len(key) <= len(master) || key[:len(master)] != master {
		return false
	}
	for _, c := range key[len(master):] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// evicting makes a scene play on a cache that evicts so many entries.
func (sc *scene) evicting(n int) *world {
	w := sc.ready()
	w.evicts = n
	for _, p := range append(w.programs, w.probe) {
		p.evicts = true
	}
	return w
}

// Evictions break no promise, at any step and of any item.
func TestEveryEviction(t *testing.T) {
	if race.Enabled && !*long {
		t.Skip(race.Left)
	}
	scenes := map[string]*world{
		"adder and deleter": newScene(ours).
			adder("adder", "m", "x").deleter("deleter", "m").evicting(3),
		"two adders": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m", "y").deleter("deleter", "m").evicting(1),
		"two deleters": newScene(ours).
			adder("adder", "m", "x").deleter("deleter 1", "m").deleter("deleter 2", "m").evicting(2),
		"two adders of one item": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "m", "x").deleter("deleter", "m").evicting(1),
		"many keys": newScene(ours).
			adder("adder", "m", "x", "y").deleter("deleter", "m").evicting(2),
		"two masters": newScene(ours).
			adder("adder 1", "m", "x").adder("adder 2", "n", "x").deleter("deleter", "m", "n").evicting(2),
	}
	if *long {
		maps.Copy(scenes, map[string]*world{
			"two adders, two evictions": newScene(ours).
				adder("adder 1", "m", "x").adder("adder 2", "m", "y").deleter("deleter", "m").evicting(2),
			"two adders and two deleters": newScene(ours).
				adder("adder 1", "m", "x").adder("adder 2", "m", "y").deleter("deleter 1", "m").deleter("deleter 2", "m").evicting(1),
			"two adders of one item, two evictions": newScene(ours).
				adder("adder 1", "m", "x").adder("adder 2", "m", "x").deleter("deleter", "m").evicting(2),
			"three adders of one item": newScene(ours).
				adder("adder 1", "m", "x").adder("adder 2", "m", "x").adder("adder 3", "m", "x").deleter("deleter", "m").evicting(0),
		})
	}
	for name, w := range scenes {
		t.Run(name, func(t *testing.T) { mustHold(t, w) })
	}
}
